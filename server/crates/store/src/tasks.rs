//! Everything that goes on, for the page of tasks and for REST.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result, forges, jobs, schedules, workers};
use crate::db::select::{count_all, sum};
use entity::kind::{JobKind, JobState};
use entity::table::{job, job_log, repository, worker};
use entity::value::StoredTimestamp;
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
    use job_log::Column::{At, Level, Position, Text};
    let lines = job_log::Entity::find().filter(job_log::COLUMN.job_id.eq(id)).order_by_asc(Position);
    let log: Vec<JobLogLine> = lines.select_only().columns([At, Level, Text]).into_model().all(c).await?;
    let said = job::Entity::find_by_id(id).select_only().column(job::Column::LogLines);
    let said: i64 = said.into_tuple().one(c).await?.unwrap_or(0);
    let kept = i64::try_from(log.len()).unwrap_or(i64::MAX);
    Ok(Some(JobDetail { job, log, log_lines_dropped: std::cmp::max(said.saturating_sub(kept), 0) }))
}

/// How many jobs of each kind wait, run, and ended in the last day. Kinds of another version are left out.
pub async fn queue_depths(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<QueueDepth>> {
    use job::Column::{Kind, State};
    let mut depths: BTreeMap<JobKind, QueueDepth> = BTreeMap::new();
    let unfinished = job::Entity::find().select_only().columns([Kind, State]);
    let unfinished = unfinished.column_as(job::COLUMN.run_at.lte(StoredTimestamp::from(now)), "due");
    let unfinished = unfinished.column_as(count_all(), "count").filter(jobs::is_unfinished());
    let unfinished = unfinished.group_by(Kind).group_by(State).group_by(Expr::col("due"));
    for (kind, state, is_due, count) in unfinished.into_tuple::<(String, JobState, bool, i64)>().all(c).await? {
        let Ok(kind) = kind.parse() else { continue };
        let depth = depths.entry(kind).or_insert_with(|| QueueDepth::none(kind));
        match (state, is_due) {
            (JobState::Running, _) => depth.running += count,
            (_, false) => depth.waiting += count,
            (_, true) => depth.ready += count,
        }
    }
    // `COALESCE` keeps SQLite from reading every job only to have them in groups.
    let kind = Expr::from(Func::coalesce([Kind.into_expr(), Kind.into_expr()]));
    let since = StoredTimestamp::from(now - TimeDelta::hours(24));
    let finished = job::Entity::find().select_only().column_as(kind.clone(), "kind").column(State);
    let finished = finished.column_as(count_all(), "count").filter(job::COLUMN.finished_at.gte(since));
    let finished = finished.group_by(kind).group_by(State);
    for (kind, state, count) in finished.into_tuple::<(String, String, i64)>().all(c).await? {
        let Ok(kind) = kind.parse() else { continue };
        let depth = depths.entry(kind).or_insert_with(|| QueueDepth::none(kind));
        match state.parse() {
            Ok(JobState::Succeeded) => depth.succeeded_last_24_h += count,
            Ok(JobState::Failed) => depth.failed_last_24_h += count,
            _ => {}
        }
    }
    Ok(depths.into_values().collect())
}

/// Since when the job waits that could run for longest; nothing where none waits.
pub async fn oldest_ready(c: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Timestamp>> {
    let ready = job::Entity::find().filter(jobs::is_in(JobState::Queued));
    let ready = ready.filter(job::COLUMN.run_at.lte(StoredTimestamp::from(now)));
    let oldest = ready.select_only().column_as(job::COLUMN.run_at.min(), "run_at");
    Ok(oldest.into_tuple::<Option<Timestamp>>().one(c).await?.flatten())
}

/// Disk that clones take, and the limit that a worker last told of.
pub async fn disk_use(c: &impl ConnectionTrait) -> Result<DiskUse> {
    let cloned = repository::Entity::find().filter(repository::COLUMN.clone_bytes.gt(0_i64)).select_only();
    let cloned = cloned.column_as(count_all(), "clones");
    let cloned = cloned.column_as(sum(repository::Column::CloneBytes.into_expr()), "bytes");
    let (clones, bytes) = cloned.into_tuple().one(c).await?.unwrap_or_default();
    // Processes that only serve pages keep no clones.
    let newest = worker::Entity::find().filter(worker::COLUMN.role.ne("web")).order_by_desc(worker::Column::SeenAt);
    let limit: Option<Option<i64>> =
        newest.select_only().column(worker::Column::DiskLimitBytes).into_tuple().one(c).await?;
    Ok(DiskUse { clones, bytes, limit_bytes: limit.flatten() })
}
