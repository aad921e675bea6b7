use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::add::AddRepositories;
use super::confirm::Confirm;
use super::coverage::Coverage;

/// The three pages below `/repositories` that are no repository. They are one part of the WebAssembly: each part of its
/// own would cost the main one, which every page needs.
#[component]
pub fn Manage() -> impl IntoView {
    let path = use_location().pathname.get_untracked();
    match path.trim_end_matches('/') {
        "/repositories/add" => view! { <AddRepositories /> }.into_any(),
        "/repositories/coverage" => view! { <Coverage /> }.into_any(),
        _ => view! { <Confirm /> }.into_any(),
    }
}
