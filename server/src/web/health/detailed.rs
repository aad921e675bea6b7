//! How each part of the program is, with how long it took to find out.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use entity::view::Timestamp;
use serde::Serialize;
use store::db::{DataError, Db};
use store::{forges, schedules, tasks, workers};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::{WITHIN, can_write};
use crate::{clock, state::AppState};

/// Everybody may ask, so nothing is looked at more often.
const KEPT: Duration = Duration::from_secs(1);
/// Jobs that could run and wait for longer tell of too few workers.
const WAITS_LONG: TimeDelta = TimeDelta::hours(1);
/// A schedule that is due is asked for within seconds.
const OVERDUE: TimeDelta = TimeDelta::minutes(10);
/// With less of the data directory's disk nothing can be fetched or stored.
const DISK_FULL: u64 = 100 << 20;
/// With less it soon will be.
const DISK_LOW: u64 = 1 << 30;

/// How well a part does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthCondition)]
pub enum Condition {
    /// As it should.
    Healthy,
    /// It works, later or less than it should.
    Degraded,
    /// It does not.
    Unhealthy,
}

/// One part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartHealth {
    /// `database`, `queue`, `disk`, `forges`, `scheduler`, or `replicas` where there are any.
    pub name: &'static str,
    /// How well it is.
    pub status: Condition,
    /// What is wrong; null where nothing is.
    #[schema(value_type = Option<String>)]
    pub detail: Option<Cow<'static, str>>,
    /// Milliseconds until that was known.
    pub took_ms: f64,
}

/// The whole program, part by part.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetailedHealth {
    /// The worst of the parts.
    pub status: Condition,
    /// When it was looked at.
    pub timestamp: DateTime<Utc>,
    /// Each by itself.
    pub parts: Vec<PartHealth>,
    /// Seconds for which the oldest job waits that could run; null where none waits, or that can't be told.
    pub oldest_waiting_job_seconds: Option<i64>,
}

/// The last look; whoever asks meanwhile waits for it.
#[derive(Clone, Debug, Default)]
pub struct LastLook(Arc<Mutex<Option<(Instant, DetailedHealth)>>>);

/// What is wrong with a part, if anything.
type Found = (Condition, Option<&'static str>);

const WELL: Found = (Condition::Healthy, None);

/// Health of each part
///
/// 503 where work can't be done: the database or the queue does not answer, the disk is full, or no worker lives.
#[utoipa::path(
    get, path = "/health/detailed", operation_id = "get_detailed_health", tag = "health",
    responses(
        (status = 200, description = "Work is done, if perhaps late", body = DetailedHealth),
        (status = 503, description = "Work can't be done", body = DetailedHealth),
    )
)]
pub async fn get_detailed_health(State(state): State<AppState>) -> (StatusCode, Json<DetailedHealth>) {
    let health = look_again(&state).await;
    let code = match health.status {
        Condition::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Condition::Healthy | Condition::Degraded => StatusCode::OK,
    };
    (code, Json(health))
}

/// How each part is; looked at anew where the last look was a while ago.
pub async fn look_again(state: &AppState) -> DetailedHealth {
    let mut last = state.last_look.0.lock().await;
    match &*last {
        Some((at, health)) if at.elapsed() < KEPT => health.clone(),
        _ => {
            let health = look(state).await;
            *last = Some((Instant::now(), health.clone()));
            health
        }
    }
}

async fn look(state: &AppState) -> DetailedHealth {
    let (now, db) = (clock::now(), &state.db);
    let mut oldest = None;
    let queue = async {
        oldest = tasks::oldest_ready(&db.read, now).await?;
        let waits = oldest.map(|at| now - at);
        Ok(match (can_write(&state.queue), waits) {
            (false, _) => (Condition::Unhealthy, Some("jobs can be read, and what comes of them not be stored")),
            (true, Some(waits)) if waits > WAITS_LONG => (Condition::Degraded, Some("a job waits for over an hour")),
            _ => WELL,
        })
    };
    let database = async { db.ping().await.map(|()| WELL) };
    let disk_of = Arc::clone(&state.data_dir);
    let disk = async {
        let asked = tokio::task::spawn_blocking(move || disk(&disk_of)).await;
        Ok(asked.unwrap_or((Condition::Unhealthy, Some("the disk cannot be asked"))))
    };
    let (database, queue, disk, forges, scheduler) = tokio::join!(
        part("database", database),
        part("queue", queue),
        part("disk", disk),
        part("forges", forge_budgets(db, now)),
        part("scheduler", scheduler(db, now)),
    );
    let mut parts = vec![database, queue, disk, forges, scheduler];
    parts.extend(replicas(db));
    DetailedHealth {
        status: parts.iter().map(|part| part.status).max().unwrap_or(Condition::Unhealthy),
        timestamp: now,
        parts,
        oldest_waiting_job_seconds: oldest.map(|at| (now - at).num_seconds().max(0)),
    }
}

/// A part, and how long it took; what it fails with is for the log alone.
async fn part(name: &'static str, ask: impl Future<Output = Result<Found, DataError>>) -> PartHealth {
    let began = Instant::now();
    let (status, detail) = match tokio::time::timeout(WITHIN, ask).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(%error, part = name, "a part of the program is not well");
            (Condition::Unhealthy, Some("the database does not answer"))
        }
        Err(_) => {
            tracing::warn!(limit_s = WITHIN.as_secs(), part = name, "a part of the program does not answer in time");
            (Condition::Unhealthy, Some("there is no answer in time"))
        }
    };
    let took_ms = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    PartHealth { name, status, detail: detail.map(Cow::Borrowed), took_ms }
}

/// Room on the disk of clones and, unless it is PostgreSQL's, of the database.
fn disk(data_dir: &Path) -> Found {
    match free_bytes(data_dir) {
        Some(0..DISK_FULL) => (Condition::Unhealthy, Some("the disk of the data directory is full")),
        Some(DISK_FULL..DISK_LOW) => (Condition::Degraded, Some("the disk of the data directory is nearly full")),
        Some(_) => WELL,
        None => (Condition::Unhealthy, Some("the data directory cannot be looked at")),
    }
}

/// What this process may still write on the disk of a folder.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    match rustix::fs::statvfs(folder) {
        Ok(disk) => Some(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "a disk cannot be asked for its room");
            None
        }
    }
}

/// Which forges there are is not for everybody to know; a limit that is used up ends by itself.
async fn forge_budgets(db: &Db, now: Timestamp) -> Result<Found, DataError> {
    let budgets = forges::budgets(&db.read, now).await?;
    let is_spent = |remaining: Option<i64>| remaining.is_some_and(|remaining| remaining <= 0);
    let waits = budgets.iter().any(|budget| budget.blocked_until.is_some() || is_spent(budget.remaining));
    Ok(if waits { (Condition::Degraded, Some("a forge's limit is used up; its work waits until then")) } else { WELL })
}

/// Whether replicas are read; nothing where there are none. They are told by their place in the configuration, as names of
/// machines are not for everybody to know.
fn replicas(db: &Db) -> Option<PartHealth> {
    let states = db.replica_states();
    let left_out = states.iter().enumerate().filter(|(_, state)| state.left_out.is_some());
    let left_out: Vec<String> = left_out.map(|(at, _)| (at + 1).to_string()).collect();
    let detail = (!left_out.is_empty()).then(|| {
        let which = left_out.join(", ");
        Cow::Owned(format!("left out, by the order of storage.postgres.read_urls: {which}; the log says why"))
    });
    let status = if detail.is_some() { Condition::Degraded } else { Condition::Healthy };
    (!states.is_empty()).then_some(PartHealth { name: "replicas", status, detail, took_ms: 0.0 })
}

/// Whether somebody is there who works, and asks for what is due.
async fn scheduler(db: &Db, now: Timestamp) -> Result<Found, DataError> {
    let works = workers::list_workers(&db.read, now).await?.iter().any(|worker| worker.alive && worker.role != "web");
    if !works {
        return Ok((Condition::Unhealthy, Some("no process that does jobs was heard of in the last minute")));
    }
    let schedules = schedules::list_schedules(&db.read).await?;
    let is_late = |at: Timestamp| now - at > OVERDUE;
    let late = schedules.iter().any(|schedule| schedule.enabled && schedule.next_run_at.is_some_and(is_late));
    Ok(if late { (Condition::Degraded, Some("a schedule's time passed and nothing was asked for")) } else { WELL })
}
