//! What pages and REST ask.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::gather::start_of;
use super::spans::{SeriesRow, days, growth, series, spans};
use super::{ConnectionTrait, Result};
use crate::db::DataError;
use crate::db::select::{added, constant, count, count_all, is_counted, paged, sum};
use crate::events::first_day;
use crate::figures::most_active;
use crate::repositories::list_newest;
use entity::kind::EventType;
use entity::table::{day_total, ecosystem_stats, repository, repository_metrics, scan_run, stale_day};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{
    DatabaseStats, EcosystemOverview, EcosystemRange, EcosystemStats, EcosystemTrend, EcosystemTrends, Listing,
    NamedCount, PageQuery, RecentStats, RecentSyncRun, SyncRunStats, TableCounts, Timestamp,
};

/// Who is busy now is asked of these days at most: all days of years would be read to tell who once was.
const MOST_ACTIVE_DAYS: u32 = 30;

/// Days, newest first; `count` is how many there are within the last `days`.
pub async fn list_days(
    c: &impl ConnectionTrait,
    days: u32,
    page: PageQuery,
    now: Timestamp,
) -> Result<Listing<EcosystemStats>> {
    let since = ecosystem_stats::COLUMN.day.gte(first_day(days, now).to_string());
    let days = ecosystem_stats::Entity::find().filter(since);
    let newest = paged(days.clone().order_by_desc(ecosystem_stats::Column::Day), page);
    let data = newest.all(c).await?.into_iter().map(shown).collect::<Result<_>>()?;
    Ok(Listing { data, count: count(c, days).await? })
}

/// The newest day.
pub async fn find_latest(c: &impl ConnectionTrait) -> Result<Option<EcosystemStats>> {
    find_last(c, None).await
}

/// The newest day up to one.
async fn find_last(c: &impl ConnectionTrait, last: Option<NaiveDate>) -> Result<Option<EcosystemStats>> {
    let newest = days(None, last).order_by_desc(ecosystem_stats::Column::Day);
    newest.one(c).await?.map(shown).transpose()
}

/// The last days that are computed, oldest first.
pub async fn trends(c: &impl ConnectionTrait, days: u32, now: Timestamp) -> Result<EcosystemTrends> {
    let rows = series(c, first_day(days, now)).await?;
    let line = |value: fn(&SeriesRow) -> i64| {
        rows.iter().map(|row| EcosystemTrend { date: row.day.clone(), value: value(row) }).collect()
    };
    Ok(EcosystemTrends {
        repository_trends: line(|row| row.total_repositories),
        resource_trends: line(|row| row.active_resources),
        activity_trends: line(SeriesRow::events),
    })
}

/// The last day that had ended at a time.
pub(crate) fn last_whole_day(at: Timestamp) -> Option<NaiveDate> {
    at.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(at).date_naive().pred_opt()
}

/// Whether days wait to be computed again.
pub async fn is_stale(c: &impl ConnectionTrait) -> Result<bool> {
    let mark = stale_day::Entity::find().select_only().column(stale_day::Column::Id);
    Ok(mark.into_tuple::<Uuid>().one(c).await?.is_some())
}

/// The page of the ecosystem: as it is now, or by the whole days before a time.
pub async fn overview(
    c: &impl ConnectionTrait,
    range: EcosystemRange,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<EcosystemOverview> {
    with_newest(c, of_days(c, range, at, now).await?, at).await
}

/// What days tell of that, without what changes between batches. Most of its work.
pub(crate) async fn of_days(
    c: &impl ConnectionTrait,
    range: EcosystemRange,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<EcosystemOverview> {
    let last = at.and_then(last_whole_day);
    let now = at.unwrap_or(now);
    let latest = find_last(c, last).await?;
    let first = range.days().map(|days| first_day(days, now));
    let active_days = Ord::min(range.days().unwrap_or(MOST_ACTIVE_DAYS), MOST_ACTIVE_DAYS);
    let counts =
        |map: fn(&EcosystemStats) -> &BTreeMap<String, i64>| latest.as_ref().map(map).map(sorted).unwrap_or_default();
    Ok(EcosystemOverview {
        range,
        growth: growth(c, first, latest.as_ref()).await?,
        spans: spans(c, first, last).await?,
        kinds: counts(|stats| &stats.resource_type_breakdown),
        charts: counts(|stats| &stats.popular_helm_charts),
        languages: counts(|stats| &stats.language_breakdown),
        topics: counts(|stats| &stats.popular_topics),
        most_active: most_active(c, first_day(active_days, now), last).await?,
        active_days,
        latest,
        ..Default::default()
    })
}

/// The rest: whether days wait, and who came last, as syncs left them.
pub(crate) async fn with_newest(
    c: &impl ConnectionTrait,
    of_days: EcosystemOverview,
    at: Option<Timestamp>,
) -> Result<EcosystemOverview> {
    let (stale, newest) = (is_stale(c).await?, list_newest(c, 10, at).await?);
    Ok(EcosystemOverview { stale, newest, ..of_days })
}

/// Rows of the large tables and what scans did lately.
pub async fn database_stats(c: &impl ConnectionTrait, now: Timestamp) -> Result<DatabaseStats> {
    let counts = count_rows(c, now - TimeDelta::days(7)).await?;
    let types = day_total::Entity::find().into_partial_model::<TypesRow>().one(c).await?.unwrap_or_default();
    let table_counts = TableCounts {
        repositories: counts.repositories,
        repository_metrics: counts.repository_metrics,
        kubernetes_resources: counts.kubernetes_resources,
        kubernetes_resource_events: counts.kubernetes_resource_events,
    };
    Ok(DatabaseStats {
        table_counts,
        recent_stats: RecentStats {
            new_repositories_last_7_days: counts.new_repositories,
            resource_changes_last_7_days: counts.changes,
        },
        sync_run_stats: SyncRunStats {
            total_sync_runs: counts.sync_runs,
            recent_sync_runs: recent_sync_runs(c).await?,
            event_type_breakdown: types.into_breakdown(),
        },
        total_records: counts.repositories
            + counts.repository_metrics
            + counts.kubernetes_resources
            + counts.kubernetes_resource_events,
    })
}

#[derive(Default, FromQueryResult)]
struct CountsRow {
    repositories: i64,
    repository_metrics: i64,
    kubernetes_resources: i64,
    kubernetes_resource_events: i64,
    sync_runs: i64,
    new_repositories: i64,
    changes: i64,
}

/// How many rows there are, and how many came since a time, at one moment; without branches that are scanned beside main ones. Of
/// those no forge is asked, and the days have none of theirs.
async fn count_rows(c: &impl ConnectionTrait, since: Timestamp) -> Result<CountsRow> {
    use repository::Column::{ActiveResources, DeletedResources, Events, Id};
    let metrics = repository_metrics::Entity::find().select_only().expr(count_all());
    let runs = scan_run::Entity::find().filter(is_counted(scan_run::Column::RepositoryId));
    let runs = runs.select_only().expr(count_all());
    let changes = day_total::Entity::find().select_only().expr({
        use day_total::Column::{Created, Deleted, Modified, Resurrected};
        sum(added([Created, Modified, Deleted, Resurrected]))
    });
    let changes = changes.filter(day_total::COLUMN.day.gt(since.date_naive().to_string()));
    let is_new = repository::COLUMN.discovered_at.gte(StoredTimestamp::from(since));
    let is_new: Expr = Expr::case(is_new, constant(1)).into();
    let counts = repository::Entity::find().filter(is_counted(Id)).select_only();
    let counts = counts
        .expr_as(count_all(), "repositories")
        .expr_as(sum(added([ActiveResources, DeletedResources])), "kubernetes_resources")
        .expr_as(sum(Events.into_expr()), "kubernetes_resource_events")
        .expr_as(metrics.into_query(), "repository_metrics")
        .expr_as(runs.into_query(), "sync_runs")
        .expr_as(is_new.count(), "new_repositories")
        .expr_as(changes.into_query(), "changes");
    Ok(counts.into_model::<CountsRow>().one(c).await?.unwrap_or_default())
}

/// Events of all days, by their types.
#[derive(Default, DerivePartialModel)]
struct TypesRow {
    #[sea_orm(from_expr = "sum(day_total::Column::Created.into_expr())")]
    created: i64,
    #[sea_orm(from_expr = "sum(day_total::Column::Modified.into_expr())")]
    modified: i64,
    #[sea_orm(from_expr = "sum(day_total::Column::Deleted.into_expr())")]
    deleted: i64,
    #[sea_orm(from_expr = "sum(day_total::Column::Resurrected.into_expr())")]
    resurrected: i64,
}

impl TypesRow {
    fn into_breakdown(self) -> BTreeMap<String, i64> {
        let of_type = |event_type: &EventType| match event_type {
            EventType::Created => self.created,
            EventType::Modified => self.modified,
            EventType::Deleted => self.deleted,
            EventType::Resurrected => self.resurrected,
        };
        let counts = EventType::ALL.iter().map(|event_type| (event_type.to_string(), of_type(event_type)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// The ten scans of repositories that ended last.
async fn recent_sync_runs(c: &impl ConnectionTrait) -> Result<Vec<RecentSyncRun>> {
    use scan_run::Column::{Events, FinishedAt, Id, RepositoryId, StartedAt};
    let runs = scan_run::Entity::find().select_only().column(StartedAt);
    let runs = runs.column_as(Events, "event_count").column_as(FinishedAt, "completed_at");
    let runs = runs
        .inner_join(repository::Entity)
        .column_as(repository::Column::Name, "repository_name")
        .column_as(repository::Column::FullName, "repository_full_name")
        .filter(is_counted(RepositoryId))
        .filter(scan_run::COLUMN.finished_at.is_not_null());
    let mut runs: Vec<RecentSyncRun> =
        runs.order_by_desc(FinishedAt).order_by_desc(Id).limit(10).into_model().all(c).await?;
    for run in &mut runs {
        run.duration_milliseconds = (run.completed_at - run.started_at).num_milliseconds();
    }
    Ok(runs)
}

fn sorted(counts: &BTreeMap<String, i64>) -> Vec<NamedCount> {
    let mut counts: Vec<NamedCount> =
        counts.iter().map(|(name, count)| NamedCount { name: name.clone(), count: *count }).collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}

/// A day as it is shown.
fn shown(row: ecosystem_stats::Model) -> Result<EcosystemStats> {
    let damaged =
        |error: chrono::ParseError| DataError::Damaged { what: "ecosystemstats.day", reason: error.to_string() };
    let seen = |counts: Option<JsonText<_>>| counts.map(|JsonText(counts)| counts).unwrap_or_default();
    Ok(EcosystemStats {
        id: row.id,
        date: start_of(row.day.parse().map_err(damaged)?),
        total_repositories: row.total_repositories,
        active_repositories: row.active_repositories,
        repositories_with_resources: row.repositories_with_resources,
        total_resources: row.total_resources,
        active_resources: row.active_resources,
        active_helm_releases: row.active_helm_releases,
        total_resource_events: row.total_resource_events,
        resource_type_breakdown: row.resource_type_breakdown.0,
        popular_helm_charts: row.popular_helm_charts.0,
        daily_created_resources: row.daily_created_resources,
        daily_modified_resources: row.daily_modified_resources,
        daily_deleted_resources: row.daily_deleted_resources,
        daily_resurrected_resources: row.daily_resurrected_resources,
        total_stars: row.total_stars,
        total_forks: row.total_forks,
        total_watchers: row.total_watchers,
        total_open_issues: row.total_open_issues,
        measured_repositories: row.measured_repositories,
        repositories_with_known_issues: row.repositories_with_known_issues,
        languages_known: row.language_breakdown.is_some(),
        language_breakdown: seen(row.language_breakdown),
        popular_topics: seen(row.popular_topics),
        repository_growth: row.repository_growth,
        resource_growth: row.resource_growth,
        star_growth: row.star_growth,
        calculated_at: row.calculated_at.into(),
        calculation_duration_seconds: row.calculation_duration_seconds,
    })
}
