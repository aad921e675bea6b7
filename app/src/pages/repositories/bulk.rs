//! What can be done with the rows that are ticked.

use entity::kind::RepositoryAction;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::web_sys::HtmlButtonElement;
use wasm_bindgen::JsCast as _;

use super::picked::Picked;
use crate::components::{ActFailed, PageUrl};
use crate::pages::outcome::ActOnRepositories;
use crate::pages::question::Question;

/// The bar over the list while something is ticked. Before and without scripts its buttons send the form as it stands.
#[component]
pub(super) fn Bulk(picked: Picked, question: Question) -> impl IntoView {
    let asked = ServerAction::<ActOnRepositories>::new();
    let submit = move |event: SubmitEvent| {
        let button = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok());
        let Some(Ok(action)) = button.map(|button| button.value().parse::<RepositoryAction>()) else { return };
        event.prevent_default();
        let ids: Vec<String> = picked.list().iter().map(ToString::to_string).collect();
        match action {
            RepositoryAction::Sync | RepositoryAction::Approve => {
                // The page that this was asked on is known by the request.
                let asking = ActOnRepositories { act: action.as_str().to_owned(), id: ids, from: String::new() };
                asked.dispatch(asking);
            }
            RepositoryAction::Block | RepositoryAction::Delete => {
                let url = PageUrl::new("/repositories/confirm").with("act", action.as_str());
                question.ask(&ids.into_iter().fold(url, |url, id| url.and("id[]", id)).href());
            }
        }
    };
    let count = move || match picked.count() {
        0 => String::new(),
        count => format!("{count} selected"),
    };
    view! {
        <div class="bulk-place">
            <form
                id="bulk"
                class="bulk"
                method="get"
                action="/repositories/confirm"
                aria-label="With those that are selected"
                aria-busy=move || asked.pending().get().then_some("true")
                on:submit=submit
                on:reset=move |_| picked.clear()
            >
                // Enter in a box is to do nothing: a form's first button is what Enter presses, and a disabled one is none.
                <button type="submit" disabled=true hidden=true></button>
                <output class="bulk-count">{count}</output>
                <button type="button" class="button pick-rest needs-script" hidden=move || picked.has_all() on:click=move |_| picked.set_all(true)>
                    "Select all on this page"
                </button>
                <span class="bulk-actions">
                    <button class="button" name="act" value="sync" formmethod="post" formaction="/ui/act">"Sync"</button>
                    <button class="button" name="act" value="approve" formmethod="post" formaction="/ui/act" title="Lets in what waits for approval or is blocked">
                        "Approve"
                    </button>
                    <button class="button" name="act" value="block" aria-haspopup="dialog">"Block…"</button>
                    <button class="button danger" name="act" value="delete" aria-haspopup="dialog">"Delete…"</button>
                </span>
                <ActFailed action=asked />
                <button type="reset" class="icon-button" aria-label="Select none" title="Select none">"✕"</button>
            </form>
        </div>
    }
}
