//! The list of charts.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, Order, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::in_use::{most_used, newest, versions_in_use};
use super::{ConnectionTrait, Result, stars_of, uses_at};
use crate::db::pattern::contains;
use crate::db::select::{is_any, is_counted, is_like, page_of};
use entity::table::{chart, chart_use};
use entity::view::{ChartFilter, ChartSort, ChartSummary, ChartTrend, Listing, Sort, Timestamp};

#[derive(Clone, FromQueryResult)]
struct Row {
    id: i64,
    key: String,
    name: String,
    repositories: i64,
    releases: i64,
    before_30: i64,
    before_90: i64,
}

/// Charts in use, one page of them.
pub async fn list_charts(
    c: &impl ConnectionTrait,
    filter: &ChartFilter,
    now: Timestamp,
) -> Result<Listing<ChartSummary>> {
    let counted = counted(filter, now);
    let mut query = Query::select();
    let column = |name: &'static str| Expr::col(("u", name));
    query
        .from_subquery(counted, "u")
        .inner_join(chart::Entity, Expr::col((chart::Entity, chart::Column::Id)).equals(("u", "chart_id")))
        .expr_as(Expr::col((chart::Entity, chart::Column::Id)), "id")
        .expr_as(Expr::col((chart::Entity, chart::Column::Key)), "key")
        .expr_as(Expr::col((chart::Entity, chart::Column::Name)), "name");
    for name in ["repositories", "releases", "before_30", "before_90"] {
        query.expr_as(column(name), name);
    }
    // Of those that fall some have nobody left.
    let fewest = i64::from(filter.trend != Some(ChartTrend::Falling));
    query.and_where(column("repositories").gte(Ord::max(filter.used_by, fewest)));
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        query.and_where(is_like(Expr::col((chart::Entity, chart::Column::Key)), contains(text)));
    }
    match filter.trend {
        Some(ChartTrend::Rising) => drop(query.and_where(column("repositories").gt(column("before_90")))),
        Some(ChartTrend::Falling) => drop(query.and_where(column("repositories").lt(column("before_90")))),
        Some(ChartTrend::New) => {
            let before = (filter.at.unwrap_or(now) - TimeDelta::days(30)).timestamp();
            let earlier = chart_use::Entity::find()
                .filter(Expr::col((chart_use::Entity, chart_use::Column::ChartId)).equals(("u", "chart_id")))
                .filter(chart_use::Column::FromTime.lte(before))
                .filter(of_interest(filter))
                .select_only()
                .column(chart_use::Column::Id)
                .into_query();
            query.and_where(column("before_30").eq(0)).and_where(Expr::exists(earlier).not());
        }
        None => {}
    }
    let direction = match filter.direction {
        Sort::Ascending => Order::Asc,
        Sort::Descending => Order::Desc,
    };
    let name = Expr::col((chart::Entity, chart::Column::Name));
    match filter.sort {
        ChartSort::Repositories => query.order_by_expr(column("repositories"), direction),
        ChartSort::Releases => query.order_by_expr(column("releases"), direction),
        ChartSort::Name => query.order_by_expr(name.clone(), direction),
        ChartSort::Change => query.order_by_expr(column("repositories").sub(column("before_30")), direction),
    };
    query.order_by_expr(column("releases"), Order::Desc).order_by_expr(name, Order::Asc);
    query.order_by_expr(Expr::col((chart::Entity, chart::Column::Key)), Order::Asc);
    let (page, count) = page_of(c, &query, filter.page).await?;
    Ok(Listing { data: with_versions(c, page, filter).await?, count })
}

/// Repositories and releases of each chart: at the time asked for, and 30 and 90 days before.
fn counted(filter: &ChartFilter, now: Timestamp) -> sea_orm::sea_query::SelectStatement {
    use chart_use::Column::{ChartId, FromTime, ReleaseId, RepositoryId, ToTime};
    let at = filter.at.unwrap_or(now);
    let days = |days: i64| Some(at - TimeDelta::days(days));
    let distinct = |at: Option<Timestamp>, of: chart_use::Column| {
        let counted: Expr = Expr::case(uses_at(at), of.into_expr()).into();
        counted.count_distinct()
    };
    let oldest = (at - TimeDelta::days(90)).timestamp();
    let mut uses: Select<chart_use::Entity> = chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_id.is_not_null())
        .filter(Condition::any().add(ToTime.is_null()).add(ToTime.gt(oldest)))
        .filter(filter.at.map_or(Condition::all(), |at| Condition::all().add(FromTime.lte(at.timestamp()))));
    uses = uses.filter(of_interest(filter));
    uses.select_only()
        .column(ChartId)
        .expr_as(distinct(filter.at, RepositoryId), "repositories")
        .expr_as(distinct(filter.at, ReleaseId), "releases")
        .expr_as(distinct(days(30), RepositoryId), "before_30")
        .expr_as(distinct(days(90), RepositoryId), "before_90")
        .group_by(ChartId)
        .into_query()
}

/// The uses that count.
fn of_interest(filter: &ChartFilter) -> Condition {
    let source = filter.source.as_deref().filter(|source| !source.is_empty());
    let url = || Expr::from(Func::lower(chart_use::Column::SourceUrl.into_expr()));
    Condition::all()
        .add(is_counted(chart_use::Column::RepositoryId))
        .add_option(filter.kind.map(|kind| chart_use::COLUMN.kind.eq(kind)))
        .add_option(source.map(|source| is_like(url(), contains(source))))
}

/// The versions and stars of one page.
async fn with_versions(c: &impl ConnectionTrait, page: Vec<Row>, filter: &ChartFilter) -> Result<Vec<ChartSummary>> {
    use chart_use::Column::{ChartId, RepositoryId};
    let these = || {
        let ids = is_any(ChartId.into_expr(), page.iter().map(|row| row.id));
        chart_use::Entity::find().filter(ids).filter(uses_at(filter.at)).filter(of_interest(filter)).select_only()
    };
    let ids: Vec<i64> = page.iter().map(|row| row.id).collect();
    let mut of_chart = versions_in_use(c, &ids, filter.at, of_interest(filter)).await?;
    let users = these().columns([ChartId, RepositoryId]).distinct();
    let users: Vec<(i64, Uuid)> = users.into_tuple().all(c).await?;
    let repositories: HashSet<Uuid> = users.iter().map(|(_, repository)| *repository).collect();
    let stars = stars_of(c, &repositories.into_iter().collect::<Vec<_>>()).await?;
    let mut stars_of_chart: HashMap<i64, i64> = HashMap::new();
    for (chart, repository) in users {
        if let Some(stars) = stars.get(&repository) {
            *stars_of_chart.entry(chart).or_default() += stars;
        }
    }
    let summary = |row: Row| {
        let versions = of_chart.remove(&row.id).unwrap_or_default();
        let (newest, most) = (newest(&versions), most_used(&versions));
        ChartSummary {
            stars: stars_of_chart.get(&row.id).copied(),
            newest_version: newest,
            most_used_version: most.map(|one| one.version.clone()),
            most_used_releases: most.map_or(0, |one| one.releases),
            change_30_days: row.repositories - row.before_30,
            change_90_days: row.repositories - row.before_90,
            id: row.id,
            key: row.key,
            name: row.name,
            repositories: row.repositories,
            releases: row.releases,
        }
    };
    Ok(page.into_iter().map(summary).collect())
}
