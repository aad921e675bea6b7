use leptos::prelude::*;

use crate::live::LiveFeed;
use crate::reload::Outdated;

/// One quiet line while news do not come in, or once the server is of a newer build. It lies over the page, so that nothing
/// moves.
#[component]
pub fn Connection() -> impl IntoView {
    let (feed, outdated) = (use_context::<LiveFeed>(), use_context::<Outdated>());
    let text = move || {
        if feed.is_some_and(|feed| feed.broken().get()) {
            return view! { <p>"Not connected, trying again"</p> }.into_any();
        }
        if outdated.as_ref().is_some_and(|Outdated(noticed)| noticed.get()) {
            return view! { <p>"Kubestats was updated. " <a href="" rel="external">"Load this page again"</a></p> }
                .into_any();
        }
        ().into_any()
    };
    view! { <div class="connection" role="status">{text}</div> }
}
