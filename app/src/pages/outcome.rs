//! What came of what somebody asked for, and the forms that ask: they need no WebAssembly. `style/js/parts/act.js` sends
//! them without leaving the page where scripts run.

use entity::kind::RepositoryAction;
use leptos::prelude::*;
use uuid::Uuid;

#[cfg(feature = "ssr")]
use crate::components::Notice;
use crate::components::PageUrl;
#[cfg(feature = "ssr")]
use crate::server_fns::{OutcomeText, Tone};

/// What came of it, as [`outcome_html`] wrote it; read aloud when it comes.
pub(super) fn outcome(html: String) -> AnyView {
    view! { <div class="outcome" role="status" inner_html=html></div> }.into_any()
}

/// What came of it, as pages show it; nothing where nothing was asked for. Written by the server, so that browsers need
/// no code for it.
#[cfg(feature = "ssr")]
pub(crate) fn outcome_html(told: Option<OutcomeText>) -> String {
    let Some(OutcomeText { tone, text, lines, watch }) = told else { return String::new() };
    let tone = match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    let lines = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let watch = watch.map(|href| view! { " " <a href=href>"See how it goes"</a> });
    view! {
        <Notice tone>
            {text} {watch}
            <ul>{lines}</ul>
        </Notice>
    }
    .to_html()
}

/// A button that does something at once.
pub(super) fn act_button(
    action: RepositoryAction,
    id: Uuid,
    from: String,
    class: &'static str,
    label: &'static str,
) -> AnyView {
    view! {
        <form method="post" action="/ui/act" data-act="">
            <input type="hidden" name="id[]" value=id.to_string() />
            <input type="hidden" name="from" value=from />
            <button type="submit" class=class name="act" value=action.as_str()>{label}</button>
        </form>
    }
    .into_any()
}

/// Leads to the question that comes before it is done; a dialog where scripts run.
pub(super) fn ask_link(action: RepositoryAction, id: Uuid, from: String, label: &'static str) -> AnyView {
    let asking = PageUrl::new("/repositories/confirm").with("act", action.as_str()).with("id[]", id.to_string());
    let href = asking.with("from", from).href();
    view! { <a class="button" href=href data-ask="" aria-haspopup="dialog">{label}</a> }.into_any()
}
