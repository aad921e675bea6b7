//! `/watch`, `/branches/{id}` and `/repositories/{id}/watch`: what happens to branches, all that followed, and which are watched.

mod branch;
mod data;
mod list;
mod settings;

use leptos::prelude::*;

use self::branch::BranchPage;
#[cfg(feature = "ssr")]
pub(super) use self::data::there;
use self::list::WatchList;
use self::settings::WatchSettings;
use super::{load, load_still, own_path, show};
use crate::components::{SkeletonBlock, SkeletonRows};

/// All of them: one part of the WebAssembly, since who watches goes from one to the next.
#[component]
pub fn Watch() -> impl IntoView {
    match own_path().as_str() {
        "/watch" => view! { <WatchList /> }.into_any(),
        path if path.starts_with("/branches/") => view! { <BranchPage /> }.into_any(),
        _ => view! { <WatchSettings /> }.into_any(),
    }
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}
