//! Everything that goes on, for the page of tasks and for REST.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{ConnectionTrait, Result, forges, jobs, schedules, workers};
use crate::db::sql::{Sql, stored_time};
use entity::kind::JobKind;
use entity::view::{DiskUse, JobDetail, JobLogLine, QueueDepth, Tasks, Timestamp};

/// Workers, queue, schedules and disk as they are now.
pub async fn tasks(c: &impl ConnectionTrait, now: Timestamp) -> Result<Tasks> {
    Ok(Tasks {
        workers: workers::list_workers(c, now).await?,
        queue: queue_depths(c, now).await?,
        schedules: schedules::list_schedules(c).await?,
        budgets: forges::budgets(c, now).await?,
        disk: disk_use(c).await?,
    })
}

/// A job with what it said.
pub async fn find_job_detail(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<JobDetail>> {
    let Some(job) = jobs::find_job(c, id).await? else { return Ok(None) };
    let mut sql = Sql::new("SELECT at, level, text FROM job_log WHERE job_id = ");
    sql.bind(id).push(" ORDER BY position");
    let log: Vec<JobLogLine> = sql.all(c).await?;
    let mut sql = Sql::new("SELECT log_lines FROM job WHERE id = ");
    sql.bind(id);
    let said = sql.count(c).await?;
    let log_lines_dropped = i64::try_from(said.saturating_sub(log.len() as u64)).unwrap_or(i64::MAX);
    Ok(Some(JobDetail { job, log, log_lines_dropped }))
}

/// How many jobs of each kind wait, run, and ended in the last day.
pub async fn queue_depths(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<QueueDepth>> {
    let mut depths: BTreeMap<JobKind, QueueDepth> = BTreeMap::new();
    let mut unfinished = Sql::new("SELECT kind, state, CASE WHEN run_at <= ");
    unfinished
        .bind(stored_time(now))
        .push(" THEN 1 ELSE 0 END AS due, COUNT(*) FROM job WHERE state IN ('queued', 'running') GROUP BY 1, 2, 3");
    for row in unfinished.rows(c).await? {
        let (kind, state): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (due, count): (i32, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let Ok(kind) = kind.parse() else { continue };
        let depth = depths.entry(kind).or_insert_with(|| QueueDepth::none(kind));
        match (state.as_str(), due) {
            ("running", _) => depth.running += count,
            (_, 0) => depth.waiting += count,
            _ => depth.ready += count,
        }
    }
    // `COALESCE` keeps SQLite from reading every job only to have them in groups.
    let mut finished = Sql::new("SELECT COALESCE(kind, kind), state, COUNT(*) FROM job WHERE finished_at >= ");
    finished.bind(stored_time(now - TimeDelta::hours(24))).push(" GROUP BY 1, 2");
    for row in finished.rows(c).await? {
        let (kind, state): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let count: i64 = row.try_get_by_index(2)?;
        let Ok(kind) = kind.parse() else { continue };
        let depth = depths.entry(kind).or_insert_with(|| QueueDepth::none(kind));
        match state.as_str() {
            "succeeded" => depth.succeeded_last_24_h += count,
            "failed" => depth.failed_last_24_h += count,
            _ => {}
        }
    }
    Ok(depths.into_values().collect())
}

/// Disk that clones take, and the limit that a worker last told of.
pub async fn disk_use(c: &impl ConnectionTrait) -> Result<DiskUse> {
    let sql = Sql::new(
        "SELECT COUNT(*), CAST(COALESCE(SUM(clone_bytes), 0) AS BIGINT) FROM repository WHERE clone_bytes > 0",
    );
    let (clones, bytes) = match sql.row(c).await? {
        Some(row) => (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
        None => (0, 0),
    };
    let limit = Sql::new("SELECT disk_limit_bytes FROM worker WHERE role <> 'web' ORDER BY seen_at DESC LIMIT 1");
    let limit_bytes = match limit.row(c).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    Ok(DiskUse { clones, bytes, limit_bytes })
}
