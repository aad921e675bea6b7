use leptos::prelude::*;

use super::{Glyph, Icon, PageUrl};
use crate::error::AppError;

/// Why there is nothing and what to do about it.
#[component]
pub fn EmptyState(
    /// What there is none of: "No events match".
    #[prop(into)]
    title: String,
    /// The icon.
    #[prop(default = Glyph::Inbox)]
    glyph: Glyph,
    /// Why, and what to do: a sentence, a link, a button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon glyph />
            <p class="empty-title">{title}</p>
            {children.map(|children| view! { <div class="empty-text">{children()}</div> })}
        </div>
    }
}

/// What failed, what still works, a way to try again and an id to quote.
#[component]
pub fn ErrorPanel(
    /// What failed.
    error: AppError,
    /// What was being read: "The events".
    #[prop(into)]
    what: String,
    /// Where trying again leads: mostly the page at hand.
    #[prop(optional_no_strip, into)]
    retry: Option<String>,
    /// Tries again without a load, where scripts run.
    #[prop(optional, into)]
    again: Option<Callback<()>>,
    /// What still works.
    #[prop(default = "The rest of the site still works.")]
    still: &'static str,
) -> impl IntoView {
    let missing = error.is_not_found();
    if matches!(error, AppError::SignIn | AppError::Forbidden { .. }) {
        return not_allowed(&error, retry).into_any();
    }
    let title = if missing { format!("{what} was not found") } else { format!("{what} could not be read") };
    let id = error.id().map(str::to_owned);
    view! {
        <div class="error-panel" role="alert">
            <Icon glyph=if missing { Glyph::Search } else { Glyph::Warning } />
            <div>
                <p class="error-title">{title}</p>
                <p class="error-text">{error.to_string()} " " {(!missing).then_some(still)}</p>
                <p class="error-actions">
                    {retry
                        .filter(|_| !missing)
                        .map(|href| {
                            let on_click = move |event: leptos::ev::MouseEvent| {
                                if let Some(again) = again.filter(|_| !crate::reload::is_outdated()) {
                                    event.prevent_default();
                                    again.run(());
                                }
                            };
                            view! {
                                <a class="button" href=href rel="external" on:click=on_click><Icon glyph=Glyph::Sync /> "Try again"</a>
                            }
                        })}
                    {id.map(|id| view! { <span class="quiet">"Quote " <code>{id}</code> " when you report it."</span> })}
                </p>
            </div>
        </div>
    }
    .into_any()
}

/// A page that takes somebody who signed in, or somebody else.
fn not_allowed(error: &AppError, from: Option<String>) -> AnyView {
    let is_out = *error == AppError::SignIn;
    let title = if is_out { "Sign in to see this page" } else { "Your account may not see this page" };
    let href = PageUrl::new("/sign-in").with("from", from.unwrap_or_default()).href();
    let way = is_out.then(|| view! { <p><a class="button primary" href=href rel="external">"Sign in"</a></p> });
    let why = (!is_out).then(|| view! { <p>{error.to_string()}</p> });
    view! { <EmptyState title glyph=Glyph::Shield>{why} {way}</EmptyState> }.into_any()
}

/// A note at the top of a page: samples only, repository set aside.
#[component]
pub fn Notice(
    /// `info`, `good`, `warn` or `bad`.
    #[prop(default = "info")]
    tone: &'static str,
    /// The text.
    children: Children,
) -> impl IntoView {
    let glyph = match tone {
        "good" => Glyph::Check,
        "bad" => Glyph::Failed,
        "warn" => Glyph::Warning,
        _ => Glyph::Help,
    };
    view! {
        <div class="notice" data-tone=tone>
            <Icon glyph />
            <div>{children()}</div>
        </div>
    }
}
