//! Whether the program can do its work. The database is asked each time, the queue through its table.

mod detailed;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use store::{db::Db, queue::JobQueue};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::api::reposentry::{HealthSummary, Life};
use crate::{clock, state::AppState};

pub use detailed::{Condition, DetailedHealth, LastLook, PartHealth, free_bytes, look_again};

/// A check that takes longer counts as failed.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// Why no requests should be sent here.
pub const NOT_READY: &str = "the database does not answer, or the program stops";

/// The health operations, with their full paths.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_system_health))
        .routes(routes!(get_health))
        .routes(routes!(get_database_health))
        .routes(routes!(get_queue_health))
        .routes(routes!(get_liveness))
        .routes(routes!(get_readiness))
        .routes(routes!(detailed::get_detailed_health))
        .merge(super::api::reposentry::probes())
}

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It answers.
    Healthy,
    /// It does not answer, or not in time.
    Unhealthy,
}

impl Status {
    fn of(well: bool) -> Self {
        if well { Self::Healthy } else { Self::Unhealthy }
    }

    fn code(self) -> StatusCode {
        match self {
            Self::Healthy => StatusCode::OK,
            Self::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The whole program's health, in the shape that clients of the v1 API know, and beside it in RepoSentry's envelope.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SystemHealth {
    /// When it was looked at.
    pub timestamp: DateTime<Utc>,
    /// The job queue's; the name is the v1 API's.
    pub redis_status: Status,
    /// The database's.
    pub database_status: Status,
    /// The whole: what of it the two are.
    pub status: Status,
    /// Whether it is healthy.
    pub success: bool,
    /// Every component, also those that `status` does not hang on.
    pub data: HealthSummary,
    /// What is wrong; null where it is healthy.
    pub error: Option<String>,
}

/// A word of life, and beside it the same in RepoSentry's envelope.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Probe {
    /// How well it is.
    pub status: Status,
    /// When it was asked.
    pub timestamp: DateTime<Utc>,
    /// Whether it is well.
    pub success: bool,
    /// The same in a word.
    pub data: Life,
    /// What is wrong; null where nothing is.
    pub error: Option<String>,
}

/// That the program answers, or how it does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Health {
    /// How well it is.
    pub status: Status,
    /// When it was asked.
    pub timestamp: DateTime<Utc>,
}

/// One part's health.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ServiceHealth {
    /// How well it is.
    pub status: Status,
    /// Which part.
    pub service: &'static str,
}

/// The job queue's health.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QueueHealth {
    /// How well it is.
    pub status: Status,
    /// Which part.
    pub service: &'static str,
    /// Jobs that wait; null where that can't be told.
    pub queued_jobs: Option<u64>,
    /// Jobs that run; null where that can't be told.
    pub running_jobs: Option<u64>,
}

/// Health of the whole program
///
/// 503 where the database or the queue does not answer. `data` tells of what else there is.
#[utoipa::path(
    get, path = "/health", operation_id = "get_system_health", tag = "health",
    responses(
        (status = 200, description = "All is well", body = SystemHealth),
        (status = 503, description = "Something is not", body = SystemHealth),
    )
)]
pub async fn get_system_health(State(state): State<AppState>) -> (StatusCode, Json<SystemHealth>) {
    let (answers, counts, parts) =
        tokio::join!(database_answers(&state.db), queue_counts(&state.db), look_again(&state));
    let database_status = Status::of(answers);
    let redis_status = Status::of(counts.is_some() && can_write(&state.queue));
    let success = database_status == Status::Healthy && redis_status == Status::Healthy;
    let status = Status::of(success);
    let health = SystemHealth {
        timestamp: clock::now(),
        redis_status,
        database_status,
        status,
        success,
        data: HealthSummary::from(&parts),
        error: (!success).then(|| "the database or the job queue does not answer".to_owned()),
    };
    (status.code(), Json(health))
}

/// Whether the program answers at all
#[utoipa::path(
    get, path = "/api/health", operation_id = "get_health", tag = "health",
    responses((status = 200, description = "It does", body = Health))
)]
pub async fn get_health() -> Json<Health> {
    Json(Health { status: Status::Healthy, timestamp: clock::now() })
}

/// Whether the process lives; where it does not, only a restart helps
#[utoipa::path(
    get, path = "/health/live", operation_id = "get_liveness", tag = "health",
    responses((status = 200, description = "It does", body = Probe))
)]
pub async fn get_liveness() -> Json<Probe> {
    Json(Probe {
        status: Status::Healthy,
        timestamp: clock::now(),
        success: true,
        data: Life { status: "alive" },
        error: None,
    })
}

/// Whether requests should be sent here
#[utoipa::path(
    get, path = "/health/ready", operation_id = "get_readiness", tag = "health",
    responses(
        (status = 200, description = "They are answered", body = Probe),
        (status = 503, description = "The database does not answer, or the program stops", body = Probe),
    )
)]
pub async fn get_readiness(State(state): State<AppState>) -> (StatusCode, Json<Probe>) {
    let success = is_ready(&state).await;
    let status = Status::of(success);
    let (word, error) = if success { ("ready", None) } else { ("not ready", Some(NOT_READY.to_owned())) };
    let probe = Probe { status, timestamp: clock::now(), success, data: Life { status: word }, error };
    (status.code(), Json(probe))
}

/// Whether the program answers requests, and goes on to.
pub async fn is_ready(state: &AppState) -> bool {
    !state.shutdown.is_cancelled() && database_answers(&state.db).await
}

/// Health of the database
#[utoipa::path(
    get, path = "/api/health/db", operation_id = "get_database_health", tag = "health",
    responses(
        (status = 200, description = "It answers", body = ServiceHealth),
        (status = 503, description = "It does not", body = ServiceHealth),
    )
)]
pub async fn get_database_health(State(db): State<Db>) -> (StatusCode, Json<ServiceHealth>) {
    let status = Status::of(database_answers(&db).await);
    (status.code(), Json(ServiceHealth { status, service: "database" }))
}

/// Health of the job queue, under the path that the v1 API has for it
#[utoipa::path(
    get, path = "/api/health/redis", operation_id = "get_queue_health", tag = "health",
    responses(
        (status = 200, description = "It answers", body = QueueHealth),
        (status = 503, description = "It does not", body = QueueHealth),
    )
)]
pub async fn get_queue_health(State(db): State<Db>, State(queue): State<JobQueue>) -> (StatusCode, Json<QueueHealth>) {
    let counts = queue_counts(&db).await;
    let status = Status::of(counts.is_some() && can_write(&queue));
    let (queued_jobs, running_jobs) = counts.unzip();
    (status.code(), Json(QueueHealth { status, service: "queue", queued_jobs, running_jobs }))
}

/// A full disk or a locked file can be read, yet no work gets done.
fn can_write(queue: &JobQueue) -> bool {
    if !queue.is_writable() {
        tracing::warn!("the database can be read and not written: see what the log says of this worker's sign of life");
    }
    queue.is_writable()
}

async fn database_answers(db: &Db) -> bool {
    match tokio::time::timeout(WITHIN, db.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            false
        }
        Err(_) => {
            tracing::warn!(limit_s = WITHIN.as_secs(), "the database does not answer in time");
            false
        }
    }
}

/// Queued and running jobs; nothing where the queue's table does not answer.
async fn queue_counts(db: &Db) -> Option<(u64, u64)> {
    let state = tokio::time::timeout(WITHIN, store::overview::system_state(&db.read)).await;
    match state {
        Ok(Ok(state)) => Some((state.queued_jobs.unsigned_abs(), state.running_jobs.unsigned_abs())),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the job queue does not answer");
            None
        }
        Err(_) => {
            tracing::warn!(limit_s = WITHIN.as_secs(), "the job queue does not answer in time");
            None
        }
    }
}
