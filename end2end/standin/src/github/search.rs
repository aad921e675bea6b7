//! `GET /search/repositories`: GitHub's query language over the repositories, 1,000 results at most, in pages.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{OriginalUri, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use crate::forge::Forge;
use crate::gate::Caller;
use crate::world::Repository;

use super::query::Query;
use super::{api_root, visible, wire};

/// GitHub gives no more results than this, however many there are.
const REACHABLE: u64 = 1_000;
/// GitHub refuses longer queries.
const LONGEST: usize = 256;
const PAGE: &str = "https://docs.github.com/v3/search/";

pub(super) async fn repositories(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    RawQuery(raw): RawQuery,
) -> Response {
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let q = of("q").unwrap_or_default().trim();
    if q.is_empty() {
        return refused("missing", "q", "");
    }
    if q.chars().count() > LONGEST {
        return refused("invalid", "q", "The search is longer than 256 characters.");
    }
    let query = match Query::parse(q) {
        Ok(query) => query,
        Err(why) => return refused("invalid", "q", &why),
    };
    // GitHub takes what it can of odd numbers: at most 100 a page, at least the first page.
    let per_page = of("per_page").and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(30_u64).min(100);
    let page = of("page").and_then(|text| text.parse().ok()).unwrap_or(1_u64).max(1);
    if (page - 1).saturating_mul(per_page) >= REACHABLE {
        let body = json!({
            "message": "Only the first 1000 search results are available",
            "documentation_url": PAGE,
        });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
    }

    let root = api_root(&forge, &uri);
    let world = forge.world();
    let mut found: Vec<&Repository> =
        world.all().iter().filter(|one| visible(one, caller) && query.accepts(one)).collect();
    sort(&mut found, of("sort"), of("order") == Some("asc"), forge.options.search_sorts_by_update);
    let total = found.len() as u64;
    let reachable = total.min(REACHABLE);
    let first = usize::try_from((page - 1) * per_page).unwrap_or(usize::MAX);
    let last = usize::try_from((page * per_page).min(reachable)).unwrap_or(usize::MAX);
    let items: Vec<_> = found
        .get(first..last)
        .unwrap_or_default()
        .iter()
        .map(|repository| wire::item(forge.url(), &root, repository))
        .collect();
    let mut response = Json(json!({"total_count": total, "incomplete_results": false, "items": items})).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let pages = reachable.div_ceil(per_page).max(1);
    let at = forge.link_root().map(|link_root| root.replacen(forge.url(), link_root, 1));
    if let Some(link) = at.and_then(|at| link(&format!("{at}/search/repositories"), &asked, page, pages)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn sort(found: &mut [&Repository], by: Option<&str>, ascending: bool, by_update: bool) {
    match by {
        Some("stars") => found.sort_by_key(|one| (Reverse(one.stars), one.id)),
        Some("forks") => found.sort_by_key(|one| (Reverse(one.forks), one.id)),
        Some("updated") if by_update => found.sort_by_key(|one| (Reverse(one.updated_at), one.id)),
        Some("updated") => found.sort_by_key(|one| (Reverse(one.pushed_at), one.id)),
        Some("help-wanted-issues") => found.sort_by_key(|one| (Reverse(one.open_issues), one.id)),
        // Best match is GitHub's secret; here it is any order that stays the same.
        _ => {
            found.sort_by_key(|one| one.id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            return;
        }
    }
    if ascending {
        found.reverse();
    }
}

/// `Link: <...>; rel="prev", <...>; rel="next", ...`, if there is more than one page.
pub(super) fn link(at: &str, asked: &[(String, String)], page: u64, pages: u64) -> Option<HeaderValue> {
    let to = |number: u64, relation: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(asked.iter().filter(|(key, _)| key != "page"));
        query.append_pair("page", &number.to_string());
        format!("<{at}?{}>; rel=\"{relation}\"", query.finish())
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(to(page - 1, "prev"));
    }
    if page < pages {
        links.push(to(page + 1, "next"));
        links.push(to(pages, "last"));
    }
    if page > 1 {
        links.push(to(1, "first"));
    }
    HeaderValue::from_str(&links.join(", ")).ok().filter(|value| !value.is_empty())
}

fn refused(code: &str, field: &str, message: &str) -> Response {
    let mut error = json!({"resource": "Search", "field": field, "code": code});
    if !message.is_empty() {
        error["message"] = json!(message);
    }
    let body = json!({
        "message": "Validation Failed",
        "errors": [error],
        "documentation_url": PAGE,
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
