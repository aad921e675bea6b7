//! What every server function needs first: the context, the clock, the address.

use std::str::FromStr;
use std::time::SystemTime;

use entity::db::Db;
use entity::view::{ActivityBucket, PageQuery, Sort, Timestamp};
use leptos::prelude::use_context;
use leptos_router::location::RequestUrl;
use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::context::ServerContext;
use crate::error::AppError;
use crate::pages::Span;

/// Longest filter text that reaches a question.
const LONGEST_TEXT: usize = 200;

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
    Uuid::parse_str(text).map_err(|_| missing(what))
}

/// The answer to an address that nothing is at.
pub(crate) fn missing(what: &'static str) -> AppError {
    AppError::not_found(what)
}

/// The values in the part of an address after `?`.
pub(crate) fn params(query: &str) -> ParamsMap {
    RequestUrl::new(&format!("/?{query}")).parse().map(|url| url.search_params().clone()).unwrap_or_default()
}

/// A filter's text, if there is any.
pub(crate) fn text(params: &ParamsMap, key: &str) -> Option<String> {
    let text: String = params.get_str(key)?.trim().chars().take(LONGEST_TEXT).collect();
    (!text.is_empty()).then_some(text)
}

/// A value that is one of a type's fixed words; others count as not given.
pub(crate) fn word<T: FromStr>(params: &ParamsMap, key: &str) -> Option<T> {
    params.get_str(key)?.parse().ok()
}

/// Whether a filter stands at something that is none of a type's words: then nothing matches, as with any other value that
/// no row has.
pub(crate) fn is_unknown<T: FromStr>(params: &ParamsMap, key: &str) -> bool {
    params.get_str(key).is_some_and(|text| !text.is_empty() && text.parse::<T>().is_err())
}

/// A value that is one of a type's words as serde writes them.
pub(crate) fn serde_word<T: DeserializeOwned>(params: &ParamsMap, key: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(params.get(key)?)).ok()
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
        shown = (*span, entity::query::events::activity(&db.read, repository, since, now, span.buckets()).await?);
        let changes = |bucket: &ActivityBucket| bucket.created + bucket.modified + bucket.deleted + bucket.resurrected;
        if shown.1.iter().any(|bucket| changes(bucket) > 0) {
            break;
        }
    }
    Ok(shown)
}
