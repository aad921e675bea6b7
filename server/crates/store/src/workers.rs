//! The processes that share the work.

use chrono::TimeDelta;
use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, Set};

use super::{ConnectionTrait, Result};
use crate::db::upsert::replace;
use crate::jobs::{find_views, is_in};
use entity::kind::JobState;
use entity::table::{job, worker};
use entity::value::StoredTimestamp;
use entity::view::{Job, Timestamp, Worker};

/// A worker that was not heard of for longer has vanished.
pub const ALIVE: TimeDelta = TimeDelta::seconds(60);

/// The clocks of machines that share a database differ by less.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// A process as it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundWorker {
    /// The name that stands in the jobs it holds.
    pub id: String,
    /// `web`, `worker` or `all`.
    pub role: &'static str,
    pub host: String,
    pub pid: u32,
    pub version: &'static str,
    pub started_at: Timestamp,
    /// Jobs that it takes at once.
    pub capacity: usize,
    /// `app.max_disk_mb` in bytes.
    pub disk_limit_bytes: Option<u64>,
}

/// A worker shows itself, first and then every few seconds.
pub async fn record_worker(w: &impl ConnectionTrait, worker: &FoundWorker, now: Timestamp) -> Result<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let row = worker::ActiveModel {
        id: Set(worker.id.clone()),
        role: Set(worker.role.to_owned()),
        host: Set(worker.host.clone()),
        pid: Set(i64::from(worker.pid)),
        version: Set(worker.version.to_owned()),
        started_at: Set(worker.started_at.into()),
        seen_at: Set(now.into()),
        capacity: Set(i64::try_from(worker.capacity).unwrap_or(i64::MAX)),
        disk_limit_bytes: Set(worker.disk_limit_bytes.map(number)),
    };
    worker::Entity::insert(row).on_conflict(replace::<worker::Entity>()).exec_without_returning(w).await?;
    Ok(())
}

/// A worker ends in order.
pub async fn remove_worker(w: &impl ConnectionTrait, id: &str) -> Result<()> {
    worker::Entity::delete_by_id(id).exec(w).await?;
    Ok(())
}

/// Removes workers that were last heard of before a time; how many.
pub async fn remove_vanished(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    let vanished = worker::COLUMN.seen_at.lt(StoredTimestamp::from(before));
    Ok(worker::Entity::delete_many().filter(vanished).exec(w).await?.rows_affected)
}

/// Every worker with what it does now, vanished ones last.
pub async fn list_workers(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Worker>> {
    let rows = worker::Entity::find().order_by_asc(worker::Column::Id).all(c).await?;
    let running = find_views().filter(is_in(JobState::Running)).order_by_asc(job::Column::StartedAt);
    let running: Vec<Job> = running.order_by_asc(job::Column::Id).into_partial_model().all(c).await?;
    let worker = |row: worker::Model| Worker {
        running: running.iter().filter(|job| job.worker.as_deref() == Some(&row.id)).cloned().collect(),
        // A clock that is a little ahead of ours says nothing bad of its worker; one far ahead was set back since.
        alive: (-AHEAD..=ALIVE).contains(&(now - Timestamp::from(row.seen_at))),
        id: row.id,
        role: row.role,
        host: row.host,
        pid: row.pid,
        version: row.version,
        started_at: row.started_at.into(),
        seen_at: row.seen_at.into(),
        capacity: row.capacity,
    };
    let mut workers: Vec<Worker> = rows.into_iter().map(worker).collect();
    workers.sort_by_key(|worker| !worker.alive);
    Ok(workers)
}
