//! The table of pages: where each is, and how the rail leads there.
//!
//! Each is a part of the WebAssembly of its own, which browsers fetch when somebody goes there. What two pages share is in a
//! part that both fetch; what the frame has too is in the main one.

use leptos::prelude::*;
use leptos::wasm_split::wasm_split;
use leptos_router::components::{Route, Routes};
use leptos_router::{Lazy, LazyRoute, SsrMode, path};

use crate::components::Glyph;
use crate::reload::{NoPart, part};

/// A place that the rail leads to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The page's address.
    pub href: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Its sign.
    pub glyph: Glyph,
    /// What leads there after `g`.
    pub key: &'static str,
}

macro_rules! pages {
    ($($page:ident at $path:tt $(or $other:tt)* $(as $label:literal with $glyph:ident by $key:literal)?,)+) => {
        $(lazy_page!($page);)+

        /// The places that the rail leads to, in its order.
        pub const RAIL: &[Place] = &[$($(Place { href: $path, label: $label, glyph: Glyph::$glyph, key: $key },)?)+];

        /// The page at the address at hand.
        #[component]
        pub fn Pages() -> impl IntoView {
            view! {
                <Routes fallback=|| view! { <super::NotFound /> }>
                    $(
                        <Route path=path!($path) view={Lazy::<$page>::new()} ssr=SsrMode::Async />
                        $(<Route path=path!($other) view={Lazy::<$page>::new()} ssr=SsrMode::Async />)*
                    )+
                </Routes>
            }
        }
    };
}

macro_rules! lazy_page {
    ($page:ident) => {
        #[doc = concat!("The page [`", stringify!($page), "`](super::", stringify!($page), "), fetched when needed.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $page;

        const _: () = {
            #[wasm_split($page, wasm_split_path = leptos::wasm_split, fallible, preload(load))]
            fn open() -> Result<AnyView, NoPart> {
                #[cfg(feature = "ssr")]
                name_parts(stringify!($page));
                Ok(view! { <super::$page /> }.into_any())
            }

            impl LazyRoute for $page {
                fn data() -> Self {
                    Self
                }

                async fn view(_page: Self) -> AnyView {
                    // `preload` has come before, so that there is nothing to wait for.
                    match open().await {
                        Ok(view) => view,
                        Err(NoPart) => std::future::pending().await,
                    }
                }

                async fn preload() {
                    part(load()).await;
                }
            }
        };
    };
}

pages! {
    Overview at "/" as "Overview" with Overview by "o",
    Repositories at "/repositories" as "Repositories" with Repository by "r",
    AddRepositories at "/repositories/add",
    Confirm at "/repositories/confirm",
    Coverage at "/repositories/coverage",
    Repository at "/repositories/:id",
    Resources at "/resources" as "Resources" with Resource by "s",
    Resource at "/resources/:id",
    Charts at "/charts" as "Charts" with Package by "c",
    Chart at "/charts/*key",
    Compare at "/compare/charts/*key",
    Images at "/images" as "Images" with Image by "i",
    Image at "/images/*name",
    Commit at "/commits/:repository/:sha",
    Watch at "/watch" or "/branches/:id" or "/repositories/:id/watch" as "Watch" with Branch by "w",
    Ecosystem at "/ecosystem" as "Ecosystem" with Chart by "e",
    Triggers at "/triggers" or "/triggers/new" or "/triggers/:id/edit" or "/triggers/:id" or "/deliveries/:id" as "Triggers" with Trigger by "p",
    Tasks at "/tasks" as "Tasks" with Busy by "t",
    Job at "/tasks/:id",
    SignIn at "/sign-in" or "/sign-in/code" or "/sign-in/forgot",
    Welcome at "/welcome/:link" or "/set-up/:link",
    Account at "/account",
    Admin at "/admin/users" or "/admin/users/:id" or "/admin/roles" or "/admin/permissions" or "/admin/forges" or "/admin/audit",
    ComponentsGallery at "/dev/components",
}

/// Names a page's parts, so that the script that fetches the main one has them fetched with it, not after it.
#[cfg(feature = "ssr")]
fn name_parts(page: &str) {
    if let Some(file) = use_context::<crate::context::Assets>().and_then(|mut assets| assets.parts.remove(page)) {
        // Rendering it notes it for the head; there is nothing of it in the body.
        let _ = view! { <leptos_meta::Link rel="parts" href=file as_="fetch" crossorigin="anonymous" /> }.to_html();
    }
}
