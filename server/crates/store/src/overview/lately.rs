//! What is more than it was, which repositories change most, and which are new. Read from what is kept by day.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, stored_time};
use entity::view::{ActiveRepository, NewRepository, OverviewGrowth, Timestamp};

/// Growth is against so many days ago, and activity is of so many days.
const DAYS: i64 = 30;

/// How much more there is than 30 days ago.
pub(super) async fn growth(c: &impl ConnectionTrait, now: Timestamp) -> Result<OverviewGrowth> {
    let then = now.date_naive() - TimeDelta::days(DAYS);
    let day = then.to_string();
    // Days tell resources and events as they are now; a kept day tells of releases unless it is to be computed anew.
    let mut sql = Sql::new(
        "SELECT (SELECT MIN(day) FROM day_total) AS first_day, w.resources, w.events, \
         (SELECT COUNT(*) FROM repository r WHERE r.created_at >= ",
    );
    sql.bind(stored_time(super::end_of(then)));
    sql.push(" AND NOT EXISTS (SELECT 1 FROM repository_day a WHERE a.repository_id = r.id AND a.day <= ");
    sql.bind(day.clone())
        .push(")) AS repositories, (SELECT s.active_helm_releases FROM ecosystemstats s WHERE s.day = ");
    sql.bind(day.clone()).push(" AND NOT EXISTS (SELECT 1 FROM stale_day x WHERE x.day <= ").bind(day.clone());
    sql.push(
        ")) AS releases_then, (SELECT f.active FROM facet_total f WHERE f.facet = 'kind' AND f.value = 'HelmRelease') \
         AS releases_now FROM (SELECT CAST(COALESCE(SUM(created + resurrected - deleted), 0) AS BIGINT) AS resources, \
         CAST(COALESCE(SUM(created + modified + deleted + resurrected), 0) AS BIGINT) AS events \
         FROM day_total WHERE day > ",
    );
    sql.bind(day).push(") w");
    let Some(row) = sql.one::<GrowthRow>(c).await? else { return Ok(OverviewGrowth::default()) };
    let scanned = row.first_day.is_some();
    Ok(OverviewGrowth {
        repositories: Some(row.repositories),
        resources: scanned.then_some(row.resources),
        helm_releases: row.releases_then.map(|then| row.releases_now.unwrap_or(0) - then),
        events: scanned.then_some(row.events),
    })
}

#[derive(FromQueryResult)]
struct GrowthRow {
    first_day: Option<String>,
    resources: i64,
    events: i64,
    repositories: i64,
    releases_then: Option<i64>,
    releases_now: Option<i64>,
}

/// Repositories with the most events in the last 30 days, today being the last.
pub(super) async fn most_active(c: &impl ConnectionTrait, limit: i64, now: Timestamp) -> Result<Vec<ActiveRepository>> {
    let first = now.date_naive() - TimeDelta::days(DAYS - 1);
    // `COALESCE` keeps SQLite from reading every day of each repository only to have them in groups.
    let mut sql = Sql::new(
        "SELECT w.repository_id, r.full_name, w.changes FROM (SELECT COALESCE(repository_id, repository_id) AS repository_id, \
         CAST(SUM(created + modified + deleted + resurrected) AS BIGINT) AS changes FROM repository_day WHERE day >= ",
    );
    sql.bind(first.to_string()).push(" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ").bind(limit);
    sql.push(") w JOIN repository r ON r.id = w.repository_id ORDER BY w.changes DESC, r.full_name, r.id");
    let busiest: Vec<ActiveRow> = sql.all(c).await?;

    let mut days =
        Sql::new("SELECT repository_id, day, created + modified + deleted + resurrected FROM repository_day ");
    days.push("WHERE repository_id IN ").bind_list(busiest.iter().map(|row| row.repository_id));
    days.push(" AND day >= ").bind(first.to_string());
    let length = usize::try_from(DAYS).unwrap_or(0);
    let mut daily: HashMap<Uuid, Vec<i64>> = HashMap::new();
    for row in days.rows(c).await? {
        let day: String = row.try_get_by_index(1)?;
        let Ok(day) = day.parse::<NaiveDate>() else { continue };
        // Days in the future come from wrong clocks; they stand with today.
        let place = usize::try_from((day - first).num_days()).unwrap_or(0).min(length - 1);
        daily.entry(row.try_get_by_index(0)?).or_insert_with(|| vec![0; length])[place] +=
            row.try_get_by_index::<i64>(2)?;
    }
    let told = |ActiveRow { repository_id, full_name, changes }| {
        let daily = daily.remove(&repository_id).unwrap_or_else(|| vec![0; length]);
        ActiveRepository { repository_id, full_name, changes, daily }
    };
    Ok(busiest.into_iter().map(told).collect())
}

#[derive(FromQueryResult)]
struct ActiveRow {
    repository_id: Uuid,
    full_name: String,
    changes: i64,
}

/// Repositories that came here last.
pub(super) async fn newest(c: &impl ConnectionTrait, limit: i64) -> Result<Vec<NewRepository>> {
    let mut sql = Sql::new(
        "SELECT r.id AS repository_id, r.full_name, r.description, r.active_resources, r.discovered_at, \
         (SELECT MIN(d.day) FROM repository_day d WHERE d.repository_id = r.id) AS first_day \
         FROM repository r ORDER BY r.discovered_at DESC, r.id DESC LIMIT ",
    );
    sql.bind(limit);
    sql.all(c).await
}
