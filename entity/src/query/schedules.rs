//! What asks for jobs at set times. A schedule only enqueues, once for each time that is due, however many look.

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, stored_time};
use crate::kind::JobKind;
use crate::row::JobRow;
use crate::view::{Job, Schedule, Timestamp};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// A schedule as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSchedule {
    pub name: &'static str,
    pub kind: JobKind,
    /// The cron expression, as written.
    pub cron: String,
    pub enabled: bool,
    /// The first time after now.
    pub next_run_at: Option<Timestamp>,
}

/// When a schedule runs next, as stored.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ScheduleTime {
    pub name: String,
    pub next_run_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct ScheduleRow {
    name: String,
    kind: String,
    cron: String,
    enabled: bool,
    last_run_at: Option<Timestamp>,
    next_run_at: Option<Timestamp>,
    total_runs: i64,
    last_job_id: Option<Uuid>,
}

/// Brings in the configured schedules. A time that was missed while nothing ran stays due; a changed expression starts
/// anew; those that are no longer known go.
pub async fn upsert_schedules(w: &impl ConnectionTrait, planned: &[PlannedSchedule]) -> Result<()> {
    for schedule in planned {
        let mut sql = Sql::new("INSERT INTO schedule (name, kind, cron, enabled, next_run_at) VALUES (");
        sql.bind(schedule.name).push(", ").bind(schedule.kind.as_str()).push(", ").bind(schedule.cron.as_str());
        sql.push(", ").bind(schedule.enabled).push(", ").bind(schedule.next_run_at.map(stored_time));
        sql.push(
            ") ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, cron = excluded.cron, enabled = excluded.enabled, \
             next_run_at = CASE WHEN schedule.cron = excluded.cron AND schedule.enabled = excluded.enabled \
             AND schedule.next_run_at IS NOT NULL AND schedule.next_run_at < excluded.next_run_at \
             THEN schedule.next_run_at ELSE excluded.next_run_at END",
        );
        sql.run(w).await?;
    }
    let mut sql = Sql::new("DELETE FROM schedule WHERE name NOT IN ");
    sql.bind_list(planned.iter().map(|schedule| schedule.name));
    if !planned.is_empty() {
        sql.run(w).await?;
    }
    Ok(())
}

/// When each enabled schedule runs next.
pub async fn list_schedule_times(c: &impl ConnectionTrait) -> Result<Vec<ScheduleTime>> {
    Sql::new("SELECT name, next_run_at FROM schedule WHERE enabled ORDER BY name").all(c).await
}

/// Moves a schedule on to its next time, guarded by the one that was read: of any number of processes that see it due,
/// one gets true and enqueues. `ran` says whether this is a run or only a correction after the clock was set.
pub async fn move_schedule_on(
    w: &impl ConnectionTrait,
    at: &ScheduleTime,
    next_run_at: Option<Timestamp>,
    ran: Option<Timestamp>,
) -> Result<bool> {
    let mut sql = Sql::new("UPDATE schedule SET next_run_at = ");
    sql.bind(next_run_at.map(stored_time));
    if let Some(now) = ran {
        sql.push(", total_runs = total_runs + 1, last_run_at = ").bind(stored_time(now));
    }
    sql.push(" WHERE enabled AND name = ").bind(at.name.as_str());
    match at.next_run_at {
        Some(planned) => sql.push(" AND next_run_at = ").bind(stored_time(planned)),
        None => sql.push(" AND next_run_at IS NULL"),
    };
    Ok(sql.run(w).await?.rows_affected() > 0)
}

/// Notes which job a schedule asked for last.
pub async fn record_scheduled_job(w: &impl ConnectionTrait, name: &str, job: Uuid) -> Result<()> {
    let mut sql = Sql::new("UPDATE schedule SET last_job_id = ");
    sql.bind(job).push(" WHERE name = ").bind(name);
    sql.run(w).await?;
    Ok(())
}

/// Notes that a person started a schedule's job ahead of its time; whether there is such a schedule.
pub async fn record_triggered(w: &impl ConnectionTrait, name: &str, job: Uuid, now: Timestamp) -> Result<bool> {
    let mut sql = Sql::new("UPDATE schedule SET total_runs = total_runs + 1, last_run_at = ");
    sql.bind(stored_time(now)).push(", last_job_id = ").bind(job).push(" WHERE name = ").bind(name);
    Ok(sql.run(w).await?.rows_affected() > 0)
}

/// What a schedule asks for; `None` where no schedule has that name.
pub async fn find_schedule_kind(c: &impl ConnectionTrait, name: &str) -> Result<Option<JobKind>> {
    let mut sql = Sql::new("SELECT kind FROM schedule WHERE name = ");
    sql.bind(name);
    let kind: Option<String> = sql.row(c).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(kind.and_then(|kind| kind.parse().ok()))
}

/// Every schedule with the job that it asked for last.
pub async fn list_schedules(c: &impl ConnectionTrait) -> Result<Vec<Schedule>> {
    let sql = Sql::new(
        "SELECT name, kind, cron, enabled, last_run_at, next_run_at, total_runs, last_job_id FROM schedule ORDER BY name",
    );
    let rows: Vec<ScheduleRow> = sql.all(c).await?;
    let mut sql = Sql::new(JobRow::SELECT);
    sql.push(" WHERE j.id IN ").bind_list(rows.iter().filter_map(|row| row.last_job_id));
    let jobs: Vec<Job> = sql.all::<JobRow>(c).await?.into_iter().map(JobRow::into_view).collect();
    let schedule = |row: ScheduleRow| {
        // A kind of another version is none that can be shown.
        let kind = row.kind.parse().ok()?;
        Some(Schedule {
            name: row.name,
            kind,
            cron: row.cron,
            enabled: row.enabled,
            last_run_at: row.last_run_at,
            next_run_at: row.next_run_at,
            total_runs: row.total_runs,
            last_job: jobs.iter().find(|job| Some(job.id) == row.last_job_id).cloned(),
        })
    };
    Ok(rows.into_iter().filter_map(schedule).collect())
}
