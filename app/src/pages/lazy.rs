//! Pages as routes: each is a part of the WebAssembly of its own, which browsers fetch when somebody goes there. What
//! two pages share is in a part that both fetch; what the frame has too is in the main one.

use leptos::prelude::*;
use leptos::wasm_split::wasm_split;
use leptos_router::LazyRoute;

use crate::reload::{NoPart, part};

macro_rules! lazy_pages {
    ($($page:ident),+ $(,)?) => {$(
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
    )+};
}

lazy_pages![
    Commit,
    ComponentsGallery,
    Ecosystem,
    Job,
    Manage,
    Overview,
    Repositories,
    Repository,
    Resource,
    Resources,
    Tasks
];

/// Names a page's parts, so that the script that fetches the main one has them fetched with it, not after it.
#[cfg(feature = "ssr")]
fn name_parts(page: &str) {
    if let Some(file) = use_context::<crate::context::Assets>().and_then(|mut assets| assets.parts.remove(page)) {
        // Rendering it notes it for the head; there is nothing of it in the body.
        let _ = view! { <leptos_meta::Link rel="parts" href=file as_="fetch" crossorigin="anonymous" /> }.to_html();
    }
}
