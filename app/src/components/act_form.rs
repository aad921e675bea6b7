use leptos::form::ActionForm;
use leptos::html;
use leptos::prelude::*;
use leptos::server_fn::codec::{PostUrl, Postcard};
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;

use crate::busy::Busy;
use crate::client::PageClient;
use crate::error::AppError;

/// A form that does something. The server leads on to the page that tells what came of it; here it only says that it did
/// not work, and why.
#[component]
pub fn ActForm<S>(
    /// What it asks for.
    action: ServerAction<S>,
    /// How it looks.
    #[prop(optional)]
    class: &'static str,
    /// What belongs to it from elsewhere on the page names it by this.
    #[prop(optional)]
    id: &'static str,
    /// Whether its fields are as they were at first once it is done: passwords do not stay in them.
    #[prop(optional)]
    clear: bool,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Client = PageClient, Error = AppError, Protocol = Http<PostUrl, Postcard>>,
    S: DeserializeOwned + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    if let Some(busy) = use_context::<Busy>() {
        busy.wait_while(move || action.pending().get());
    }
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        let done = action.value().with(|value| matches!(value, Some(Ok(_))));
        if let Some(form) = form.get_untracked().filter(|_| clear && done) {
            form.reset();
        }
    });
    view! {
        <ActionForm action node_ref=form attr:id=(!id.is_empty()).then_some(id) attr:class=class attr:aria-busy=move || action.pending().get().then_some("true")>
            {children()}
            <ActFailed action />
        </ActionForm>
    }
}

/// Why what was asked for did not work, with what to quote; nothing before, or where it did.
#[component]
pub fn ActFailed<S>(
    /// What was asked for.
    action: ServerAction<S>,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let failed = move || action.value().with(|value| value.as_ref()?.as_ref().err().cloned());
    move || failed().map(|error| view! { <p class="field-error act-failed" role="alert">{why(error)}</p> })
}

fn why(error: AppError) -> AnyView {
    match error {
        // Nothing typed is lost: the page stays as it is.
        AppError::SignIn => view! {
            "You are not signed in, or your session has ended. "
            <a href="/sign-in" target="_blank" rel="external">"Sign in in a new tab"</a>
            ", then try again here."
        }
        .into_any(),
        error => {
            let quote = error.id().map(|id| format!(" Quote {id} when you report it."));
            view! { "That did not work: " {error.to_string()} {quote} }.into_any()
        }
    }
}
