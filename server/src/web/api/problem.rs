//! Where errors become HTTP: `application/problem+json` (RFC 9457), told once and logged once.
//!
//! `detail` is the text that clients of the Kubestats v1 API look for; `errors` says for a refused
//! request which parameter is wrong, what was given and what is allowed. What went wrong inside stays
//! inside: outside there is only an id, which is also in the log. What is sent of it is [`ProblemDetails`].

use std::{borrow::Cow, error::Error, fmt::Write as _, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use store::db::DataError;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::problem_body::ProblemDetails;
use crate::web::trace::RequestId;
use crate::web::{hooks, metrics};

/// Content type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What is sent of a problem that can't be written.
const UNREADABLE: &[u8] =
    br#"{"detail":"unreadable","error":{"code":"INTERNAL_ERROR","message":"unreadable","details":[]}}"#;

/// What went wrong. Layers further out take it from an answer's extensions and know it better than its bytes tell.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Kind of problem; `about:blank` where the status says it all.
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What happened here, in a sentence.
    pub detail: Box<str>,
    /// Which parts of the request were refused.
    pub errors: Vec<Refused>,
    /// The request's id, once [`finish`] has told it.
    pub request_id: Option<Uuid>,
    retry_after_seconds: Option<u32>,
    cause: Option<Arc<str>>,
}

/// Operations are described by what is sent.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        <ProblemDetails as PartialSchema>::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        <ProblemDetails as ToSchema>::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        <ProblemDetails as ToSchema>::schemas(schemas);
    }
}

/// One refused part of a request (fields as in the v1 API's `ValidationError`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refused {
    /// Where it stands: `["query", "limit"]`.
    pub loc: Vec<String>,
    /// What is wrong and what is allowed.
    pub msg: String,
    /// Kind of error as a word.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What was given, cut to a readable length.
    pub input: String,
}

impl Problem {
    /// A problem whose status says what kind it is.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<Box<str>>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            request_id: None,
            retry_after_seconds: None,
            cause: None,
        }
    }

    /// Nothing is stored under the id or path.
    #[must_use]
    pub fn not_found(detail: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The request is understood but does not fit the state of things.
    #[must_use]
    pub fn conflict(detail: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// Parameters that can't be used, all of them at once.
    #[must_use]
    pub fn refused(errors: Vec<Refused>) -> Self {
        let mut detail = String::new();
        for error in &errors {
            let separator = if detail.is_empty() { "" } else { "; " };
            // Writing to a string cannot fail.
            let _ = write!(detail, "{separator}{}: {}", error.loc.join("."), error.msg);
        }
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        problem.errors = errors;
        problem
    }

    /// Not now, but soon.
    #[must_use]
    pub fn unavailable(detail: impl Into<Box<str>>, retry_after_seconds: u32) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        problem.retry_after_seconds = Some(retry_after_seconds);
        problem
    }

    /// Asked too often.
    #[must_use]
    pub fn too_many(detail: impl Into<Box<str>>, retry_after_seconds: u32) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        problem.retry_after_seconds = Some(retry_after_seconds);
        problem
    }

    /// A failure of ours: the cause goes to the log only.
    #[must_use]
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            let _ = write!(chain, ": {error}");
            next = error.source();
        }
        Self::internal_text(chain)
    }

    /// As [`Problem::internal`], where the cause is already text.
    #[must_use]
    pub fn internal_text(cause: impl Into<Arc<str>>) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something failed in Kubestats itself. The log holds the cause under this answer's instance id.",
        );
        problem.cause = Some(cause.into());
        problem
    }

    fn body(&self) -> Body {
        Body::from(serde_json::to_vec(&ProblemDetails::from(self)).unwrap_or_else(|_| UNREADABLE.into()))
    }
}

impl From<DataError> for Problem {
    fn from(error: DataError) -> Self {
        let mut problem = Self::internal(&error);
        if let Some(sentence) = error.passing_sentence() {
            problem.status = StatusCode::SERVICE_UNAVAILABLE.as_u16();
            problem.title = "Service Unavailable";
            problem.detail = sentence.into();
            problem.retry_after_seconds = Some(if error.is_stopped() { 30 } else { 5 });
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every problem the request's id and writes causes to the log, in this one place.
pub async fn finish(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().copied();
    let of_programs = is_for_programs(request.uri().path());
    let mut response = next.run(request).await;
    let mut problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if of_programs && is_bare_error(&response) => {
            let status = response.status();
            let problem = Problem::new(status, status.canonical_reason().unwrap_or("Error"));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
            problem
        }
        None => return response,
    };
    if let Some(cause) = &problem.cause {
        tracing::error!(error = %cause, status = problem.status, "request failed");
    }
    problem.request_id = id.map(|RequestId(id)| id);
    *response.body_mut() = problem.body();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    // The body that was compressed is not the one that is sent.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    response
}

/// Whether programs ask there, and nobody who reads pages.
fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with(hooks::PLACE) || path == metrics::PATH
}

/// Whether a layer refused the request with no more than a status and perhaps a word of text.
fn is_bare_error(response: &Response) -> bool {
    let refused = response.status().is_client_error() || response.status().is_server_error();
    let text =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    refused && text
}

/// The answer to a path of the API that does not exist.
pub async fn unknown_path(uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::not_found(format!("Nothing is served at {path}; /docs lists what there is"))
}

/// The answer to a verb that a path of the API does not know.
pub async fn unknown_verb(method: http::Method, uri: http::Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{path} does not answer {method}; /docs lists what it answers"),
    )
}

/// The answer to a request whose handling panicked; the message goes to the log only.
#[must_use]
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("no message");
    Problem::internal_text(format!("a handler panicked: {said}")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::to_bytes, middleware::from_fn, routing::get};
    use serde_json::Value;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;
    use crate::web::trace;

    async fn answer(path: &str) -> (StatusCode, Value) {
        async fn panics() -> &'static str {
            panic!("the password is hunter2")
        }
        async fn fails() -> Problem {
            Problem::internal(&std::io::Error::other("no space left in /var/lib"))
        }
        async fn bare() -> StatusCode {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        let router: Router = Router::new()
            .route("/api/panics", get(panics))
            .route("/api/fails", get(fails))
            .route("/api/bare", get(bare))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(finish))
            .layer(from_fn(trace::request));
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON, "{path}");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap();
        assert_eq!(body["instance"], format!("urn:uuid:{id}"), "{path}");
        assert_eq!(body["request_id"], id, "{path}");
        assert_eq!(body["error"]["message"], body["detail"], "{path}");
        (status, body)
    }

    #[tokio::test]
    async fn failures_and_panics_tell_an_id_and_keep_the_cause() {
        for path in ["/api/panics", "/api/fails"] {
            let (status, body) = answer(path).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            let text = body.to_string();
            assert!(!text.contains("hunter2") && !text.contains("/var/lib"), "{text}");
            assert_eq!(body["error"]["code"], "INTERNAL_ERROR");
        }
    }

    #[tokio::test]
    async fn a_status_without_words_becomes_a_problem() {
        let (status, body) = answer("/api/bare").await;
        assert_eq!((status, &body["detail"]), (StatusCode::PAYLOAD_TOO_LARGE, &"Payload Too Large".into()));
        assert_eq!(body["error"]["code"], "PAYLOAD_TOO_LARGE");
    }
}
