//! How every page gets its data and what stands in its place until then, or instead of it.

use std::future::Future;

use entity::view::Live;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::components::{Breadcrumb, Crumb, ErrorPanel, PageUrl};
use crate::error::AppError;
use crate::live::live_version;
use crate::wire::Packed;

/// A page's data on its way.
pub(super) type Answer<T> = Resource<Result<Packed<T>, AppError>>;

/// Asks for what a page shows: with the values of its path and the part of the address after `?`, again whenever
/// one of them changes or news come that matter to the page (also given its path). The answer is waited for on the
/// server, so that pages are whole without JavaScript.
pub(super) fn load<T, Asked>(ask: fn(ParamsMap, String) -> Asked, matters: fn(&ParamsMap, &Live) -> bool) -> Answer<T>
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    Asked: Future<Output = Result<Packed<T>, AppError>> + Send + 'static,
{
    let (path, query) = (use_params_map(), use_query_map());
    let news = live_version(move |live| path.with_untracked(|path| matters(path, live)));
    Resource::new_blocking(
        move || (path.get(), PageUrl::current("", &query.get()).href(), news.get()),
        move |(path, query, _)| ask(path, query.trim_start_matches('?').to_owned()),
    )
}

/// Shows a page's data; the page before stays in sight while the next one is on its way.
pub(super) fn show<T>(
    answer: Answer<T>,
    what: &'static str,
    skeleton: fn() -> AnyView,
    view: fn(T, PageUrl) -> AnyView,
) -> AnyView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let (path, query) = (use_location().pathname, use_query_map());
    let shown = move || {
        Suspend::new(async move {
            let answer = answer.await;
            let url = PageUrl::current(path.get_untracked(), &query.get_untracked());
            match answer {
                Ok(Packed(data)) => view(data, url),
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
