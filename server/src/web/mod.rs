//! Pages, REST and files over HTTP: one router, its layers, and how it is served.
//!
//! From outside to inside: request id and log span; security headers; problems get their id; panics become
//! problems; who is answered and may act; time and size limits; compression; then the routes.

pub mod api;
pub mod assets;
pub mod etag;
pub mod health;
pub mod hosts;
mod pages;
pub mod rights;
pub mod security;
#[expect(unused_qualifications, reason = "the macros of utoipa write whole paths")]
pub mod stream;
pub mod trace;

use std::{future::IntoFuture as _, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::any,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, limit::RequestBodyLimitLayer};

use crate::state::AppState;
use api::{openapi, problem};

/// An answer that is not begun by then is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Nothing that is sent to us is larger: forms and small JSON.
const MAX_REQUEST_BODY: usize = 256 << 10;

/// How long open requests may go on once the program is asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Everything that is served, for this state.
pub fn router(state: AppState) -> Router {
    let (reads, streams) = openapi::described();
    let reads: Router<AppState> = reads.into();
    let streams: Router<AppState> = streams.into();
    let api = reads
        // Without the slash as well, which clients forget.
        .route("/api/v1/repositories", axum::routing::get(api::v1::repositories::list_repositories))
        .route("/api/v1/ecosystem", axum::routing::get(api::v1::ecosystem::list_ecosystem_stats))
        .route("/api/v1/tasks/tasks", axum::routing::get(api::v1::tasks::list_tasks))
        .layer(from_fn(etag::tag_reads))
        .merge(streams)
        .method_not_allowed_fallback(problem::unknown_verb);
    pages::routes(&state)
        .merge(api)
        .merge(openapi::router())
        .route("/api", any(problem::unknown_path))
        .route("/api/", any(problem::unknown_path))
        .route("/api/{*path}", any(problem::unknown_path))
        .fallback(pages::file_or_not_found)
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .layer(from_fn(answer_in_time))
        .layer(from_fn_with_state(state.hosts.clone(), rights::gate))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(problem::finish))
        .layer(from_fn(security::headers))
        .layer(from_fn(trace::request))
        .with_state(state)
}

/// What a worker serves: how it is, and nothing else.
fn health_router(state: AppState) -> Router {
    let (routes, _) = health::routes().split_for_parts();
    routes
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::unknown_verb)
        .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
        .layer(from_fn(answer_in_time))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(problem::finish))
        .layer(from_fn(security::headers))
        .layer(from_fn(trace::request))
        .with_state(state)
}

/// Serves until `shutdown` is cancelled, then lets open requests finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> std::io::Result<()> {
    // Live streams never end by themselves.
    let streams = state.shutdown.clone();
    serve_until(listener, router(state), streams, shutdown).await
}

/// Serves a worker's health like [`serve`].
///
/// # Errors
/// When the listener fails.
pub async fn serve_health(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> std::io::Result<()> {
    let streams = state.shutdown.clone();
    serve_until(listener, health_router(state), streams, shutdown).await
}

async fn serve_until(
    listener: TcpListener,
    router: Router,
    streams: CancellationToken,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let stopped = {
        let shutdown = shutdown.clone();
        async move {
            shutdown.cancelled().await;
            streams.cancel();
        }
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped).into_future();
    tokio::select! {
        result = serving => result,
        () = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN_WITHIN).await;
        } => {
            tracing::warn!("open requests did not finish in time and are cut off");
            Ok(())
        }
    }
}

async fn answer_in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(limit_s = ANSWER_WITHIN.as_secs(), "gave up on an answer that took too long");
            problem::Problem::unavailable("The answer took too long and was given up; try again later", 30)
                .into_response()
        }
    }
}
