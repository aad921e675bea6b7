//! Pages, REST and files over HTTP: one router, its layers, and how it is served.
//!
//! From outside to inside: who asks; request id and log span; figures; security headers; problems get their id; panics become
//! problems; who is answered and may act; how often; time and size limits; compression; then the routes.

pub mod api;
pub mod assets;
pub mod client_address;
pub mod etag;
pub mod forms;
pub mod health;
#[allow(unused_qualifications, reason = "the macros of utoipa may write whole paths")]
pub mod hooks;
pub mod hosts;
pub mod identity;
pub mod listen;
#[allow(unused_qualifications, reason = "the macros of utoipa may write whole paths")]
pub mod metrics;
mod old_links;
mod pages;
pub mod rate_limits;
pub mod reading;
pub mod rights;
pub mod seats;
pub mod security;
pub mod sign_in;
#[expect(unused_qualifications, reason = "the macros of utoipa write whole paths")]
pub mod stream;
pub mod trace;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::any,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer, limit::RequestBodyLimitLayer,
};

use crate::state::AppState;
use api::{openapi, problem};

/// An answer that is not begun by then is given up, and so is a body that is not here by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How hard what is made for one request is packed: half of the usual level's time, for a tenth more of bytes.
const PACKED: CompressionLevel = CompressionLevel::Precise(3);

/// Nothing that is sent to us is larger: forms and small JSON.
const MAX_REQUEST_BODY: usize = 256 << 10;

/// Webhooks are listened to only where one is set up, which is found out first.
const WAITING: listen::Waiting =
    listen::Waiting { most: MAX_REQUEST_BODY, within: ANSWER_WITHIN, but_below: hooks::PLACE };

/// Everything that is served, for this state.
pub fn router(state: AppState) -> Router {
    let https_alone = security::HttpsAlone(state.identity.settings().secure);
    let known: identity::Known = (state.identity.clone(), state.actions.clone(), state.rate_limits.clone());
    let (reads, streams) = openapi::described();
    let reads: Router<AppState> = reads.into();
    let streams: Router<AppState> = streams.into();
    let webhooks: Router<AppState> = hooks::routes().into();
    let api = reads
        // Without the slash as well, which clients forget.
        .route("/api/v1/repositories", axum::routing::get(api::v1::repositories::list_repositories))
        .route("/api/v1/ecosystem", axum::routing::get(api::v1::ecosystem::list_ecosystem_stats))
        .route("/api/v1/tasks/tasks", axum::routing::get(api::v1::tasks::list_tasks))
        .layer(from_fn(etag::tag_reads))
        .merge(streams)
        .route_layer(from_fn(api::needs::gate))
        .method_not_allowed_fallback(problem::unknown_verb);
    // What layers keep is small: each request holds as many copies of it as there are layers around it.
    pages::routes(&state)
        .merge(api)
        .merge(sign_in::routes())
        .route("/hr/{*key}", axum::routing::get(old_links::kubesearch))
        .route("/upgrades/{event}", axum::routing::get(upgrade::of_event))
        .merge(metrics::route(&state.metrics_access))
        .merge(openapi::router())
        .route("/api/", any(problem::unknown_path))
        .route("/api/{*path}", any(problem::unknown_path))
        .fallback(pages::file_or_not_found)
        .layer(from_fn_with_state(Arc::new(state.db.clone()), reading::choose))
        .layer(CompressionLayer::new().quality(PACKED))
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        // Pushes of forges are larger than what else is sent to us; they have a bound of their own.
        .merge(webhooks)
        .layer(from_fn(forms::only_forms))
        .layer(from_fn(answer_in_time))
        .layer(from_fn_with_state(state.rate_limits.clone(), rate_limits::limit))
        .layer(from_fn_with_state(state.hosts.clone(), rights::gate))
        .layer(from_fn_with_state(Arc::new(known), identity::find_out))
        .layer(identity::layer(&state.db, state.identity.settings()))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(problem::finish))
        .layer(from_fn_with_state(https_alone, security::headers))
        .layer(from_fn_with_state(state.metrics.clone(), metrics::observe))
        .layer(from_fn(trace::request))
        .layer(from_fn_with_state(state.proxies.clone(), client_address::tell))
        .with_state(state)
}

/// How the program is, for everybody who asks for nothing else; `otherwise` answers the rest.
fn health_router<H, T>(state: AppState, otherwise: H) -> Router
where
    H: axum::handler::Handler<T, AppState>,
    T: 'static,
{
    let (routes, _) = health::routes().split_for_parts();
    let https_alone = security::HttpsAlone(state.identity.settings().secure);
    routes
        .fallback(otherwise)
        .method_not_allowed_fallback(problem::unknown_verb)
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .layer(from_fn(answer_in_time))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(problem::finish))
        .layer(from_fn_with_state(https_alone, security::headers))
        .layer(from_fn(trace::request))
        .layer(from_fn_with_state(state.proxies.clone(), client_address::tell))
        .with_state(state)
}

/// What is answered where no connection is left but a reserved one.
async fn too_many_connections() -> problem::Problem {
    problem::Problem::unavailable("As many connections are open as this server keeps; try again later", 5)
}

/// Serves until `shutdown` is cancelled, then lets open requests finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    limits: listen::Limits,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let all = router(state.clone());
    serve_all(listener, all, state, limits, shutdown).await
}

/// Serves a worker's health and nothing else, like [`serve`].
///
/// # Errors
/// When the listener fails.
pub async fn serve_health(
    listener: TcpListener,
    state: AppState,
    limits: listen::Limits,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let all = health_router(state.clone(), problem::unknown_path);
    serve_all(listener, all, state, limits, shutdown).await
}

/// Serves figures, for Prometheus and as JSON, and nothing else, like [`serve`].
///
/// # Errors
/// When the listener fails.
pub async fn serve_metrics(
    listener: TcpListener,
    state: AppState,
    limits: listen::Limits,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let all = metrics::router(state);
    // Who scrapes is few; where they are too many, none is better served than others.
    let ahead = listen::Ahead::new(WAITING);
    listen::serve(listener, listen::Answers { reserved: all.clone(), all, ahead }, limits, shutdown).await
}

async fn serve_all(
    listener: TcpListener,
    all: Router,
    state: AppState,
    limits: listen::Limits,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    // Live streams never end by themselves.
    let streams = state.shutdown.clone();
    let reserved = health_router(state, too_many_connections);
    let ended = async {
        shutdown.cancelled().await;
        streams.cancel();
        // The others go on until the last connection is closed.
        std::future::pending::<()>().await;
    };
    let answers = listen::Answers { all, reserved, ahead: listen::Ahead::new(WAITING) };
    tokio::select! {
        served = listen::serve(listener, answers, limits, shutdown.clone()) => served,
        () = ended => Ok(()),
    }
}

async fn answer_in_time(request: Request, next: Next) -> Response {
    if request.extensions().get::<listen::Late>().is_some() {
        let seconds = ANSWER_WITHIN.as_secs();
        let detail = format!("What was sent was not here within {seconds} seconds; send it again");
        return problem::Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response();
    }
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(limit_s = ANSWER_WITHIN.as_secs(), "gave up on an answer that took too long");
            problem::Problem::unavailable("The answer took too long and was given up; try again later", 30)
                .into_response()
        }
    }
}
