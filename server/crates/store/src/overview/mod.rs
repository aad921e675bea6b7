//! What the first page and the line about the system show.

mod bumps;
mod lately;

use chrono::{Days, NaiveDate, NaiveTime};
use sea_orm::{EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{ConnectionTrait, Result, commits};
use crate::db::select::count;
use crate::db::sql::Sql;
use crate::jobs::{find_views, is_in};
use entity::kind::JobState;
use entity::table::job;
use entity::view::{NamedCount, Overview, PageQuery, RunningWork, SystemState, Timestamp};

/// Figures over everything.
pub async fn overview(c: &impl ConnectionTrait, now: Timestamp) -> Result<Overview> {
    let mut sql = Sql::new(
        "SELECT COUNT(*) AS repositories, CAST(COALESCE(SUM(active_resources), 0) AS BIGINT) AS resources, \
         CAST(COALESCE(SUM(helm_releases), 0) AS BIGINT) AS helm_releases, \
         CAST(COALESCE(SUM(events), 0) AS BIGINT) AS events, \
         CAST(COALESCE(SUM(problems), 0) AS BIGINT) AS problems, \
         COUNT(CASE WHEN origin <> 'sample' THEN 1 END) AS not_samples, \
         COUNT(CASE WHEN EXISTS (SELECT 1 FROM repository_day a WHERE a.repository_id = repository.id AND a.day >= ",
    );
    let day = |days| (now - chrono::TimeDelta::days(days)).date_naive().to_string();
    sql.bind(day(90)).push(") THEN 1 END) AS active_repositories FROM repository");
    let figures = sql.one::<Figures>(c).await?.unwrap_or_default();
    let kinds = Sql::new(
        "SELECT value AS name, active AS count FROM facet_total WHERE facet = 'kind' AND active > 0 \
         ORDER BY active DESC, value LIMIT 20",
    );
    Ok(Overview {
        repositories: figures.repositories,
        active_repositories: figures.active_repositories,
        resources: figures.resources,
        helm_releases: figures.helm_releases,
        events: figures.events,
        problems: figures.problems,
        growth: lately::growth(c, now).await?,
        only_samples: figures.repositories > 0 && figures.not_samples == 0,
        kinds: kinds.all::<NamedCount>(c).await?,
        bumps: bumps::bumps(c, 14, now).await?,
        commits: commits::newest_commits(c, None, PageQuery { skip: 0, limit: 10 }).await?,
        most_active: lately::most_active(c, 8, now).await?,
        newest: lately::newest(c, 8).await?,
        system: system_state(c).await?,
    })
}

/// The first moment after a day.
fn end_of(day: NaiveDate) -> Timestamp {
    day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

/// Jobs that run, how many wait, which ended last.
pub async fn running_work(c: &impl ConnectionTrait) -> Result<RunningWork> {
    let jobs = find_views().filter(is_in(JobState::Running)).order_by_asc(job::Column::Id);
    let running = jobs.limit(100).into_partial_model().all(c).await?;
    let ended = find_views().filter(job::COLUMN.finished_at.is_not_null()).order_by_desc(job::Column::FinishedAt);
    let finished = ended.order_by_desc(job::Column::Id).limit(10).into_partial_model().all(c).await?;
    let queued = count(c, job::Entity::find().filter(is_in(JobState::Queued))).await?;
    Ok(RunningWork { running, queued: i64::try_from(queued).unwrap_or(i64::MAX), finished })
}

/// The line about the system.
pub async fn system_state(c: &impl ConnectionTrait) -> Result<SystemState> {
    let sql = Sql::new(
        "SELECT COUNT(*) AS repositories, \
         COUNT(CASE WHEN enabled AND (sync_status = 'error' OR scan_status = 'error') THEN 1 END) \
         AS failing_repositories, (SELECT COUNT(*) FROM job WHERE state = 'queued') AS queued_jobs, \
         (SELECT COUNT(*) FROM job WHERE state = 'running') AS running_jobs, \
         MAX(last_sync_at) AS last_sync_at FROM repository",
    );
    let state = sql.one::<StateRow>(c).await?;
    Ok(state.map_or_else(SystemState::default, |state| SystemState {
        repositories: state.repositories,
        failing_repositories: state.failing_repositories,
        queued_jobs: state.queued_jobs,
        running_jobs: state.running_jobs,
        last_sync_at: state.last_sync_at,
    }))
}

#[derive(Default, FromQueryResult)]
struct Figures {
    repositories: i64,
    active_repositories: i64,
    resources: i64,
    helm_releases: i64,
    events: i64,
    problems: i64,
    not_samples: i64,
}

#[derive(FromQueryResult)]
struct StateRow {
    repositories: i64,
    failing_repositories: i64,
    queued_jobs: i64,
    running_jobs: i64,
    last_sync_at: Option<Timestamp>,
}
