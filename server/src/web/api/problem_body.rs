//! What is sent of a problem: the members of RFC 9457 and, beside them, the envelope `error` with its `request_id`.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::{Problem, Refused};

/// The kind of error as one word for programs; it follows from the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// What was sent can't be read or taken (400, 422).
    InvalidRequest,
    /// Nobody signed in, and that is needed (401).
    Unauthorized,
    /// Who asks may not (403).
    Forbidden,
    /// There is no such thing (404).
    NotFound,
    /// Asked too often (429).
    RateLimitExceeded,
    /// Something failed in Kubestats itself (500).
    InternalError,
    /// The path does not answer this verb (405).
    MethodNotAllowed,
    /// What was sent did not come in time (408).
    RequestTimeout,
    /// It does not fit the state of things (409).
    Conflict,
    /// It was there and is no more (410).
    Gone,
    /// What was sent is too long (413).
    PayloadTooLarge,
    /// What was sent is not of the right type (415).
    UnsupportedMediaType,
    /// The request is for another host (421).
    MisdirectedRequest,
    /// Not now, but soon (503).
    ServiceUnavailable,
}

impl ErrorCode {
    /// The word for a status.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::GONE => Self::Gone,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::MISDIRECTED_REQUEST => Self::MisdirectedRequest,
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimitExceeded,
            StatusCode::SERVICE_UNAVAILABLE => Self::ServiceUnavailable,
            other if other.is_client_error() => Self::InvalidRequest,
            _ => Self::InternalError,
        }
    }
}

/// The problem once more, in the envelope in which many programs look for errors.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemError {
    /// What kind it is.
    pub code: ErrorCode,
    /// As `detail`.
    pub message: String,
    /// As `errors`.
    pub details: Vec<Refused>,
}

/// What went wrong, for people and programs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Kind of problem; `about:blank` where the status says it all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What happened here, in a sentence.
    pub detail: String,
    /// Names this very occurrence: `urn:uuid:` and the request's id, as in the log and in `x-request-id`.
    pub instance: Option<String>,
    /// Which parts of the request were refused.
    pub errors: Vec<Refused>,
    /// The same as an envelope.
    pub error: ProblemError,
    /// The request's id, as in `instance`.
    pub request_id: Option<Uuid>,
}

impl From<&Problem> for ProblemDetails {
    fn from(problem: &Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (detail, errors) = (problem.detail.to_string(), problem.errors.clone());
        Self {
            kind: problem.kind,
            title: problem.title,
            status: problem.status,
            instance: problem.request_id.map(|id| format!("urn:uuid:{id}")),
            error: ProblemError { code: ErrorCode::of(status), message: detail.clone(), details: errors.clone() },
            detail,
            errors,
            request_id: problem.request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_an_error_has_a_code_of_its_class() {
        for number in 400..600 {
            let status = StatusCode::from_u16(number).unwrap();
            let code = ErrorCode::of(status);
            let is_ours = matches!(code, ErrorCode::InternalError | ErrorCode::ServiceUnavailable);
            assert_eq!(is_ours, status.is_server_error(), "{status}: {code:?}");
        }
    }

    #[test]
    fn codes_are_words_that_other_programs_know() {
        for (status, word) in [
            (400, "INVALID_REQUEST"),
            (401, "UNAUTHORIZED"),
            (403, "FORBIDDEN"),
            (404, "NOT_FOUND"),
            (422, "INVALID_REQUEST"),
            (429, "RATE_LIMIT_EXCEEDED"),
            (500, "INTERNAL_ERROR"),
        ] {
            let code = ErrorCode::of(StatusCode::from_u16(status).unwrap());
            assert_eq!(serde_json::to_value(code).unwrap(), word, "{status}");
        }
    }
}
