//! `/triggers/…` and `/deliveries/…`: who is told of changes of branches, and what came of it.

mod act;
mod data;
mod delivery;
mod form;
mod form_data;
#[cfg(feature = "ssr")]
mod form_text;
mod list;
mod matches;
mod one;
mod parts;
mod runs;
#[cfg(feature = "ssr")]
mod tell;

use leptos::prelude::*;

use self::delivery::OneDelivery;
use self::form::TriggerFormPage;
use self::list::TriggerList;
use self::one::OneTrigger;
pub(super) use self::parts::{delivery_href, run_badge, state_badge as delivery_badge, trigger_href};
use super::{load, load_still, own_path, show};

/// All of them: one part of the WebAssembly, since who looks after triggers goes from one to the next.
#[component]
pub fn Triggers() -> impl IntoView {
    let path = own_path();
    if path == "/triggers" {
        return view! { <TriggerList /> }.into_any();
    }
    if path == "/triggers/new" || path.ends_with("/edit") {
        return view! { <TriggerFormPage /> }.into_any();
    }
    match path.starts_with("/deliveries/") {
        true => view! { <OneDelivery /> }.into_any(),
        false => view! { <OneTrigger /> }.into_any(),
    }
}
