//! What every server function needs first: the context, the clock, the address.

use std::str::FromStr;
use std::time::SystemTime;

use actions::{Actions, Actor, Done, Door};
use axum::http::header;
use axum::http::request::Parts;
use entity::kind::UnknownWord;
use entity::view::{ActivityBucket, PageQuery, ShownOnce, Sort, Timestamp};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;
use store::db::Db;
use store::given;
use uuid::Uuid;

use crate::components::query_pairs;
use crate::context::{SHOWN_COOKIE, ServerContext};
use crate::cookies::{self, Keeping};
use crate::error::AppError;
use crate::pages::Span;

/// The database and the queue of this program.
pub(crate) fn context() -> Result<ServerContext, AppError> {
    use_context::<ServerContext>().ok_or_else(|| AppError::internal("the page was rendered without its context"))
}

/// The server's clock; pages get it with their data, so that both halves tell times alike.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// The id in an address; what is no id leads nowhere, as an id that nothing has.
pub(crate) fn id(text: &str, what: &'static str) -> Result<Uuid, AppError> {
    given::id(text).map_err(|_| missing(what))
}

/// The answer to an address that nothing is at.
pub(crate) fn missing(what: &'static str) -> AppError {
    AppError::not_found(what)
}

/// Who asks, as the gate in front of all pages found out; without it nobody who may do anything.
pub(crate) fn actor() -> Actor {
    let found = use_context::<Parts>().and_then(|request| request.extensions.get::<Actor>().cloned());
    found.unwrap_or_else(|| Actor::nobody(Door::Page, false)).at(Door::Page)
}

/// What an action needs: what it works with, and who asks.
pub(crate) fn actions() -> Result<(Actions, Actor), AppError> {
    Ok((context()?.actions, actor()))
}

/// A cookie of the request at hand.
pub(crate) fn cookie(name: &str) -> Option<String> {
    cookies::find(&use_context::<Parts>()?.headers, name)
}

/// Has the browser keep a cookie.
pub(crate) fn set_cookie(name: &str, value: &str, keeping: Keeping) {
    if let (Some(response), Some(cookie)) = (use_context::<ResponseOptions>(), cookies::set(name, value, keeping)) {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Scheme and name of this site, as far as they are known: what the configuration says, else what the reader's browser does.
pub(crate) fn origin() -> Option<String> {
    let context = use_context::<ServerContext>();
    context.and_then(|context| context.public_url.as_deref().map(str::to_owned)).or_else(origin_of_browser)
}

/// As the reader's browser knows them; only a page of ours tells.
fn origin_of_browser() -> Option<String> {
    let request = use_context::<Parts>()?;
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let (scheme, rest) = text("referer")?.split_once("://")?;
    let host = rest.split('/').next()?;
    let ours =
        [text("host"), text("x-forwarded-host"), request.uri.authority().map(axum::http::uri::Authority::as_str)];
    ours.contains(&Some(host)).then(|| format!("{scheme}://{host}"))
}

/// Has something shown on the next page that this session asks for.
pub(crate) fn show_once(ctx: &Actions, actor: &Actor, shown: ShownOnce) {
    if let Some(sealed) = actions::accounts::keep_shown(ctx, actor, &shown) {
        set_shown(&sealed, 600);
    }
}

/// What is to be shown on the page at hand, if `is_here` says that it is this page's; another's waits for that.
pub(crate) fn shown_once(ctx: &Actions, actor: &Actor, is_here: impl FnOnce(&ShownOnce) -> bool) -> Option<ShownOnce> {
    let shown = actions::accounts::open_shown(ctx, actor, &cookie(SHOWN_COOKIE)?).filter(is_here)?;
    // A picture stays until its code was given.
    if shown != ShownOnce::SecondFactor {
        set_shown("", 0);
    }
    Some(shown)
}

fn set_shown(value: &str, seconds: u32) {
    set_cookie(SHOWN_COOKIE, value, Keeping { strict: true, ..Keeping::so_long(seconds) });
}

/// The job that was queued for a repository.
pub(crate) fn job(done: Done) -> Result<Uuid, AppError> {
    done.job.ok_or_else(|| AppError::internal("work was asked for and no job queued"))
}

/// The values in the part of an address after `?`.
pub(crate) fn params(query: &str) -> Result<ParamsMap, AppError> {
    given::query(query).map_err(|unusable| AppError::invalid(format!("What stands after ? {unusable}.")))?;
    let mut params = ParamsMap::new();
    for (key, value) in query_pairs(query) {
        // The map decodes what it is given.
        params.insert(key, value.replace('%', "%25"));
    }
    Ok(params)
}

/// A filter's text, if there is any.
pub(crate) fn text(params: &ParamsMap, key: &str) -> Result<Option<String>, AppError> {
    let text = params.get_str(key).unwrap_or_default().trim();
    let text = given::text(text).map_err(|unusable| AppError::invalid(format!("The value of {key} {unusable}.")))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A value that is one of a type's fixed words; others count as not given.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(params: &ParamsMap, key: &str) -> Option<T> {
    given::word(params.get_str(key)?).ok()
}

/// An id; what is none counts as not given.
pub(crate) fn uuid(params: &ParamsMap, key: &str) -> Option<Uuid> {
    given::id(params.get_str(key)?).ok()
}

/// Whether a filter stands at something that is none of a type's words: then nothing matches, as with any other value that
/// no row has.
pub(crate) fn is_unknown<T: FromStr<Err = UnknownWord>>(params: &ParamsMap, key: &str) -> bool {
    is_given(params, key) && word::<T>(params, key).is_none()
}

/// The same for an id.
pub(crate) fn is_no_id(params: &ParamsMap, key: &str) -> bool {
    is_given(params, key) && uuid(params, key).is_none()
}

fn is_given(params: &ParamsMap, key: &str) -> bool {
    params.get_str(key).is_some_and(|text| !text.is_empty())
}

/// A value that is one of a type's words as serde writes them.
pub(crate) fn serde_word<T: DeserializeOwned>(params: &ParamsMap, key: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(params.get(key)?)).ok()
}

/// The time as of which a page is wanted: a day, to its end, or a time.
pub(crate) fn at(params: &ParamsMap) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = text(params, "at")? else { return Ok(None) };
    given::moment(&text).map(Some).map_err(|unusable| AppError::invalid(format!("The value of at {unusable}.")))
}

/// The direction of a sorted list; each column has one of its own.
pub(crate) fn direction(params: &ParamsMap, otherwise: Sort) -> Sort {
    serde_word(params, "direction").unwrap_or(otherwise)
}

/// One page of so many rows.
pub(crate) fn page(params: &ParamsMap, size: u64) -> PageQuery {
    crate::components::page_query(params, size)
}

/// Changes over time for the chart: the span asked for, or the first with anything to show.
pub(crate) async fn activity(
    db: &Db,
    repository: Option<Uuid>,
    word: Option<&str>,
    now: Timestamp,
) -> Result<(Span, Vec<ActivityBucket>), AppError> {
    let mut shown = (Span::default(), Vec::new());
    for span in Span::candidates(word) {
        let since = span.since(now);
        shown = (*span, store::events::activity(&db.read, repository, since, now, span.buckets()).await?);
        let changes = |bucket: &ActivityBucket| bucket.created + bucket.modified + bucket.deleted + bucket.resurrected;
        if shown.1.iter().any(|bucket| changes(bucket) > 0) {
            break;
        }
    }
    Ok(shown)
}
