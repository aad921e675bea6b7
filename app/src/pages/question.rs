//! Questions before something is taken away: `/repositories/confirm` is a page, which open pages show as a dialog.

use entity::kind::RepositoryAction;
use leptos::ev::MouseEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::web_sys::HtmlDialogElement;
use leptos_router::hooks::use_location;
use uuid::Uuid;
use wasm_bindgen::JsCast as _;

use super::confirm::{ConfirmData, read_confirm, step};
use crate::busy::Busy;
use crate::components::PageUrl;
use crate::error::AppError;

/// The question of a page: at most one at a time.
#[derive(Clone, Copy)]
pub(super) struct Question {
    asked: Action<String, Result<ConfirmData, AppError>>,
    dialog: NodeRef<Dialog>,
}

impl Question {
    /// Made once for a page, with [`QuestionDialog`] on it.
    pub(super) fn provide() -> Self {
        let asked = Action::new(|query: &String| read_confirm(query.clone()));
        if let Some(busy) = use_context::<Busy>() {
            busy.wait_while(move || asked.pending().get());
        }
        let question = Self { asked, dialog: NodeRef::new() };
        provide_context(question);
        question
    }

    /// Shows the question of an address in place of going there.
    pub(super) fn ask_instead(self, event: &MouseEvent, address: &str) {
        if event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key() {
            return;
        }
        event.prevent_default();
        self.ask(address);
    }

    /// Shows the question of an address.
    pub(super) fn ask(self, address: &str) {
        if !self.asked.pending().get_untracked() {
            self.asked.dispatch(address.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default());
        }
    }

    /// Takes it away.
    pub(super) fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
    }

    /// Opens the dialog with an answer, or goes to the page, which says what is wrong.
    fn show(self) {
        let failed = self.asked.value().with(|value| value.as_ref().map(Result::is_err));
        match (failed, self.dialog.get_untracked()) {
            (Some(false), Some(dialog)) if !dialog.open() => {
                let _ = dialog.show_modal();
            }
            (Some(true), _) => {
                let query = self.asked.input().get_untracked().unwrap_or_default();
                let _ = window().location().assign(&format!("/repositories/confirm?{query}"));
            }
            _ => {}
        }
    }
}

/// Where the question of a page is asked.
#[component]
pub(super) fn QuestionDialog(question: Question) -> impl IntoView {
    let place = use_location();
    // It was answered, or the reader went elsewhere.
    Effect::new(move |_| {
        place.pathname.track();
        place.search.track();
        question.close();
    });
    Effect::new(move |_| {
        question.asked.version().track();
        question.asked.value().track();
        // Once what is asked stands in it, so that its first button has the focus.
        request_animation_frame(move || question.show());
    });
    let asked = move || match question.asked.value().get() {
        Some(Ok(data)) => step(data, Some(Callback::new(move |()| question.close()))),
        _ => ().into_any(),
    };
    // A click beside it is a no.
    let beside = move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<HtmlDialogElement>().ok());
        if target.is_some() {
            question.close();
        }
    };
    view! {
        <dialog class="asking" node_ref=question.dialog on:click=beside aria-labelledby="step-title" aria-describedby="step-text">
            {asked}
        </dialog>
    }
}

/// Leads to the question that comes before it is done; a dialog once the page is awake.
pub(super) fn ask_link(action: RepositoryAction, id: Uuid, from: String, label: &'static str) -> AnyView {
    let asking = PageUrl::new("/repositories/confirm").with("act", action.as_str()).with("id[]", id.to_string());
    let href = asking.with("from", from).href();
    let (question, address) = (use_context::<Question>(), href.clone());
    let ask = move |event| {
        if let Some(question) = question {
            question.ask_instead(&event, &address);
        }
    };
    view! { <a class="button" href=href on:click=ask aria-haspopup="dialog">{label}</a> }.into_any()
}
