//! Reads what tells of a span of days. Everything comes from one snapshot of the database: the state at the end and
//! the changes before it must fit.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate, NaiveTime};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::fold::{DayNumbers, Facts, Metrics, RepositoryFacts};
use crate::db::Result;
use crate::db::sql::{Sql, stored_time};
use entity::view::Timestamp;

/// The day of Kubernetes' first commit: days before it come from clocks that were wrong.
pub(super) const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2014, 6, 6).expect("a day of the calendar");

/// When each repository began: created on its forge or, if earlier, its first event.
pub(super) async fn births(c: &impl ConnectionTrait) -> Result<Vec<(Uuid, NaiveDate, i64)>> {
    let sql = Sql::new(
        "SELECT r.id, r.created_at, r.active_resources, \
         (SELECT MIN(d.day) FROM repository_day d WHERE d.repository_id = r.id) FROM repository r",
    );
    let read = |row: sea_orm::QueryResult| {
        let (created_at, first): (Timestamp, Option<String>) = (row.try_get_by_index(1)?, row.try_get_by_index(3)?);
        let created = created_at.date_naive();
        let born = first.and_then(|day| day.parse().ok()).map_or(created, |day: NaiveDate| day.min(created));
        Ok((row.try_get_by_index(0)?, born.max(EPOCH), row.try_get_by_index(2)?))
    };
    sql.rows(c).await?.into_iter().map(read).collect()
}

/// Facts of the days from first to last. The last span of all (`open`) takes what lies in the future, which wrong
/// clocks tell, for today's.
pub(super) async fn gather(c: &impl ConnectionTrait, first: NaiveDate, last: NaiveDate, open: bool) -> Result<Facts> {
    let before = first.checked_sub_days(Days::new(1)).unwrap_or(first);
    let span = Span { c, first: before, last, open };
    let (total_resources, active_resources, total_events) = span.totals().await?;
    Ok(Facts {
        first,
        last,
        total_resources,
        active_resources,
        total_events,
        kinds: span.kinds().await?,
        charts: span.charts().await?,
        kind_changes: span.by_day("e.resource_kind", "").await?,
        chart_changes: span.by_day("u.name", CHARTS_OF_EVENT).await?,
        days: span.days().await?,
        repositories: span.repositories().await?,
    })
}

const CHARTS: &str = "(SELECT DISTINCT resource_id, name FROM resource_chart) u";
const CHARTS_OF_EVENT: &str =
    " JOIN (SELECT DISTINCT resource_id, name FROM resource_chart) u ON u.resource_id = e.resource_id";
const CHANGE: &str = "CAST(SUM(CASE WHEN e.event_type = 'DELETED' THEN -1 ELSE 1 END) AS BIGINT)";

struct Span<'a, C> {
    c: &'a C,
    first: NaiveDate,
    last: NaiveDate,
    open: bool,
}

impl<C: ConnectionTrait> Span<'_, C> {
    /// The first moment after the last day.
    fn end(&self) -> Timestamp {
        start_of(self.last.checked_add_days(Days::new(1)).unwrap_or(self.last))
    }

    /// A day as the span counts it.
    fn day(&self, text: &str) -> Option<NaiveDate> {
        Some(text.parse::<NaiveDate>().ok()?.min(self.last))
    }

    /// Resources that ever were and that are, and events, all at the end of the last day.
    async fn totals(&self) -> Result<(i64, i64, i64)> {
        let now = Sql::new(
            "SELECT CAST(COALESCE(SUM(active_resources + deleted_resources), 0) AS BIGINT), \
             CAST(COALESCE(SUM(active_resources), 0) AS BIGINT), CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM repository",
        );
        let (mut resources, mut active, mut events) = three(now, self.c).await?;
        if !self.open {
            let mut after = Sql::new(
                "SELECT CAST(COALESCE(SUM(created), 0) AS BIGINT), \
                 CAST(COALESCE(SUM(created + resurrected - deleted), 0) AS BIGINT), \
                 CAST(COALESCE(SUM(created + modified + deleted + resurrected), 0) AS BIGINT) FROM day_total WHERE day > ",
            );
            after.bind(self.last.to_string());
            let later = three(after, self.c).await?;
            (resources, active, events) = (resources - later.0, active - later.1, events - later.2);
        }
        Ok((resources, active, events))
    }

    async fn kinds(&self) -> Result<BTreeMap<String, i64>> {
        let now = Sql::new("SELECT value, active FROM facet_total WHERE facet = 'kind' AND active <> 0");
        self.without_later(now, "e.resource_kind", "").await
    }

    async fn charts(&self) -> Result<BTreeMap<String, i64>> {
        let now = Sql::new(&format!(
            "SELECT u.name, COUNT(*) FROM {CHARTS} JOIN kubernetesresource k ON k.id = u.resource_id \
             AND k.status = 'ACTIVE' GROUP BY u.name"
        ));
        self.without_later(now, "u.name", CHARTS_OF_EVENT).await
    }

    /// What stands now without what came after the last day.
    async fn without_later(&self, now: Sql, name: &str, join: &str) -> Result<BTreeMap<String, i64>> {
        let mut counts = BTreeMap::new();
        for row in now.rows(self.c).await? {
            counts.insert(row.try_get_by_index::<String>(0)?, row.try_get_by_index::<i64>(1)?);
        }
        if !self.open {
            let mut later = Sql::new(&format!("SELECT {name}, {CHANGE} FROM kubernetesresourceevent e{join}"));
            later.push(" WHERE e.event_type <> 'MODIFIED' AND e.event_timestamp >= ").bind(stored_time(self.end()));
            later.push(&format!(" GROUP BY {name}"));
            for row in later.rows(self.c).await? {
                *counts.entry(row.try_get_by_index(0)?).or_default() -= row.try_get_by_index::<i64>(1)?;
            }
        }
        Ok(counts)
    }

    /// What came less what went, by day and name.
    async fn by_day(&self, name: &str, join: &str) -> Result<BTreeMap<NaiveDate, Vec<(String, i64)>>> {
        let day = day_of(self.c, "e.event_timestamp");
        let mut sql = Sql::new(&format!("SELECT {day}, {name}, {CHANGE} FROM kubernetesresourceevent e{join}"));
        sql.push(" WHERE e.event_type <> 'MODIFIED' AND e.event_timestamp >= ").bind(stored_time(start_of(self.first)));
        if !self.open {
            sql.push(" AND e.event_timestamp < ").bind(stored_time(self.end()));
        }
        sql.push(&format!(" GROUP BY {day}, {name}"));
        let mut changes: BTreeMap<NaiveDate, Vec<(String, i64)>> = BTreeMap::new();
        for row in sql.rows(self.c).await? {
            let day: String = row.try_get_by_index(0)?;
            if let Some(day) = self.day(&day) {
                changes.entry(day).or_default().push((row.try_get_by_index(1)?, row.try_get_by_index(2)?));
            }
        }
        Ok(changes)
    }

    async fn days(&self) -> Result<BTreeMap<NaiveDate, DayNumbers>> {
        let mut sql = Sql::new("SELECT day, created, modified, deleted, resurrected FROM day_total WHERE day >= ");
        sql.bind(self.first.to_string());
        if !self.open {
            sql.push(" AND day <= ").bind(self.last.to_string());
        }
        let mut days: BTreeMap<NaiveDate, DayNumbers> = BTreeMap::new();
        for row in sql.rows(self.c).await? {
            let day: String = row.try_get_by_index(0)?;
            let Some(day) = self.day(&day) else { continue };
            let numbers = days.entry(day).or_default();
            numbers.created += row.try_get_by_index::<i64>(1)?;
            numbers.modified += row.try_get_by_index::<i64>(2)?;
            numbers.deleted += row.try_get_by_index::<i64>(3)?;
            numbers.resurrected += row.try_get_by_index::<i64>(4)?;
        }
        Ok(days)
    }

    async fn repositories(&self) -> Result<Vec<RepositoryFacts>> {
        let mut facts: HashMap<Uuid, RepositoryFacts> = births(self.c)
            .await?
            .into_iter()
            .map(|(id, born, active)| (id, RepositoryFacts { born, active, changes: Vec::new(), metrics: Vec::new() }))
            .collect();
        if !self.open {
            let mut later = Sql::new(
                "SELECT repository_id, CAST(SUM(created + resurrected - deleted) AS BIGINT) FROM repository_day \
                 WHERE day > ",
            );
            later.bind(self.last.to_string()).push(" GROUP BY repository_id");
            for row in later.rows(self.c).await? {
                if let Some(facts) = facts.get_mut(&row.try_get_by_index(0)?) {
                    facts.active -= row.try_get_by_index::<i64>(1)?;
                }
            }
        }
        // Who is active on the first day may have been so for the last time long before.
        let since = self.first.checked_sub_days(Days::new(90)).unwrap_or(self.first);
        let mut sql =
            Sql::new("SELECT repository_id, day, created + resurrected - deleted FROM repository_day WHERE day >= ");
        sql.bind(since.to_string());
        if !self.open {
            sql.push(" AND day <= ").bind(self.last.to_string());
        }
        sql.push(" ORDER BY day");
        for row in sql.rows(self.c).await? {
            let (id, day): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if let (Some(facts), Some(day)) = (facts.get_mut(&id), self.day(&day)) {
                facts.changes.push((day, row.try_get_by_index(2)?));
            }
        }
        for row in self.metrics().await? {
            if let Some(facts) = facts.get_mut(&row.repository_id) {
                facts.metrics.push((row.recorded_at.date_naive(), row.into_metrics()));
            }
        }
        Ok(facts.into_values().collect())
    }

    /// The last snapshot of each repository before the span, then the last of each day in it.
    async fn metrics(&self) -> Result<Vec<MetricsRow>> {
        let from = stored_time(start_of(self.first));
        let mut base = Sql::new(&format!(
            "SELECT {METRICS} FROM repository r JOIN repositorymetrics m ON m.id = (SELECT n.id FROM repositorymetrics n \
             WHERE n.repository_id = r.id AND n.recorded_at < "
        ));
        base.bind(from).push(" ORDER BY n.recorded_at DESC, n.id DESC LIMIT 1)");
        let mut rows = base.all::<MetricsRow>(self.c).await?;
        let day = day_of(self.c, "n.recorded_at");
        let mut sql = Sql::new(&format!(
            "SELECT {METRICS} FROM (SELECT n.repository_id, MAX(n.recorded_at) AS recorded_at FROM repositorymetrics n \
             WHERE n.recorded_at >= "
        ));
        sql.bind(from).push(" AND n.recorded_at < ").bind(stored_time(self.end()));
        sql.push(&format!(" GROUP BY n.repository_id, {day}) w JOIN repositorymetrics m "));
        sql.push("ON m.repository_id = w.repository_id AND m.recorded_at = w.recorded_at ORDER BY m.recorded_at, m.id");
        rows.extend(sql.all::<MetricsRow>(self.c).await?);
        Ok(rows)
    }
}

const METRICS: &str = "m.repository_id, m.recorded_at, m.stars_count, m.forks_count, m.watchers_count, \
    m.open_issues_count, m.open_issues_known, m.pushed_at";

#[derive(FromQueryResult)]
struct MetricsRow {
    repository_id: Uuid,
    recorded_at: Timestamp,
    stars_count: i64,
    forks_count: i64,
    watchers_count: i64,
    open_issues_count: i64,
    open_issues_known: bool,
    pushed_at: Option<Timestamp>,
}

impl MetricsRow {
    fn into_metrics(self) -> Metrics {
        Metrics {
            stars: self.stars_count,
            forks: self.forks_count,
            watchers: self.watchers_count,
            open_issues: self.open_issues_known.then_some(self.open_issues_count),
            pushed: self.pushed_at.map(|at| at.date_naive()),
        }
    }
}

async fn three(sql: Sql, c: &impl ConnectionTrait) -> Result<(i64, i64, i64)> {
    match sql.row(c).await? {
        Some(row) => Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?)),
        None => Ok((0, 0, 0)),
    }
}

pub(super) fn start_of(day: NaiveDate) -> Timestamp {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The day of a time, UTC, as text.
fn day_of(c: &impl ConnectionTrait, column: &str) -> String {
    match c.get_database_backend() {
        DbBackend::Postgres => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
        // Times are stored in UTC, the day first.
        _ => format!("substr({column}, 1, 10)"),
    }
}
