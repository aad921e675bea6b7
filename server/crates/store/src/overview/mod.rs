//! What the first page and the line about the system show.

mod bumps;
mod lately;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};

use super::{ConnectionTrait, Result, commits};
use crate::db::select::{constant, count, count_all, is_counted, sum};
use crate::jobs::{find_views, is_in};
use entity::kind::{Facet, JobState, Origin, SyncStatus};
use entity::table::{facet_total, job, repository, repository_day};
use entity::view::{Overview, PageQuery, RunningWork, SystemState, Timestamp, VersionBump};

/// Figures over everything.
pub async fn overview(c: &impl ConnectionTrait, now: Timestamp) -> Result<Overview> {
    with_bumps(c, bumps(c, now).await?, now).await
}

/// Versions that changed lately, as many as the first page has room for. Most of its work: they are put together from a thousand
/// rows.
pub(crate) async fn bumps(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<VersionBump>> {
    bumps::bumps(c, 14, now).await
}

/// Figures over everything, with bumps that are known.
pub(crate) async fn with_bumps(c: &impl ConnectionTrait, bumps: Vec<VersionBump>, now: Timestamp) -> Result<Overview> {
    let figures = figures(c, now).await?;
    use facet_total::Column::{Active, Facet as Of, Value};
    let kinds = facet_total::Entity::find().filter(Of.eq(Facet::Kind)).filter(facet_total::COLUMN.active.gt(0_i64));
    let kinds = kinds.select_only().column_as(Value, "name").column_as(Active, "count");
    let kinds = kinds.order_by_desc(Active).order_by_asc(Value).limit(20);
    Ok(Overview {
        repositories: figures.repositories,
        active_repositories: figures.active_repositories,
        resources: figures.resources,
        helm_releases: figures.helm_releases,
        events: figures.events,
        problems: figures.problems,
        growth: lately::growth(c, now).await?,
        only_samples: figures.repositories > 0 && figures.not_samples == 0,
        kinds: kinds.into_model().all(c).await?,
        bumps,
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
    use repository::Column::{Enabled, Id, LastSyncAt, ScanStatus, SyncStatus as Sync};
    let fails = Sync.eq(SyncStatus::Error).or(ScanStatus.eq(SyncStatus::Error));
    let jobs = |state| job::Entity::find().select_only().expr(count_all()).filter(is_in(state)).into_query();
    let state = repository::Entity::find().filter(is_counted(Id)).select_only();
    let state = state.column_as(count_all(), "repositories");
    let state = state.column_as(count_where(Enabled.into_expr().and(fails)), "failing_repositories");
    let state = state.column_as(Expr::from(jobs(JobState::Queued)), "queued_jobs");
    let state = state.column_as(Expr::from(jobs(JobState::Running)), "running_jobs");
    let state = state.column_as(LastSyncAt.max(), "last_sync_at");
    Ok(state.into_model().one(c).await?.unwrap_or_default())
}

/// How many rows meet a condition, among others that are counted with them.
fn count_where(condition: Expr) -> Expr {
    Expr::case(condition, constant(1)).count()
}

/// Sums over all repositories.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct Figures {
    pub repositories: i64,
    /// With changes in the last 90 days.
    pub active_repositories: i64,
    pub resources: i64,
    pub helm_releases: i64,
    pub events: i64,
    pub problems: i64,
    not_samples: i64,
}

/// Sums over all repositories, kept by scans.
pub async fn figures(c: &impl ConnectionTrait, now: Timestamp) -> Result<Figures> {
    use repository::Column::{ActiveResources, Events, HelmReleases, Id, Origin as From, Problems};
    let day = (now - TimeDelta::days(90)).date_naive().to_string();
    let its_day =
        Expr::col((repository_day::Entity, repository_day::Column::RepositoryId)).equals((repository::Entity, Id));
    let days = repository_day::Entity::find().select_only().expr(constant(1)).filter(its_day);
    let is_active = Expr::exists(days.filter(repository_day::COLUMN.day.gte(day)).into_query());
    let figures = repository::Entity::find().filter(is_counted(Id)).select_only();
    let figures = figures.column_as(count_all(), "repositories");
    let figures = figures.column_as(count_where(is_active), "active_repositories");
    let figures = figures.column_as(sum(ActiveResources.into_expr()), "resources");
    let figures = figures.column_as(sum(HelmReleases.into_expr()), "helm_releases");
    let figures = figures.column_as(sum(Events.into_expr()), "events");
    let figures = figures.column_as(sum(Problems.into_expr()), "problems");
    let figures = figures.column_as(count_where(From.ne(Origin::Sample)), "not_samples");
    Ok(figures.into_model().one(c).await?.unwrap_or_default())
}
