//! What pages and REST ask.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::gather::start_of;
use super::spans::{SeriesRow, growth, series, spans};
use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, Where, stored_time};
use crate::figures::most_active;
use crate::repositories::list_newest;
use crate::row::json;
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
    let mut conditions = Where::default();
    conditions.and().push("day >= ").bind(first_day(days, now).to_string());
    let mut count = Sql::new("SELECT COUNT(*) FROM ecosystemstats");
    count.append(conditions.sql());
    let mut sql = Sql::new("SELECT * FROM ecosystemstats");
    sql.append(conditions.sql()).push(" ORDER BY day DESC").page(page);
    let data = sql.all::<StatsRow>(c).await?.into_iter().map(StatsRow::into_view).collect::<Result<_>>()?;
    Ok(Listing { data, count: count.count(c).await? })
}

/// The newest day.
pub async fn find_latest(c: &impl ConnectionTrait) -> Result<Option<EcosystemStats>> {
    let sql = Sql::new("SELECT * FROM ecosystemstats ORDER BY day DESC LIMIT 1");
    sql.one::<StatsRow>(c).await?.map(StatsRow::into_view).transpose()
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

/// The page of the ecosystem.
pub async fn overview(c: &impl ConnectionTrait, range: EcosystemRange, now: Timestamp) -> Result<EcosystemOverview> {
    let latest = find_latest(c).await?;
    let first = range.days().map(|days| first_day(days, now));
    let stale = Sql::new("SELECT COUNT(*) FROM (SELECT 1 FROM stale_day LIMIT 1) w").count(c).await? > 0;
    let active_days = range.days().unwrap_or(MOST_ACTIVE_DAYS).min(MOST_ACTIVE_DAYS);
    let counts =
        |map: fn(&EcosystemStats) -> &BTreeMap<String, i64>| latest.as_ref().map(map).map(sorted).unwrap_or_default();
    Ok(EcosystemOverview {
        range,
        growth: growth(c, first, latest.as_ref()).await?,
        spans: spans(c, first).await?,
        stale,
        kinds: counts(|stats| &stats.resource_type_breakdown),
        charts: counts(|stats| &stats.popular_helm_charts),
        languages: counts(|stats| &stats.language_breakdown),
        topics: counts(|stats| &stats.popular_topics),
        newest: list_newest(c, 10).await?,
        most_active: most_active(c, first_day(active_days, now)).await?,
        active_days,
        latest,
    })
}

/// Rows of the large tables and what scans did lately.
pub async fn database_stats(c: &impl ConnectionTrait, now: Timestamp) -> Result<DatabaseStats> {
    let mut sql = Sql::new(
        "SELECT COUNT(*) AS repositories, \
         CAST(COALESCE(SUM(active_resources + deleted_resources), 0) AS BIGINT) AS kubernetes_resources, \
         CAST(COALESCE(SUM(events), 0) AS BIGINT) AS kubernetes_resource_events, \
         (SELECT COUNT(*) FROM repositorymetrics) AS repository_metrics, \
         (SELECT COUNT(*) FROM scan_run) AS sync_runs, COUNT(CASE WHEN discovered_at >= ",
    );
    let week = now - TimeDelta::days(7);
    sql.bind(stored_time(week)).push(" THEN 1 END) AS new_repositories, (SELECT CAST(COALESCE(SUM(d.created + ");
    sql.push("d.modified + d.deleted + d.resurrected), 0) AS BIGINT) FROM day_total d WHERE d.day > ");
    sql.bind(week.date_naive().to_string()).push(") AS changes FROM repository");
    let counts = sql.one::<CountsRow>(c).await?.unwrap_or_default();
    let types = Sql::new(
        "SELECT CAST(COALESCE(SUM(created), 0) AS BIGINT), CAST(COALESCE(SUM(modified), 0) AS BIGINT), \
         CAST(COALESCE(SUM(deleted), 0) AS BIGINT), CAST(COALESCE(SUM(resurrected), 0) AS BIGINT) FROM day_total",
    );
    let mut event_type_breakdown = BTreeMap::new();
    if let Some(row) = types.row(c).await? {
        for (place, event_type) in entity::kind::EventType::ALL.iter().enumerate() {
            event_type_breakdown.insert(event_type.to_string(), row.try_get_by_index(place)?);
        }
    }
    event_type_breakdown.retain(|_, count| *count > 0);
    let runs = Sql::new(
        "SELECT r.name AS repository_name, r.full_name AS repository_full_name, s.events AS event_count, \
         s.started_at, s.finished_at AS completed_at FROM scan_run s JOIN repository r ON r.id = s.repository_id \
         WHERE s.finished_at IS NOT NULL ORDER BY s.finished_at DESC, s.id DESC LIMIT 10",
    );
    let mut recent_sync_runs = runs.all::<RecentSyncRun>(c).await?;
    for run in &mut recent_sync_runs {
        run.duration_milliseconds = (run.completed_at - run.started_at).num_milliseconds();
    }
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
        sync_run_stats: SyncRunStats { total_sync_runs: counts.sync_runs, recent_sync_runs, event_type_breakdown },
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

fn sorted(counts: &BTreeMap<String, i64>) -> Vec<NamedCount> {
    let mut counts: Vec<NamedCount> =
        counts.iter().map(|(name, count)| NamedCount { name: name.clone(), count: *count }).collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}

/// The first of the last `days` days, today being the last.
fn first_day(days: u32, now: Timestamp) -> NaiveDate {
    let today = now.date_naive();
    today.checked_sub_days(Days::new(u64::from(days.max(1)) - 1)).unwrap_or(today)
}

#[derive(FromQueryResult)]
struct StatsRow {
    id: Uuid,
    day: String,
    total_repositories: i64,
    active_repositories: i64,
    repositories_with_resources: i64,
    measured_repositories: i64,
    total_resources: i64,
    active_resources: i64,
    active_helm_releases: i64,
    total_resource_events: i64,
    daily_created_resources: i64,
    daily_modified_resources: i64,
    daily_deleted_resources: i64,
    daily_resurrected_resources: i64,
    total_stars: i64,
    total_forks: i64,
    total_watchers: i64,
    total_open_issues: i64,
    repositories_with_known_issues: i64,
    repository_growth: i64,
    resource_growth: i64,
    star_growth: i64,
    resource_type_breakdown: String,
    popular_helm_charts: String,
    language_breakdown: Option<String>,
    popular_topics: Option<String>,
    calculated_at: Timestamp,
    calculation_duration_seconds: f64,
}

impl StatsRow {
    fn into_view(self) -> Result<EcosystemStats> {
        let seen = |what, text: Option<&String>| text.map_or_else(|| Ok(BTreeMap::new()), |text| json(what, text));
        let damaged = |error: chrono::ParseError| crate::db::DataError::Damaged {
            what: "ecosystemstats.day",
            reason: error.to_string(),
        };
        Ok(EcosystemStats {
            id: self.id,
            date: start_of(self.day.parse().map_err(damaged)?),
            total_repositories: self.total_repositories,
            active_repositories: self.active_repositories,
            repositories_with_resources: self.repositories_with_resources,
            total_resources: self.total_resources,
            active_resources: self.active_resources,
            active_helm_releases: self.active_helm_releases,
            total_resource_events: self.total_resource_events,
            resource_type_breakdown: json("ecosystemstats.resource_type_breakdown", &self.resource_type_breakdown)?,
            popular_helm_charts: json("ecosystemstats.popular_helm_charts", &self.popular_helm_charts)?,
            daily_created_resources: self.daily_created_resources,
            daily_modified_resources: self.daily_modified_resources,
            daily_deleted_resources: self.daily_deleted_resources,
            daily_resurrected_resources: self.daily_resurrected_resources,
            total_stars: self.total_stars,
            total_forks: self.total_forks,
            total_watchers: self.total_watchers,
            total_open_issues: self.total_open_issues,
            measured_repositories: self.measured_repositories,
            repositories_with_known_issues: self.repositories_with_known_issues,
            language_breakdown: seen("ecosystemstats.language_breakdown", self.language_breakdown.as_ref())?,
            popular_topics: seen("ecosystemstats.popular_topics", self.popular_topics.as_ref())?,
            languages_known: self.language_breakdown.is_some(),
            repository_growth: self.repository_growth,
            resource_growth: self.resource_growth,
            star_growth: self.star_growth,
            calculated_at: self.calculated_at,
            calculation_duration_seconds: self.calculation_duration_seconds,
        })
    }
}
