use leptos::form::ActionForm;
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
    view! {
        <ActionForm action attr:class=class attr:aria-busy=move || action.pending().get().then_some("true")>
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
    let why = |error: &AppError| match error.id() {
        Some(id) => format!("{error} Quote {id} when you report it."),
        None => error.to_string(),
    };
    let failed = move || action.value().with(|value| value.as_ref()?.as_ref().err().map(why));
    move || failed().map(|why| view! { <p class="field-error act-failed" role="alert">"That did not work: " {why}</p> })
}
