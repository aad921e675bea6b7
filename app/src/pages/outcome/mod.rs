//! What came of what somebody asked for, and the forms that ask.

mod act;
#[cfg(feature = "ssr")]
pub(super) mod tell;
mod text;

use entity::kind::RepositoryAction;
use leptos::prelude::*;
use uuid::Uuid;

#[cfg(feature = "ssr")]
pub use act::MAX_CHOSEN;
pub use act::{ActOnRepositories, AddRepositories, StartDiscovery, SyncAllRepositories};
pub use text::{OutcomeText, Tone};

use crate::components::{ActForm, Notice};

/// What came of it; read aloud when it comes. Nothing where nothing was asked for.
pub(super) fn outcome(told: Option<OutcomeText>) -> AnyView {
    view! { <div class="outcome" role="status">{told.map(notice)}</div> }.into_any()
}

fn notice(told: OutcomeText) -> AnyView {
    let OutcomeText { tone, text, lines, watch } = told;
    let tone = match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    let lines = (!lines.is_empty()).then(|| {
        let lines = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <ul>{lines}</ul> }
    });
    let watch = watch.map(|href| view! { " " <a href=href>"See how it goes"</a> });
    view! { <Notice tone>{text} {watch} {lines}</Notice> }.into_any()
}

/// A button that does something at once.
pub(super) fn act_button(
    action: RepositoryAction,
    id: Uuid,
    from: String,
    class: &'static str,
    label: &'static str,
) -> AnyView {
    let asked = ServerAction::<ActOnRepositories>::new();
    view! {
        <ActForm action=asked>
            <input type="hidden" name="id[]" value=id.to_string() />
            <input type="hidden" name="from" value=from />
            <button type="submit" class=class name="act" value=action.as_str()>{label}</button>
        </ActForm>
    }
    .into_any()
}
