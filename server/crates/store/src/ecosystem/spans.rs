//! The numbers of days as lines over time. Days are put together by the database: a row costs more to hand over than
//! to add up.

use chrono::NaiveDate;
use sea_orm::FromQueryResult;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use entity::view::{EcosystemGrowth, EcosystemSpan, EcosystemStats};

/// More points than this tell a line nothing.
const MAX_SPANS: i64 = 185;

/// What trend lines need of a day; an index holds it.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct SeriesRow {
    pub day: String,
    pub total_repositories: i64,
    pub active_resources: i64,
    daily_created_resources: i64,
    daily_modified_resources: i64,
    daily_deleted_resources: i64,
    daily_resurrected_resources: i64,
}

impl SeriesRow {
    pub fn events(&self) -> i64 {
        self.daily_created_resources
            + self.daily_modified_resources
            + self.daily_deleted_resources
            + self.daily_resurrected_resources
    }
}

/// Every day from the first on.
pub(super) async fn series(c: &impl ConnectionTrait, first: NaiveDate) -> Result<Vec<SeriesRow>> {
    let mut sql = Sql::new(
        "SELECT day, total_repositories, active_resources, daily_created_resources, daily_modified_resources, \
         daily_deleted_resources, daily_resurrected_resources FROM ecosystemstats WHERE day >= ",
    );
    sql.bind(first.to_string()).push(" ORDER BY day");
    sql.all(c).await
}

/// What the totals were on a day.
#[derive(Default, FromQueryResult)]
struct Totals {
    total_repositories: i64,
    active_repositories: i64,
    active_resources: i64,
    active_helm_releases: i64,
    total_resource_events: i64,
    measured_repositories: i64,
    total_stars: i64,
}

/// From the day before the first, or from nothing, to the newest.
pub(super) async fn growth(
    c: &impl ConnectionTrait,
    first: Option<NaiveDate>,
    latest: Option<&EcosystemStats>,
) -> Result<EcosystemGrowth> {
    let Some(last) = latest.filter(|last| first.is_none_or(|first| last.date.date_naive() >= first)) else {
        return Ok(EcosystemGrowth::default());
    };
    let before = match first.and_then(|first| first.pred_opt()) {
        Some(day) => {
            let mut sql = Sql::new(
                "SELECT total_repositories, active_repositories, active_resources, active_helm_releases, \
                 total_resource_events, measured_repositories, total_stars FROM ecosystemstats WHERE day = ",
            );
            sql.bind(day.to_string());
            sql.one::<Totals>(c).await?
        }
        None => None,
    };
    let stars_before =
        before.as_ref().filter(|before| before.measured_repositories > 0).map(|before| before.total_stars);
    let stars = (last.measured_repositories > 0).then_some(last.total_stars);
    let before = before.unwrap_or_default();
    Ok(EcosystemGrowth {
        repositories: last.total_repositories - before.total_repositories,
        active_repositories: last.active_repositories - before.active_repositories,
        active_resources: last.active_resources - before.active_resources,
        active_helm_releases: last.active_helm_releases - before.active_helm_releases,
        events: last.total_resource_events - before.total_resource_events,
        stars: stars_before.zip(stars).map(|(before, last)| last - before),
    })
}

#[derive(FromQueryResult)]
struct SpanRow {
    start: String,
    days: i64,
    created: i64,
    modified: i64,
    deleted: i64,
    resurrected: i64,
    repositories: i64,
    active_repositories: i64,
    active_resources: i64,
    active_helm_releases: i64,
    measured_repositories: i64,
    stars: i64,
}

/// Days put together so that a chart can show them; the last span ends with the last day, the first may be shorter.
pub(super) async fn spans(c: &impl ConnectionTrait, first: Option<NaiveDate>) -> Result<Vec<EcosystemSpan>> {
    let from = |sql: &mut Sql| {
        if let Some(first) = first {
            sql.push(" WHERE day >= ").bind(first.to_string());
        }
    };
    let mut count = Sql::new("SELECT COUNT(*) FROM ecosystemstats");
    from(&mut count);
    let length = length(i64::try_from(count.count(c).await?).unwrap_or(i64::MAX));
    let mut sql = Sql::new("SELECT MIN(day) AS start, COUNT(*) AS days");
    for (column, name) in [
        ("daily_created_resources", "created"),
        ("daily_modified_resources", "modified"),
        ("daily_deleted_resources", "deleted"),
        ("daily_resurrected_resources", "resurrected"),
    ] {
        sql.push(&format!(", CAST(SUM({column}) AS BIGINT) AS {name}"));
    }
    // Totals are those of the span's last day.
    for (column, name) in [
        ("total_repositories", "repositories"),
        ("active_repositories", "active_repositories"),
        ("active_resources", "active_resources"),
        ("active_helm_releases", "active_helm_releases"),
        ("measured_repositories", "measured_repositories"),
        ("total_stars", "stars"),
    ] {
        sql.push(&format!(", MAX(CASE WHEN place % {length} = 0 THEN {column} END) AS {name}"));
    }
    sql.push(
        " FROM (SELECT ROW_NUMBER() OVER (ORDER BY day DESC) - 1 AS place, day, total_repositories, \
         active_repositories, active_resources, active_helm_releases, daily_created_resources, \
         daily_modified_resources, daily_deleted_resources, daily_resurrected_resources, measured_repositories, \
         total_stars FROM ecosystemstats",
    );
    from(&mut sql);
    sql.push(&format!(") w GROUP BY place / {length} ORDER BY 1"));
    let span = |row: SpanRow| EcosystemSpan {
        start: row.start,
        days: row.days,
        created: row.created,
        modified: row.modified,
        deleted: row.deleted,
        resurrected: row.resurrected,
        repositories: row.repositories,
        active_repositories: row.active_repositories,
        active_resources: row.active_resources,
        active_helm_releases: row.active_helm_releases,
        stars: (row.measured_repositories > 0).then_some(row.stars),
    };
    Ok(sql.all::<SpanRow>(c).await?.into_iter().map(span).collect())
}

/// How many days a span has.
const fn length(days: i64) -> i64 {
    let length = (days + MAX_SPANS - 1) / MAX_SPANS;
    match length {
        ..=1 => 1,
        2 => 2,
        // Weeks read better than spans of five days.
        _ => (length + 6) / 7 * 7,
    }
}
