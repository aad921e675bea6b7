//! How every page gets its data and what stands in its place until then, or instead of it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::server::codee::string::FromToStringCodec;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;

use crate::components::{Breadcrumb, Crumb, ErrorPanel, PageUrl};
use crate::error::AppError;
use crate::live::{Live, live_version};
use crate::wire::{Answered, Packed};

/// A page's data on its way.
pub(super) struct Answer<T> {
    data: Given,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Answer<T> {}

impl<T> Answer<T> {
    /// Asks again, with what is shown left in sight.
    pub(super) fn refetch(&self) {
        self.data.refetch();
    }
}

type Given = Resource<Answered, FromToStringCodec>;
type Asking = Pin<Box<dyn Future<Output = Answered> + Send>>;
type Ask = Arc<dyn Fn(ParamsMap, String) -> Asking + Send + Sync>;
type Draw = Arc<dyn Fn(&Packed<()>, PageUrl) -> Result<AnyView, AppError> + Send + Sync>;

/// Asks for what a page shows: with the values of its path and the part of the address after `?`, again whenever
/// one of them changes or news come that matter to the page (also given its path). The answer is waited for on the
/// server, so that pages are whole without JavaScript.
pub(super) fn load<T, Asked>(ask: fn(ParamsMap, String) -> Asked, matters: fn(&ParamsMap, &Live) -> bool) -> Answer<T>
where
    T: 'static,
    Asked: Future<Output = Result<Packed<T>, AppError>> + Send + 'static,
{
    let ask = move |path, query| -> Asking {
        let asked = ask(path, query);
        Box::pin(async move { asked.await.into() })
    };
    Answer { data: load_any(Arc::new(ask), matters), of: PhantomData }
}

/// The part that is the same for every page, so that the browser gets it once.
fn load_any(ask: Ask, matters: fn(&ParamsMap, &Live) -> bool) -> Given {
    // Not as a map, which would keep one of several values of a key.
    let (path, query) = (use_params_map(), use_location().search);
    let news = live_version(move |live| path.with_untracked(|path| matters(path, live)));
    let given = Resource::new_str_blocking(
        move || (path.get(), query.get(), news.get()),
        move |(path, query, _)| ask(path, query.trim_start_matches('?').to_owned()),
    );
    #[cfg(feature = "hydrate")]
    if arrival::is_past() {
        Effect::new(move |_| given.refetch());
    }
    given
}

/// Where the reader was when the page woke. The first answer came with the page; who followed a link while the page's part
/// of the WebAssembly was on its way is past it, and the answer is another's.
#[cfg(feature = "hydrate")]
pub(crate) mod arrival {
    use std::sync::{Mutex, PoisonError};

    use leptos::prelude::window;

    static AT: Mutex<Option<String>> = Mutex::new(None);

    fn here() -> Option<String> {
        let place = window().location();
        Some(place.pathname().ok()? + &place.search().ok()?)
    }

    /// The page wakes.
    pub(crate) fn note() {
        *AT.lock().unwrap_or_else(PoisonError::into_inner) = here();
    }

    /// Whether the first answer is another address's; asked once.
    pub(super) fn is_past() -> bool {
        let at = AT.lock().unwrap_or_else(PoisonError::into_inner).take();
        at.is_some() && at != here()
    }
}

/// Shows a page's data; the page before stays in sight while the next one is on its way.
pub(super) fn show<T>(
    answer: Answer<T>,
    what: &'static str,
    skeleton: fn() -> AnyView,
    view: fn(T, PageUrl) -> AnyView,
) -> AnyView
where
    T: DeserializeOwned + 'static,
{
    show_any(answer.data, what, skeleton, Arc::new(move |data, url| Ok(view(data.unpack()?, url))))
}

fn show_any(data: Given, what: &'static str, skeleton: fn() -> AnyView, draw: Draw) -> AnyView {
    let (path, query) = (use_location().pathname, use_query_map());
    let shown = move || {
        let draw = Arc::clone(&draw);
        Suspend::new(async move {
            let Answered(given) = data.await;
            let url = PageUrl::current(path.get_untracked(), &query.get_untracked());
            match given.and_then(|data| draw(&data, url.clone())) {
                Ok(view) => view,
                Err(error) => failed(error, what, &url),
            }
        })
    };
    view! { <Transition fallback=skeleton>{shown}</Transition> }.into_any()
}

fn failed(error: AppError, what: &'static str, url: &PageUrl) -> AnyView {
    error.set_status();
    let title = if error.is_not_found() { "Not found" } else { "Something failed" };
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Overview", "/"), Crumb::here(title)] />
        <h1 class="sr-only">{title}</h1>
        <ErrorPanel error what retry=Some(url.href()) />
    }
    .into_any()
}
