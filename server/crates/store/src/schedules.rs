//! What asks for jobs at set times. A schedule only enqueues, once for each time that is due, however many look.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select, Set, UpdateMany,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::is_any;
use crate::db::upsert::excluded;
use crate::jobs::find_views;
use entity::kind::JobKind;
use entity::table::{job, schedule};
use entity::value::StoredTimestamp;
use entity::view::{Job, Schedule, Timestamp};

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
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "schedule::Entity")]
pub struct ScheduleTime {
    pub name: String,
    pub next_run_at: Option<Timestamp>,
}

/// Brings in the configured schedules. A time that was missed while nothing ran stays due; a changed expression starts
/// anew; those that are no longer known go.
pub async fn upsert_schedules(w: &impl ConnectionTrait, planned: &[PlannedSchedule]) -> Result<()> {
    use schedule::Column::{Cron, Enabled, Kind, Name, NextRunAt};
    let stored = |column: schedule::Column| Expr::col((schedule::Entity, column));
    let unchanged = stored(Cron).eq(excluded(Cron)).and(stored(Enabled).eq(excluded(Enabled)));
    let still_due = unchanged.and(stored(NextRunAt).lt(excluded(NextRunAt)));
    let next_run_at = Expr::case(still_due, stored(NextRunAt)).finally(excluded(NextRunAt));
    let update =
        OnConflict::column(Name).update_columns([Kind, Cron, Enabled]).value(NextRunAt, next_run_at).to_owned();
    for planned in planned {
        let row = schedule::ActiveModel {
            name: Set(planned.name.to_owned()),
            kind: Set(planned.kind),
            cron: Set(planned.cron.clone()),
            enabled: Set(planned.enabled),
            next_run_at: Set(planned.next_run_at.map(Into::into)),
            ..Default::default()
        };
        schedule::Entity::insert(row).on_conflict(update.clone()).exec_without_returning(w).await?;
    }
    if !planned.is_empty() {
        let unknown = schedule::COLUMN.name.is_not_in(planned.iter().map(|planned| planned.name));
        schedule::Entity::delete_many().filter(unknown).exec(w).await?;
    }
    Ok(())
}

/// When each enabled schedule runs next.
pub async fn list_schedule_times(c: &impl ConnectionTrait) -> Result<Vec<ScheduleTime>> {
    let enabled = schedule::Entity::find().filter(schedule::COLUMN.enabled.eq(true));
    Ok(enabled.order_by_asc(schedule::Column::Name).into_partial_model().all(c).await?)
}

/// Moves a schedule on to its next time, guarded by the one that was read: of any number of processes that see it due,
/// one gets true and enqueues. `ran` says whether this is a run or only a correction after the clock was set.
pub async fn move_schedule_on(
    w: &impl ConnectionTrait,
    at: &ScheduleTime,
    next_run_at: Option<Timestamp>,
    ran: Option<Timestamp>,
) -> Result<bool> {
    let moved = schedule::ActiveModel { next_run_at: Set(next_run_at.map(Into::into)), ..Default::default() };
    let as_read = match at.next_run_at {
        Some(planned) => schedule::COLUMN.next_run_at.eq(StoredTimestamp::from(planned)),
        None => schedule::COLUMN.next_run_at.is_null(),
    };
    let mut update = schedule::Entity::update_many().set(moved);
    if let Some(now) = ran {
        update = count_run(update, now);
    }
    let this = schedule::COLUMN.name.eq(at.name.as_str()).and(schedule::COLUMN.enabled.eq(true));
    Ok(update.filter(this).filter(as_read).exec(w).await?.rows_affected > 0)
}

/// One run more, at this time.
fn count_run(update: UpdateMany<schedule::Entity>, now: Timestamp) -> UpdateMany<schedule::Entity> {
    let ran = schedule::ActiveModel { last_run_at: Set(Some(now.into())), ..Default::default() };
    update.set(ran).col_expr(schedule::Column::TotalRuns, schedule::COLUMN.total_runs.add(1_i64))
}

/// Notes which job a schedule asked for last.
pub async fn record_scheduled_job(w: &impl ConnectionTrait, name: &str, job: Uuid) -> Result<()> {
    let asked = schedule::ActiveModel { last_job_id: Set(Some(job)), ..Default::default() };
    schedule::Entity::update_many().set(asked).filter(schedule::COLUMN.name.eq(name)).exec(w).await?;
    Ok(())
}

/// Notes that a person started a schedule's job ahead of its time; whether there is such a schedule.
pub async fn record_triggered(w: &impl ConnectionTrait, name: &str, job: Uuid, now: Timestamp) -> Result<bool> {
    let asked = schedule::ActiveModel { last_job_id: Set(Some(job)), ..Default::default() };
    let update = count_run(schedule::Entity::update_many().set(asked), now);
    Ok(update.filter(schedule::COLUMN.name.eq(name)).exec(w).await?.rows_affected > 0)
}

/// Those that ask for jobs of this version of the program: a kind of another one is none that can be shown.
fn known() -> Select<schedule::Entity> {
    schedule::Entity::find().filter(schedule::Column::Kind.is_in(JobKind::ALL.iter().copied()))
}

/// What a schedule asks for; `None` where no schedule has that name.
pub async fn find_schedule_kind(c: &impl ConnectionTrait, name: &str) -> Result<Option<JobKind>> {
    let kind = known().filter(schedule::COLUMN.name.eq(name)).select_only().column(schedule::Column::Kind);
    Ok(kind.into_tuple().one(c).await?)
}

/// Every schedule with the job that it asked for last.
pub async fn list_schedules(c: &impl ConnectionTrait) -> Result<Vec<Schedule>> {
    let rows = known().order_by_asc(schedule::Column::Name).all(c).await?;
    let last = is_any(job::Column::Id.into_expr(), rows.iter().filter_map(|row| row.last_job_id));
    let jobs: Vec<Job> = find_views().filter(last).into_partial_model().all(c).await?;
    let schedule = |row: schedule::Model| Schedule {
        name: row.name,
        kind: row.kind,
        cron: row.cron,
        enabled: row.enabled,
        last_run_at: row.last_run_at.map(Into::into),
        next_run_at: row.next_run_at.map(Into::into),
        total_runs: row.total_runs,
        last_job: jobs.iter().find(|job| Some(job.id) == row.last_job_id).cloned(),
    };
    Ok(rows.into_iter().map(schedule).collect())
}
