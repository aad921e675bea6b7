//! What may be posted to pages: forms. Another kind of body is told so here, before anything tries to read it as one.

use axum::body::HttpBody as _;
use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::api::problem::Problem;

/// Where forms are posted.
const FORMS: &str = "/ui/";
const FORM: &str = "application/x-www-form-urlencoded";

/// Lets forms and requests without a body through.
pub async fn only_forms(request: Request, next: Next) -> Response {
    let is_posted = request.method() == Method::POST && request.uri().path().starts_with(FORMS);
    if !is_posted || request.body().is_end_stream() || is_form(request.headers()) {
        return next.run(request).await;
    }
    let detail = format!("What is posted here is a form: its content type must be {FORM}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // Parameters such as a charset may follow.
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}
