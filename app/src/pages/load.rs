//! How every page gets its data and what stands in its place until then, or instead of it.

use std::future::Future;
use std::pin::Pin;

use codee::binary::PostcardCodec;
use futures::channel::oneshot;
use futures::future::{Either, select};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_url};
use leptos_router::params::ParamsMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::busy::{Busy, Waiting};
use crate::components::{Breadcrumb, Crumb, ErrorPanel, PageUrl};
use crate::error::AppError;
use crate::live::{Live, live_version};
use crate::reload::{Wanted, is_outdated, load_whole};

/// What the server has for one address.
pub trait PageData: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> PageData for T {}

type Answered<T> = Result<T, AppError>;

/// Asked once on the server; its answer stands in the page.
pub(super) type Data<T> = Resource<Answered<T>, PostcardCodec>;

/// A page's data on its way.
pub(super) struct Answer<T: PageData> {
    data: Data<T>,
    /// The page's own address, which links on it lead on from.
    at: Memo<(Address, String)>,
    /// What is shown now; news that can't be had do not take it away.
    shown: StoredValue<Option<T>>,
}

#[expect(clippy::expl_impl_clone_on_copy, reason = "derived, it would ask for data that can be copied")]
impl<T: PageData> Clone for Answer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: PageData> Copy for Answer<T> {}

impl<T: PageData> Answer<T> {
    /// Asks again, with what is shown left in sight.
    pub(super) fn refetch(&self) {
        self.data.refetch();
    }
}

/// Asks for what a page shows: with the values of its path and the part of the address after `?`, again whenever
/// one of them changes or news come that matter to the page (also given its path). The answer is waited for on the
/// server, so that pages are whole without JavaScript.
pub(super) fn load<T, Asked>(ask: fn(ParamsMap, String) -> Asked, matters: fn(&ParamsMap, &Live) -> bool) -> Answer<T>
where
    T: PageData,
    Asked: Future<Output = Answered<T>> + Send + 'static,
{
    let path = use_params_map();
    load_with(ask, live_version(move |live| path.with_untracked(|path| matters(path, live))))
}

/// The same for pages that news do not concern: they ask again only where their address changes, so that what is shown once
/// and what somebody is typing stay.
pub(super) fn load_still<T, Asked>(ask: fn(ParamsMap, String) -> Asked) -> Answer<T>
where
    T: PageData,
    Asked: Future<Output = Answered<T>> + Send + 'static,
{
    load_with(ask, Signal::stored(0))
}

fn load_with<T, Asked>(ask: fn(ParamsMap, String) -> Asked, news: Signal<u64>) -> Answer<T>
where
    T: PageData,
    Asked: Future<Output = Answered<T>> + Send + 'static,
{
    let at = own_address();
    let address = Memo::new(move |_| at.with(|(address, _)| address.clone()));
    let shown = StoredValue::new(None);
    let patience = Patience::new(shown);
    patience.give_up_when(move || address.get());
    let data = Data::<T>::new_with_options(
        move || (address.get(), news.get()),
        move |((path, query), news)| -> Asking<T> {
            let asked: Asking<T> = Box::pin(ask(path.clone(), query.trim_start_matches('?').to_owned()));
            if cfg!(feature = "hydrate") { Box::pin(patience.answer(asked, (path, query), news)) } else { asked }
        },
        true,
    );
    #[cfg(feature = "hydrate")]
    mark_awake();
    Answer { data, at, shown }
}

/// The values of a page's path, and the part of its address after `?`: not as a map, which would keep one of several values
/// of a key.
type Address = (ParamsMap, String);

/// The address of the page at hand, with its path as it is written: the route's, not the browser's. A page that wakes is drawn as
/// the server drew it, though a link was followed meanwhile, and takes the new address up right afterwards. A page that is left is
/// in sight until the next one is there and keeps its own: it would ask with the next one's query, which may be for something
/// that is gone.
fn own_address() -> Memo<(Address, String)> {
    let (params, url) = (use_params_map(), use_url());
    Memo::new(move |_| {
        let (path, query) = url.with(|url| (url.path().to_owned(), url.search().to_owned()));
        ((params.get(), query), path)
    })
}

/// The path of the page at hand, likewise, for pages that share a part and are told apart by it.
pub(super) fn own_path() -> String {
    use_url().with_untracked(|url| url.path().trim_end_matches('/').to_owned())
}

type Asking<T> = Pin<Box<dyn Future<Output = Answered<T>> + Send>>;

/// Says in the document that the page listens, for whoever has to wait for that, such as tests.
#[cfg(feature = "hydrate")]
fn mark_awake() {
    let mark = || {
        if let Some(html) = document().document_element() {
            let _ = html.set_attribute("data-awake", "");
        }
    };
    // Once what is at work now is done: the page is made and not yet tied to what stands there.
    Effect::new(move |_| set_timeout(mark, std::time::Duration::ZERO));
}

/// What the reader waits for, told from news, which come by themselves.
struct Patience<T: 'static> {
    busy: Option<Busy>,
    /// Held while the reader waits; with the number of the question, as a later one makes up for an earlier.
    waits: StoredValue<(u64, Option<Waiting>)>,
    /// Up to which news the page has asked, and of which address.
    news: StoredValue<(u64, Option<Address>)>,
    shown: StoredValue<Option<T>>,
    wanted: Wanted,
    /// The question on its way: of which address, and what ends waiting for its answer.
    asking: StoredValue<Option<(Address, oneshot::Sender<()>)>>,
}

impl<T> Clone for Patience<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Patience<T> {}

impl<T: PageData> Patience<T> {
    /// A resource asks one question after the other: one whose answer nobody waits for any more must not hold up the next.
    fn give_up_when(self, address: impl Fn() -> Address + 'static) {
        Effect::new(move |_| {
            let now = address();
            let other = self.asking.try_update_value(|asking| asking.take_if(|(of, _)| *of != now));
            if let Some((_, enough)) = other.flatten() {
                // The answer may have come in this moment.
                let _ = enough.send(());
            }
        });
    }

    fn new(shown: StoredValue<Option<T>>) -> Self {
        let (waits, news) = (StoredValue::new((0, None)), StoredValue::new((0, None)));
        Self { busy: use_context::<Busy>(), waits, news, shown, wanted: Wanted::new(), asking: StoredValue::new(None) }
    }

    async fn answer(self, asked: Asking<T>, address: Address, news: u64) -> Answered<T> {
        // Not before it is polled: of a page that wakes the question is made and never asked.
        let by_itself =
            self.news.try_get_value().is_some_and(|(before, of)| before != news && of.is_none_or(|of| of == address));
        self.news.try_set_value((news, Some(address.clone())));
        let turn = self.waits.try_update_value(|(turn, waiting)| {
            *turn += 1;
            if !by_itself {
                *waiting = self.busy.map(Busy::wait);
            }
            *turn
        });
        let shown = self.shown.try_get_value().flatten();
        let (enough, gone) = oneshot::channel();
        // Only what has something to show meanwhile is given up.
        self.asking.try_set_value(shown.is_some().then_some((address, enough)));
        let answered = match (select(asked, gone).await, shown) {
            (Either::Left((answered, _)), _) => answered,
            (Either::Right(_), Some(shown)) => return Ok(shown),
            (Either::Right((_, asked)), None) => asked.await,
        };
        self.waits.try_update_value(|(last, waiting)| {
            if Some(*last) == turn {
                *waiting = None;
            }
        });
        if is_outdated() && !by_itself {
            // The reader is on the way somewhere.
            load_whole(&self.wanted.address());
            return std::future::pending().await;
        }
        // Nor does a session that ended, or a database that is busy for now, take away what is shown, and typed into it: whoever
        // goes on is told.
        let lost =
            matches!(answered, Err(AppError::Unreachable { .. } | AppError::Unavailable { .. } | AppError::SignIn))
                || is_outdated();
        match self.shown.try_get_value().flatten().filter(|_| by_itself && lost) {
            Some(shown) => Ok(shown),
            None => answered,
        }
    }
}

/// Shows a page's data; the page before stays in sight while the next one is on its way.
pub(super) fn show<T: PageData>(
    answer: Answer<T>,
    what: &'static str,
    skeleton: fn() -> AnyView,
    view: fn(T, PageUrl) -> AnyView,
) -> AnyView {
    let Answer { data, at, shown } = answer;
    let draw = move || {
        Suspend::new(async move {
            let answered = data.await;
            let url = at.with_untracked(|((_, query), path)| PageUrl::current(path.clone(), query));
            shown.try_set_value(answered.as_ref().ok().cloned());
            match answered {
                Ok(data) => view(data, url),
                Err(error) => failed(error, what, &url, Callback::new(move |()| data.refetch())),
            }
        })
    };
    view! { <Transition fallback=skeleton>{draw}</Transition> }.into_any()
}

fn failed(error: AppError, what: &'static str, url: &PageUrl, again: Callback<()>) -> AnyView {
    error.set_status();
    let title = match error {
        AppError::NotFound { .. } => "Not found",
        AppError::SignIn => "Sign in",
        AppError::Forbidden { .. } => "Not allowed",
        _ => "Something failed",
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Overview", "/"), Crumb::here(title)] />
        <h1 class="sr-only">{title}</h1>
        <ErrorPanel error what retry=Some(url.href()) again />
    }
    .into_any()
}
