//! `/repositories/confirm`: asks before what takes something away. A page of its own; pages that are awake show its step as
//! a dialog.

mod data;

use entity::kind::RepositoryAction;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use self::data::Chosen;
pub(super) use self::data::{ConfirmData, read_confirm};
use super::outcome::{ActOnRepositories, outcome};
use super::{load, show};
use crate::components::{
    ActForm, Breadcrumb, Crumb, EmptyState, Glyph, Icon, PageUrl, SkeletonBlock, counted, repository_href,
};

/// Closes the dialog that the question stands in.
type Leave = Callback<()>;

/// Are you sure?
#[component]
pub fn Confirm() -> impl IntoView {
    let page = load(|_, query| read_confirm(query), |_, _| false);
    show(page, "The question", || view! { <SkeletonBlock of="head" /> }.into_any(), view)
}

fn view(data: ConfirmData, _: PageUrl) -> AnyView {
    let told = outcome(data.outcome.clone());
    let here = match data.action.filter(|_| !data.chosen.is_empty()) {
        Some(RepositoryAction::Delete) => "Delete",
        Some(_) => "Block",
        None => "Nothing selected",
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Repositories", "/repositories"), Crumb::here(here)] />
        {told}
        {step(data, None)}
    }
    .into_any()
}

/// The question itself, on its page or in a dialog.
pub(super) fn step(data: ConfirmData, leave: Option<Leave>) -> AnyView {
    let ConfirmData { action, chosen, over, from, .. } = data;
    let fits = chosen.iter().filter(|chosen| chosen.refused.is_none()).count();
    let Some(action) = action.filter(|_| !chosen.is_empty()) else { return nothing(from, leave) };
    let is_delete = action == RepositoryAction::Delete;
    let verb = if is_delete { "Delete" } else { "Block" };
    let many = match (&chosen[..], fits) {
        ([one], _) => one.full_name.clone(),
        _ => counted(i64::try_from(fits).unwrap_or(i64::MAX), "repository", "repositories"),
    };
    let title = if fits == 0 { format!("{verb}: not possible") } else { format!("{verb} {many}?") };
    let lost = match (is_delete, fits) {
        (_, 0) if chosen.len() == 1 => "This can't be done for it.",
        (_, 0) => "This can't be done for any of them.",
        (true, _) => {
            "All that was found in the history goes: resources, changes, problems. Searches do not bring back what was \
             deleted here; adding it by its address does, and reads its history anew."
        }
        (false, _) => {
            "Nothing new is fetched from then on. What was found stays readable, and \u{201c}Unblock\u{201d} undoes it."
        }
    };
    let over = (over > 0).then(|| {
        view! { <p class="field-error">{format!("{over} more were selected than may be done at once; they stay as they are.")}</p> }
    });
    let hidden = chosen
        .iter()
        .filter(|chosen| chosen.refused.is_none())
        .map(|chosen| view! { <input type="hidden" name="id[]" value=chosen.id.to_string() /> })
        .collect_view();
    let button = (fits > 0).then(|| {
        let label = format!("{verb} {many}");
        view! { <button type="submit" class="button danger" name="act" value=action.as_str()>{label}</button> }
    });
    let rows = chosen.into_iter().map(|chosen| row(chosen, is_delete)).collect_view();
    let asked = ServerAction::<ActOnRepositories>::new();
    view! {
        <section class="step" aria-labelledby="step-title">
            <h1 id="step-title">{title}</h1>
            <p id="step-text">{lost}</p>
            <ul class="step-list">{rows}</ul>
            {over}
            <ActForm action=asked>
                {hidden}
                <input type="hidden" name="from" value=from.clone() />
                {back(from, "Cancel", leave)}
                {button}
            </ActForm>
        </section>
    }
    .into_any()
}

/// Leads back; from a dialog the page is still there.
fn back(from: String, label: &'static str, leave: Option<Leave>) -> AnyView {
    let stay = move |event: MouseEvent| {
        if let Some(leave) = leave {
            event.prevent_default();
            leave.run(());
        }
    };
    view! { <a class="button" href=from on:click=stay autofocus=leave.is_some()>{label}</a> }.into_any()
}

fn row(chosen: Chosen, is_delete: bool) -> AnyView {
    let name = view! { <a href=repository_href(chosen.id)>{chosen.full_name}</a> };
    match chosen.refused {
        Some(reason) => {
            view! { <li class="refused">{name} <span class="bad"><Icon glyph=Glyph::Warning /> {reason}</span></li> }
                .into_any()
        }
        None => {
            let resources = counted(chosen.resources, "resource", "resources");
            let events = counted(chosen.events, "change", "changes");
            let figures = if chosen.events + chosen.resources > 0 {
                format!("{resources}, {events}")
            } else {
                "nothing was found yet".to_owned()
            };
            let figures = if is_delete { figures } else { format!("keeps {figures}") };
            view! { <li>{name} <span class="quiet num">{figures}</span></li> }.into_any()
        }
    }
}

fn nothing(from: String, leave: Option<Leave>) -> AnyView {
    view! {
        <section class="step" aria-labelledby="step-title">
            <h1 id="step-title">"Nothing is selected"</h1>
            <EmptyState title="No repository to do this with">
                <p id="step-text">"Tick repositories in the list first. What was ticked may have been deleted meanwhile."</p>
            </EmptyState>
            <p>{back(from, "Back", leave)}</p>
        </section>
    }
    .into_any()
}
