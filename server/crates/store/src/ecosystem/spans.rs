//! The numbers of days as lines over time. Days are put together by the database: a row costs more to hand over than
//! to add up.

use chrono::NaiveDate;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Order, Query, SelectStatement, WindowStatement};
use sea_orm::{
    DerivePartialModel, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _, Select,
};

use super::{ConnectionTrait, Result};
use crate::db::select::{constant, count, count_all, rows};
use entity::table::ecosystem_stats::{self, Column};
use entity::view::{EcosystemGrowth, EcosystemSpan, EcosystemStats};

/// More points than this tell a line nothing.
const MAX_SPANS: i64 = 185;

/// What trend lines need of a day; an index holds it.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "ecosystem_stats::Entity")]
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
    Ok(days(Some(first), None).order_by_asc(Column::Day).into_partial_model().all(c).await?)
}

/// Days from the first to the last; from the beginning, and to the newest, where none is named.
pub(super) fn days(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Select<ecosystem_stats::Entity> {
    ecosystem_stats::Entity::find()
        .apply_if(first, |days, first| days.filter(ecosystem_stats::COLUMN.day.gte(first.to_string())))
        .apply_if(last, |days, last| days.filter(ecosystem_stats::COLUMN.day.lte(last.to_string())))
}

/// What the totals were on a day.
#[derive(Default, DerivePartialModel)]
#[sea_orm(entity = "ecosystem_stats::Entity")]
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
            let day = ecosystem_stats::COLUMN.day.eq(day.to_string());
            ecosystem_stats::Entity::find().filter(day).into_partial_model::<Totals>().one(c).await?
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
pub(super) async fn spans(
    c: &impl ConnectionTrait,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> Result<Vec<EcosystemSpan>> {
    let all = count(c, days(first, last)).await?;
    let length = length(i64::try_from(all).unwrap_or(i64::MAX));
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
    Ok(rows(c, &spans_of(days(first, last), length)).await?.into_iter().map(span).collect())
}

/// Days from the newest back, put together by so many.
fn spans_of(days: Select<ecosystem_stats::Entity>, length: i64) -> SelectStatement {
    use Column::{
        ActiveHelmReleases, ActiveRepositories, ActiveResources, DailyCreatedResources, DailyDeletedResources,
        DailyModifiedResources, DailyResurrectedResources, Day, MeasuredRepositories, TotalRepositories, TotalStars,
    };
    let newest_first = WindowStatement::new().order_by((ecosystem_stats::Entity, Day), Order::Desc).take();
    let mut days = days.select_only().columns([
        Day,
        DailyCreatedResources,
        DailyModifiedResources,
        DailyDeletedResources,
        DailyResurrectedResources,
        TotalRepositories,
        ActiveRepositories,
        ActiveResources,
        ActiveHelmReleases,
        MeasuredRepositories,
        TotalStars,
    ]);
    QuerySelect::query(&mut days).expr_window_as(Func::cust("ROW_NUMBER"), newest_first, "place");
    let of_day = |column: Column| Expr::col(("w", column));
    // The newest day's place is 0.
    let place = || Expr::col(("w", "place")).sub(constant(1));
    let sum = |column| of_day(column).sum().cast_as("BIGINT");
    // Totals are those of the span's last day.
    let last = |column| {
        let if_last: Expr = Expr::case(place().modulo(constant(length)).eq(constant(0)), of_day(column)).into();
        if_last.max()
    };
    Query::select()
        .expr_as(of_day(Day).min(), "start")
        .expr_as(count_all(), "days")
        .expr_as(sum(DailyCreatedResources), "created")
        .expr_as(sum(DailyModifiedResources), "modified")
        .expr_as(sum(DailyDeletedResources), "deleted")
        .expr_as(sum(DailyResurrectedResources), "resurrected")
        .expr_as(last(TotalRepositories), "repositories")
        .expr_as(last(ActiveRepositories), "active_repositories")
        .expr_as(last(ActiveResources), "active_resources")
        .expr_as(last(ActiveHelmReleases), "active_helm_releases")
        .expr_as(last(MeasuredRepositories), "measured_repositories")
        .expr_as(last(TotalStars), "stars")
        .from_subquery(days.into_query(), "w")
        .add_group_by([place().div(constant(length))])
        .order_by_expr(of_day(Day).min(), Order::Asc)
        .take()
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
