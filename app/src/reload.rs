//! When a page can't go on by itself and is to be loaded whole: its part of the WebAssembly can't be had, or the server is
//! of another build by now. On the server these do nothing.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

#[cfg(feature = "hydrate")]
pub(crate) use browser::note_build;

/// Where an answer and a page say of which build they are.
pub const BUILD: &str = "kubestats-build";

/// Whether the server is of a newer build than the page.
#[derive(Clone, Debug)]
pub struct Outdated(pub ArcRwSignal<bool>);

/// Watches for a newer build; called by the frame before the router listens.
pub fn provide_outdated() {
    let noticed = ArcRwSignal::new(false);
    #[cfg(feature = "hydrate")]
    browser::watch(noticed.clone());
    provide_context(Outdated(noticed));
}

/// Whether the server is of another build than this page, so that what it says can't be read for certain.
#[must_use]
pub fn is_outdated() -> bool {
    #[cfg(feature = "hydrate")]
    return browser::is_outdated();
    #[cfg(not(feature = "hydrate"))]
    false
}

/// Loads an address whole.
pub(crate) fn load_whole(address: &str) {
    #[cfg(feature = "hydrate")]
    browser::load_whole(address);
    #[cfg(not(feature = "hydrate"))]
    let _ = address;
}

/// The address that the router goes to. The browser's own follows once the page is there.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    path: Memo<String>,
    search: Memo<String>,
    hash: Memo<String>,
}

impl Wanted {
    /// Of the router at hand.
    #[must_use]
    pub fn new() -> Self {
        let place = use_location();
        Self { path: place.pathname, search: place.search, hash: place.hash }
    }

    /// As it is now.
    #[must_use]
    pub fn address(self) -> String {
        untrack(|| self.address_here())
    }

    /// The same for what follows the reader from page to page.
    #[must_use]
    pub fn address_here(self) -> String {
        let (path, search, hash) = (self.path.get(), self.search.get(), self.hash.get());
        let mark = if search.is_empty() { "" } else { "?" };
        [path.as_str(), mark, &search, &hash].concat()
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self::new()
    }
}

/// A page's part of the WebAssembly can't be had.
#[derive(Clone, Copy, Debug)]
pub struct NoPart;

impl From<leptos::wasm_split::SplitLoaderError> for NoPart {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// Waits for a page's part. Where it can't be had the page is loaded whole, and there is nothing to go on with here.
pub async fn part<T, E>(loading: impl Future<Output = Result<T, E>>) -> T {
    #[cfg(feature = "hydrate")]
    let going = browser::Going::begin();
    match loading.await {
        Ok(part) => part,
        Err(_) => {
            #[cfg(feature = "hydrate")]
            going.whole();
            std::future::pending().await
        }
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Element, Event};

    use super::Wanted;
    use crate::busy::{Busy, Waiting};

    /// Whether the next navigation is to be a whole one.
    static WHOLE: AtomicBool = AtomicBool::new(false);
    /// Whether the page that the server sent has begun to wake.
    static WAKING: AtomicBool = AtomicBool::new(false);
    /// Told when a newer build is noticed.
    static NOTICED: Mutex<Option<ArcRwSignal<bool>>> = Mutex::new(None);

    pub(super) fn is_outdated() -> bool {
        NOTICED.lock().is_ok_and(|noticed| noticed.as_ref().is_some_and(GetUntracked::get_untracked))
    }

    /// Compares the build that an answer names with the page's own.
    pub(crate) fn note_build(answers: &str) {
        let own = document().document_element().and_then(|html| html.get_attribute("data-build"));
        if own.is_some_and(|own| own != answers) {
            WHOLE.store(true, Ordering::Relaxed);
            if let Some(noticed) = NOTICED.lock().ok().and_then(|noticed| noticed.clone()) {
                noticed.set(true);
            }
        }
    }

    /// Makes the next navigation a whole one once one has to be.
    pub(super) fn watch(noticed: ArcRwSignal<bool>) {
        if let Ok(mut told) = NOTICED.lock() {
            *told = Some(noticed);
        }
        let on_click = Closure::<dyn Fn(Event)>::new(|event: Event| {
            let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if let Some(link) =
                link.filter(|_| WHOLE.load(Ordering::Relaxed)).and_then(|it| it.closest("a[href]").ok()?)
            {
                let rel = link.get_attribute("rel").unwrap_or_default();
                // The router leaves such links to the browser.
                let _ = link.set_attribute("rel", &format!("{rel} external"));
            }
        });
        let _ = document().add_event_listener_with_callback_and_bool("click", on_click.as_ref().unchecked_ref(), true);
        on_click.forget();
        // The address is the other one already.
        let on_back = Closure::<dyn Fn(Event)>::new(|event: Event| {
            if WHOLE.load(Ordering::Relaxed) {
                event.stop_immediate_propagation();
                let _ = window().location().reload();
            }
        });
        let _ = window().add_event_listener_with_callback("popstate", on_back.as_ref().unchecked_ref());
        on_back.forget();
    }

    /// Whether an address is that of the page at hand, whatever place in it.
    fn is_here(address: &str) -> bool {
        let here = window().location();
        let at = here.pathname().unwrap_or_default() + &here.search().unwrap_or_default();
        address.split('#').next() == Some(&at)
    }

    pub(super) fn load_whole(address: &str) {
        // To assign the address at hand with a `#` in it would only scroll.
        let _ = match is_here(address) {
            true => window().location().reload(),
            false => window().location().assign(address),
        };
    }

    /// A navigation that waits for a page's part.
    pub(super) struct Going {
        wanted: Wanted,
        waking: bool,
        _waiting: Option<Waiting>,
    }

    impl Going {
        pub(super) fn begin() -> Self {
            let waking = !WAKING.swap(true, Ordering::Relaxed);
            let waiting = use_context::<Busy>().filter(|_| !waking).map(Busy::wait);
            Self { wanted: Wanted::new(), waking, _waiting: waiting }
        }

        /// Goes there by a load. A page that only wakes is there already and reads as it is; whoever follows a link from
        /// it, or has done so meanwhile, goes by a load.
        pub(super) fn whole(&self) {
            WHOLE.store(true, Ordering::Relaxed);
            let wanted = self.wanted.address();
            if !self.waking || !is_here(&wanted) {
                load_whole(&wanted);
            }
        }
    }
}
