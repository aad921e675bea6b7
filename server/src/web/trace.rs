//! One span and one id per request: what a person reports is what the log is searched for.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use opentelemetry::KeyValue;
use store::queue::caused_by;
use tracing::Instrument as _;
use uuid::Uuid;

use super::rights::LINKS;

use crate::telemetry;

/// Names a request in answers and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A path for the log: links that open something are told without what opens it.
fn shown(path: &str) -> &str {
    LINKS.into_iter().find(|place| path.starts_with(place)).unwrap_or(path)
}

/// Gives the request its id and span, and says in the log how it went.
///
/// An id that a client sends is not taken over: it could be made to collide with, or to forge, log lines.
pub async fn request(mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let method = request.method().clone();
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        method = %request.method(),
        path = shown(request.uri().path()),
        route = route.as_str(),
    );
    request.extensions_mut().insert(RequestId(id));
    let start = Instant::now();
    // What the request asks for is done later, by whom whatever: it is told that it belongs to this trace.
    let work = next.run(request).instrument(span.clone());
    let mut response = match telemetry::traceparent(&span) {
        None => work.await,
        cause => caused_by(cause, work).await,
    };
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), duration_ms, "answered"));
    telemetry::name(
        &span,
        || format!("{method} {route}").trim_end().to_owned(),
        || {
            vec![
                KeyValue::new("http.request.method", method.to_string()),
                KeyValue::new("http.route", route.clone()),
                KeyValue::new("http.response.status_code", i64::from(response.status().as_u16())),
            ]
        },
    );
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_something_is_left_out_of_paths_that_are_told() {
        for place in LINKS {
            for secret in ["hunter2", "0190b5d4-0000-7000-8000-000000000000/hunter2", "hunter2/", ""] {
                assert_eq!(shown(&format!("{place}{secret}")), place);
            }
        }
        for path in ["/", "/charts/podinfo", "/sign-in", "/webhooks/github/0190b5d4-0000-7000-8000-000000000000"] {
            assert_eq!(shown(path), path);
        }
    }
}
