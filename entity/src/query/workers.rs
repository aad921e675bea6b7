//! The processes that share the work.

use chrono::TimeDelta;
use sea_orm::FromQueryResult;

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, stored_time};
use crate::row::JobRow;
use crate::view::{Job, Timestamp, Worker};

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

#[derive(FromQueryResult)]
struct WorkerRow {
    id: String,
    role: String,
    host: String,
    pid: i64,
    version: String,
    started_at: Timestamp,
    seen_at: Timestamp,
    capacity: i64,
}

/// A worker shows itself, first and then every few seconds.
pub async fn record_worker(w: &impl ConnectionTrait, worker: &FoundWorker, now: Timestamp) -> Result<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut sql = Sql::new(
        "INSERT INTO worker (id, role, host, pid, version, started_at, seen_at, capacity, disk_limit_bytes) VALUES (",
    );
    sql.bind(worker.id.as_str()).push(", ").bind(worker.role).push(", ").bind(worker.host.as_str()).push(", ");
    sql.bind(i64::from(worker.pid)).push(", ").bind(worker.version).push(", ");
    sql.bind(stored_time(worker.started_at)).push(", ").bind(stored_time(now)).push(", ");
    sql.bind(i64::try_from(worker.capacity).unwrap_or(i64::MAX)).push(", ");
    sql.bind(worker.disk_limit_bytes.map(number));
    sql.push(
        ") ON CONFLICT (id) DO UPDATE SET role = excluded.role, host = excluded.host, pid = excluded.pid, \
         version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at, \
         capacity = excluded.capacity, disk_limit_bytes = excluded.disk_limit_bytes",
    );
    sql.run(w).await?;
    Ok(())
}

/// A worker ends in order.
pub async fn remove_worker(w: &impl ConnectionTrait, id: &str) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM worker WHERE id = ");
    sql.bind(id);
    sql.run(w).await?;
    Ok(())
}

/// Removes workers that were last heard of before a time; how many.
pub async fn remove_vanished(w: &impl ConnectionTrait, before: Timestamp) -> Result<u64> {
    let mut sql = Sql::new("DELETE FROM worker WHERE seen_at < ");
    sql.bind(stored_time(before));
    Ok(sql.run(w).await?.rows_affected())
}

/// Every worker with what it does now, vanished ones last.
pub async fn list_workers(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Worker>> {
    let sql = Sql::new("SELECT id, role, host, pid, version, started_at, seen_at, capacity FROM worker ORDER BY id");
    let rows: Vec<WorkerRow> = sql.all(c).await?;
    let mut sql = Sql::new(JobRow::SELECT);
    sql.push(" WHERE j.state = 'running' ORDER BY j.started_at, j.id");
    let running: Vec<Job> = sql.all::<JobRow>(c).await?.into_iter().map(JobRow::into_view).collect();
    let worker = |row: WorkerRow| Worker {
        running: running.iter().filter(|job| job.worker.as_deref() == Some(&row.id)).cloned().collect(),
        // A clock that is a little ahead of ours says nothing bad of its worker; one far ahead was set back since.
        alive: (-AHEAD..=ALIVE).contains(&(now - row.seen_at)),
        id: row.id,
        role: row.role,
        host: row.host,
        pid: row.pid,
        version: row.version,
        started_at: row.started_at,
        seen_at: row.seen_at,
        capacity: row.capacity,
    };
    let mut workers: Vec<Worker> = rows.into_iter().map(worker).collect();
    workers.sort_by_key(|worker| !worker.alive);
    Ok(workers)
}
