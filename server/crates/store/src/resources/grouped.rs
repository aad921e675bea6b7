//! Resources put together by kind and name.

use sea_orm::sea_query::{CommonTableExpression, Expr, ExprTrait as _, Query, SelectStatement, Values, WithClause};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, FromQueryResult, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect, QueryTrait as _,
};
use uuid::Uuid;

use super::filter::{conditions, one_status};
use super::{ConnectionTrait, Result};
use crate::db::select::{MAX_PAGE, at_most, count, count_all, matching, paged, rows};
use entity::kind::ResourceStatus;
use entity::table::{group_total, repository, resource};
use entity::view::{GroupedRepository, GroupedResource, Listing, ResourceFilter};

/// Resources put together by kind and name, those that stand in most places first; `count` is the number of groups.
pub async fn list_grouped(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<GroupedResource>> {
    let conditions = conditions(c, filter);
    let kept = filter.repository_id.is_none()
        && filter.api_version.is_none()
        && filter.namespace.is_none()
        && filter.name.is_none()
        && filter.chart.is_none()
        && filter.text.as_deref().is_none_or(str::is_empty);
    let (groups, count) =
        if kept { kept_groups(c, filter).await? } else { count_groups(c, filter, &conditions).await? };
    let repositories = repositories_of(c, &conditions, &groups).await?;
    let data = groups.into_iter().zip(repositories).map(|(group, repositories)| {
        let GroupRow { kind, name, total } = group;
        GroupedResource { kind, name, total_count: total, repositories }
    });
    Ok(Listing { data: data.collect(), count })
}

#[derive(FromQueryResult)]
struct GroupRow {
    kind: String,
    name: String,
    total: i64,
}

/// A page of groups whose totals are kept, and how many groups there are.
async fn kept_groups(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<(Vec<GroupRow>, u64)> {
    use group_total::Column::{Active, Deleted, Kind, Name};
    let total = match one_status(filter) {
        Some(ResourceStatus::Active) => Active.into_expr(),
        Some(ResourceStatus::Deleted) => Deleted.into_expr(),
        None => group_total::COLUMN.active.add(Deleted.into_expr()),
    };
    let mut groups = group_total::Entity::find();
    if let Some(kind) = &filter.kind {
        groups = groups.filter(group_total::COLUMN.kind.eq(kind.as_str()));
    }
    groups = groups.filter(total.clone().gt(0));
    let page = groups
        .clone()
        .select_only()
        .columns([Kind, Name])
        .column_as(total.clone(), "total")
        .order_by_desc(total)
        .order_by_asc(Kind)
        .order_by_asc(Name);
    Ok((paged(page, filter.page).into_model().all(c).await?, count(c, groups).await?))
}

#[derive(FromQueryResult)]
struct CountedRow {
    #[sea_orm(nested)]
    group: GroupRow,
    group_count: i64,
}

/// A page of groups, counted for this filter, and how many groups there are.
async fn count_groups(
    c: &impl ConnectionTrait,
    filter: &ResourceFilter,
    conditions: &Condition,
) -> Result<(Vec<GroupRow>, u64)> {
    use resource::Column::{Kind, Name};
    let kinds_and_names = || matching::<resource::Entity>(conditions.clone()).select_only().columns([Kind, Name]);
    let counted = kinds_and_names().column_as(count_all(), "total").group_by(Kind).group_by(Name).into_query();
    let mut groups = CommonTableExpression::new();
    groups.table_name("groups").query(counted).materialized(true);
    let how_many = Query::select().expr(count_all()).from("groups").to_owned();
    let mut page = Query::select();
    page.with_cte(WithClause::new().cte(groups).to_owned())
        .columns(["kind", "name", "total"])
        .expr_as(Expr::from(how_many), "group_count")
        .from("groups")
        .order_by("total", Order::Desc)
        .order_by("kind", Order::Asc)
        .order_by("name", Order::Asc)
        .limit(std::cmp::min(filter.page.limit, MAX_PAGE))
        .offset(at_most(filter.page.skip));
    let counted: Vec<CountedRow> = rows(c, &page).await?;
    let count = match counted.first() {
        Some(row) => u64::try_from(row.group_count).unwrap_or(0),
        // A page past the end does not carry the count.
        None if filter.page.skip > 0 => {
            let mut distinct = resource::Entity::find();
            let groups = kinds_and_names().distinct().into_query();
            QuerySelect::query(&mut distinct).from_clear().from_subquery(groups, "groups");
            count(c, distinct).await?
        }
        None => 0,
    };
    Ok((counted.into_iter().map(|row| row.group).collect(), count))
}

#[derive(FromQueryResult)]
struct RepositoryRow {
    place: i32,
    repository_id: Uuid,
    repository_name: String,
    count: i64,
}

/// The repositories of each of a page's groups, those with most first. The database counts: a page may have thousands
/// of resources.
async fn repositories_of(
    c: &impl ConnectionTrait,
    conditions: &Condition,
    groups: &[GroupRow],
) -> Result<Vec<Vec<GroupedRepository>>> {
    let mut listed = vec![Vec::new(); groups.len()];
    if groups.is_empty() {
        return Ok(listed);
    }
    for row in rows::<RepositoryRow>(c, &repositories_of_groups(conditions, groups)).await? {
        let RepositoryRow { place, repository_id, repository_name, count } = row;
        if let Some(listed) = usize::try_from(place).ok().and_then(|place| listed.get_mut(place)) {
            listed.push(GroupedRepository { repository_id, repository_name, count });
        }
    }
    Ok(listed)
}

fn repositories_of_groups(conditions: &Condition, groups: &[GroupRow]) -> SelectStatement {
    use resource::Column::{Kind, Name, RepositoryId};
    let places = groups.iter().zip(0_i32..);
    let mut wanted = CommonTableExpression::new();
    wanted
        .table_name("wanted")
        .columns(["place", "kind", "name"])
        .values(places.map(|(group, place)| row_of(place, group)).collect());
    // Each wanted group is looked up by the index of kinds and names.
    let mut counted = Query::select();
    counted
        .column(("wanted", "place"))
        .column(RepositoryId.as_column_ref())
        .expr_as(count_all(), "count")
        .from("wanted")
        .cross_join(resource::Entity)
        .cond_where(Kind.into_expr().equals(("wanted", "kind")))
        .cond_where(Name.into_expr().equals(("wanted", "name")))
        .cond_where(conditions.clone())
        .group_by_col(("wanted", "place"))
        .group_by_col(RepositoryId.as_column_ref());
    let repository = repository::Column::Id.into_expr().equals(("i", RepositoryId));
    let mut named = Query::select();
    named
        .with_cte(WithClause::new().cte(wanted).to_owned())
        .columns([("i", "place"), ("i", "repository_id")])
        .expr_as(repository::Column::FullName.into_expr(), "repository_name")
        .column(("i", "count"))
        .from_subquery(counted, "i")
        .inner_join(repository::Entity, repository)
        .order_by(("i", "place"), Order::Asc)
        .order_by(("i", "count"), Order::Desc)
        .order_by(repository::Column::FullName.as_column_ref(), Order::Asc)
        .order_by(repository::Column::Id.as_column_ref(), Order::Asc);
    named
}

fn row_of(place: i32, group: &GroupRow) -> Values {
    Values(vec![place.into(), group.kind.as_str().into(), group.name.as_str().into()])
}
