//! Who may read the figures, and where.

use std::sync::Arc;

use actions::Actor;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use entity::kind::{Needs, Permission};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::api::problem::{self, Problem};
use super::super::api::reposentry::Envelope;
use super::super::{client_address, rights, security, trace};
use super::MetricList;
use crate::state::AppState;

/// Where figures are.
pub const PATH: &str = "/metrics";

/// Where they are as JSON.
pub const V1_PATH: &str = "/api/v1/metrics";

/// As OpenMetrics has it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether figures are answered among the pages, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Among the pages.
    pub among_pages: bool,
    /// Who brings it may read; nothing where the address alone decides.
    pub token: Option<Arc<str>>,
}

impl Access {
    /// What whoever asks among the pages needs.
    #[must_use]
    pub const fn needs(&self) -> Needs {
        match (self.among_pages, &self.token) {
            (false, _) => Needs::NotHere,
            (true, None) => Needs::Nothing,
            (true, Some(_)) => Needs::MetricsToken,
        }
    }

    /// Whether a request may read: by the token, or as somebody who may see figures.
    ///
    /// # Errors
    /// A 401 that says what is wanted.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(token) = &self.token else { return Ok(()) };
        // At an address of their own nobody is found out.
        let actor = request.extensions().get::<Actor>();
        if actor.is_some_and(|actor| actor.permissions().has(Permission::ViewMetrics)) {
            return Ok(());
        }
        let told = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let told = told.unwrap_or_default().split_once(' ');
        let told = told.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        // Hashes are compared in the same time wherever they differ.
        let fits = |told: &str| blake3::hash(told.trim().as_bytes()) == blake3::hash(token.as_bytes());
        match told.is_some_and(|(_, told)| fits(told)) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "The figures are for who brings the token of server.metrics.token (Authorization: Bearer <token>), and \
                 for who signed in and has metrics:view",
            )),
        }
    }
}

/// The figures, where they are answered among the pages.
pub fn route(access: &Access) -> Router<AppState> {
    match access.among_pages {
        true => described().into(),
        // Not the page that says there is nothing: a scraper is told how it can have them.
        false => Router::new().route(PATH, get(elsewhere)).route(V1_PATH, get(elsewhere)),
    }
}

/// The figures with their description, which is the same wherever they are answered.
pub fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_metrics)).routes(routes!(get_v1_metrics))
}

/// The figures alone, for an address of their own.
pub fn router(state: AppState) -> Router {
    let https_alone = security::HttpsAlone(state.identity.settings().secure);
    Router::new()
        .route(PATH, get(get_metrics))
        .route(V1_PATH, get(get_v1_metrics))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::unknown_verb)
        .layer(from_fn_with_state(state.hosts.clone(), rights::gate_of_hosts))
        .layer(from_fn(problem::finish))
        .layer(from_fn_with_state(https_alone, security::headers))
        .layer(from_fn(trace::request))
        .layer(from_fn_with_state(state.proxies.clone(), client_address::tell))
        .with_state(state)
}

/// Figures for Prometheus
///
/// As OpenMetrics text: what was answered, and what the database holds. Without a token of their own they are for this machine
/// alone, and they may have an address of their own (`server.metrics`).
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "health",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "application/openmetrics-text"),
        (
            status = 401, description = "They are for who brings the token, and who signed in and has `metrics:view`",
            body = Problem, content_type = "application/problem+json",
        ),
        (status = 404, description = "They are not served here", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_metrics(State(state): State<AppState>, request: Request) -> Response {
    if let Err(problem) = state.metrics_access.check(&request) {
        return refused(problem);
    }
    let text = state.metrics.text(&state.db, state.actions.password_hashes()).await;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

/// The same figures as JSON
///
/// For whom, and where, `/metrics` is.
#[utoipa::path(
    get, path = "/api/v1/metrics", operation_id = "get_v1_metrics", tag = "reposentry",
    responses(
        (status = 200, description = "The figures", body = Envelope<MetricList>),
        (
            status = 401, description = "They are for who brings the token, and who signed in and has `metrics:view`",
            body = Problem, content_type = "application/problem+json",
        ),
        (status = 404, description = "They are not served here", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_v1_metrics(State(state): State<AppState>, request: Request) -> Response {
    if let Err(problem) = state.metrics_access.check(&request) {
        return refused(problem);
    }
    let list = Envelope::of(state.metrics.list(&state.db, state.actions.password_hashes()).await);
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], list).into_response()
}

fn refused(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

async fn elsewhere() -> Problem {
    Problem::not_found(
        "The figures are not served here; server.metrics.token or server.metrics.listen says to whom and where they are",
    )
}
