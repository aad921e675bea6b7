//! `ETag` and `If-None-Match` for what is read: an unchanged answer is sent as 304 without its body.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::api::problem::Problem;

/// Answers of the API are built in memory; one beyond this is a mistake of ours.
const MAX_BODY: usize = 256 << 20;

/// Tags the answers to reads by a hash of their body. The tag is weak, since compression comes after it.
pub async fn tag_reads(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let wanted = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    if !reads || response.status() != StatusCode::OK || response.headers().contains_key(header::ETAG) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, MAX_BODY).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let tag = format!("W/\"{}\"", &blake3::hash(&bytes).to_hex()[..32]);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    if matches(&wanted, &tag) {
        // As compression, which comes later, says of an answer with a body.
        parts.headers.entry(header::VARY).or_insert(HeaderValue::from_static("accept-encoding"));
        return not_modified(&parts.headers);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether one of the tags that the client holds is this one (weak comparison).
#[must_use]
pub fn matches(wanted: &[HeaderValue], tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    wanted
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|held| held == "*" || held.trim_start_matches("W/") == opaque)
}

/// The answer without a body, with the headers that caches need.
#[must_use]
pub fn not_modified(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    for name in [header::ETAG, header::CACHE_CONTROL, header::VARY] {
        for value in headers.get_all(&name) {
            response.headers_mut().append(&name, value.clone());
        }
    }
    response
}
