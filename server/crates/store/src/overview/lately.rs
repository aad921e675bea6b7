//! What is more than it was, which repositories change most, and which are new. Read from what is kept by day.

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use sea_orm::sea_query::{Expr, ExprTrait, Func, SelectStatement};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, Order, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::{constant, count_all, is_any, is_counted, sum};
use entity::kind::Facet;
use entity::table::{day_total, ecosystem_stats, facet_total, repository, repository_day, stale_day};
use entity::value::StoredTimestamp;
use entity::view::{ActiveRepository, NewRepository, OverviewGrowth, Timestamp};

/// Growth is against so many days ago, and activity is of so many days.
const DAYS: i64 = 30;

/// How much more there is than 30 days ago.
pub(super) async fn growth(c: &impl ConnectionTrait, now: Timestamp) -> Result<OverviewGrowth> {
    use day_total::Column::{Created, Day, Deleted, Modified, Resurrected};
    let then = now.date_naive() - TimeDelta::days(DAYS);
    let more = Created.into_expr().add(Resurrected.into_expr()).sub(Deleted.into_expr());
    let all = Created.into_expr().add(Modified.into_expr()).add(Deleted.into_expr()).add(Resurrected.into_expr());
    let first_day = day_total::Entity::find().select_only().expr(Day.min()).into_query();
    let releases_now = facet_total::Entity::find().select_only().column(facet_total::Column::Active);
    let releases_now = releases_now.filter(facet_total::Column::Facet.eq(Facet::Kind));
    let releases_now = releases_now.filter(facet_total::COLUMN.value.eq("HelmRelease")).into_query();
    let rows = day_total::Entity::find().filter(day_total::COLUMN.day.gt(then.to_string())).select_only();
    let rows = rows.column_as(sum(more), "resources").column_as(sum(all), "events");
    let rows = rows.column_as(Expr::from(first_day), "first_day");
    let rows = rows.column_as(Expr::from(new_repositories(then)), "repositories");
    let rows = rows.column_as(Expr::from(releases_on(then)), "releases_then");
    let rows = rows.column_as(Expr::from(releases_now), "releases_now");
    let Some(row) = rows.into_model::<GrowthRow>().one(c).await? else { return Ok(OverviewGrowth::default()) };
    let scanned = row.first_day.is_some();
    Ok(OverviewGrowth {
        repositories: Some(row.repositories),
        resources: scanned.then_some(row.resources),
        helm_releases: row.releases_then.map(|then| row.releases_now.unwrap_or(0) - then),
        events: scanned.then_some(row.events),
    })
}

/// How many repositories are younger than a day, by their forge as by their history.
fn new_repositories(then: NaiveDate) -> SelectStatement {
    use repository_day::Column::RepositoryId;
    let its_day = RepositoryId.into_expr().equals((repository::Entity, repository::Column::Id));
    let days = repository_day::Entity::find().select_only().expr(constant(1)).filter(its_day);
    let days = days.filter(repository_day::COLUMN.day.lte(then.to_string()));
    let created = repository::COLUMN.created_at.gte(StoredTimestamp::from(super::end_of(then)));
    let new = repository::Entity::find().filter(created).filter(Expr::not_exists(days.into_query()));
    new.filter(is_counted(repository::Column::Id)).select_only().expr(count_all()).into_query()
}

/// Releases at the end of a day. Days tell resources and events as they are now; a kept day tells of releases unless it is
/// to be computed anew.
fn releases_on(then: NaiveDate) -> SelectStatement {
    let stale = stale_day::Entity::find().select_only().expr(constant(1));
    let stale = stale.filter(stale_day::COLUMN.day.lte(then.to_string())).into_query();
    let kept = ecosystem_stats::Entity::find().filter(ecosystem_stats::COLUMN.day.eq(then.to_string()));
    let kept = kept.filter(Expr::not_exists(stale)).select_only();
    kept.column(ecosystem_stats::Column::ActiveHelmReleases).into_query()
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
pub(super) async fn most_active(c: &impl ConnectionTrait, limit: u64, now: Timestamp) -> Result<Vec<ActiveRepository>> {
    use repository_day::Column::{Created, Day, Deleted, Modified, RepositoryId, Resurrected};
    let first = now.date_naive() - TimeDelta::days(DAYS - 1);
    let since = repository_day::COLUMN.day.gte(first.to_string());
    let all = Created.into_expr().add(Modified.into_expr()).add(Deleted.into_expr()).add(Resurrected.into_expr());
    // `COALESCE` keeps SQLite from reading every day of each repository only to have them in groups.
    let id = Expr::from(Func::coalesce([RepositoryId.into_expr(), RepositoryId.into_expr()]));
    let busiest = repository_day::Entity::find().filter(since.clone()).filter(is_counted(RepositoryId)).select_only();
    let busiest = busiest.column_as(id.clone(), "repository_id").column_as(sum(all.clone()), "changes");
    let busiest = busiest.group_by(id.clone()).order_by(Expr::col("changes"), Order::Desc).order_by(id, Order::Asc);
    let mut named = repository::Entity::find().select_only();
    let same = repository::Column::Id.into_expr().equals(("w", RepositoryId));
    let query = QuerySelect::query(&mut named);
    query.from_clear().from_subquery(busiest.limit(limit).into_query(), "w").inner_join(repository::Entity, same);
    let named = named.column_as(Expr::col(("w", RepositoryId)), "repository_id").column(repository::Column::FullName);
    let named =
        named.column_as(Expr::col(("w", "changes")), "changes").order_by(Expr::col(("w", "changes")), Order::Desc);
    let named = named.order_by_asc(repository::Column::FullName).order_by_asc(repository::Column::Id);
    let busiest: Vec<ActiveRow> = named.into_model().all(c).await?;

    let these = is_any(RepositoryId.into_expr(), busiest.iter().map(|row| row.repository_id));
    let days = repository_day::Entity::find().filter(these).filter(since).select_only();
    let days = days.columns([RepositoryId, Day]).column_as(all, "changes");
    let length = usize::try_from(DAYS).unwrap_or(0);
    let mut daily: HashMap<Uuid, Vec<i64>> = HashMap::new();
    for (repository, day, changes) in days.into_tuple::<(Uuid, String, i64)>().all(c).await? {
        let Ok(day) = day.parse::<NaiveDate>() else { continue };
        // Days in the future come from wrong clocks; they stand with today.
        let place = Ord::min(usize::try_from((day - first).num_days()).unwrap_or(0), length - 1);
        daily.entry(repository).or_insert_with(|| vec![0; length])[place] += changes;
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
pub(super) async fn newest(c: &impl ConnectionTrait, limit: u64) -> Result<Vec<NewRepository>> {
    use repository::Column::{ActiveResources, Description, DiscoveredAt, FullName, Id};
    use repository_day::Column::{Day, RepositoryId};
    let first_day = repository_day::Entity::find().select_only().expr(Day.min());
    let first_day = first_day.filter(RepositoryId.into_expr().equals((repository::Entity, Id))).into_query();
    let newest = repository::Entity::find().filter(is_counted(Id)).select_only().column_as(Id, "repository_id");
    let newest = newest.columns([FullName, Description, ActiveResources, DiscoveredAt]);
    let newest = newest.column_as(Expr::from(first_day), "first_day");
    let newest = newest.order_by_desc(DiscoveredAt).order_by_desc(Id).limit(limit);
    Ok(newest.into_model().all(c).await?)
}
