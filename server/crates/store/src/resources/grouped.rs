//! Resources put together by kind and name.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::filter::{conditions, one_status};
use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, Where};
use entity::kind::ResourceStatus;
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
        let GroupRow { kind, name, total, .. } = group;
        GroupedResource { kind, name, total_count: total, repositories }
    });
    Ok(Listing { data: data.collect(), count })
}

/// A page of groups whose totals are kept, and how many groups there are.
async fn kept_groups(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<(Vec<GroupRow>, u64)> {
    let column = match one_status(filter) {
        Some(ResourceStatus::Active) => "active",
        Some(ResourceStatus::Deleted) => "deleted",
        None => "(active + deleted)",
    };
    let mut conditions = Where::default();
    conditions.equals("kind", filter.kind.clone());
    conditions.and().push(column).push(" > 0");
    let mut count = Sql::new("SELECT COUNT(*) FROM group_total");
    count.append(conditions.sql());
    let mut sql =
        Sql::new(&format!("SELECT kind, name, {column} AS total, CAST(0 AS BIGINT) AS group_count FROM group_total"));
    sql.append(conditions.sql()).push(&format!(" ORDER BY {column} DESC, kind, name")).page(filter.page);
    Ok((sql.all(c).await?, count.count(c).await?))
}

/// A page of groups, counted for this filter, and how many groups there are.
async fn count_groups(
    c: &impl ConnectionTrait,
    filter: &ResourceFilter,
    conditions: &Where,
) -> Result<(Vec<GroupRow>, u64)> {
    let mut sql =
        Sql::new("WITH groups AS MATERIALIZED (SELECT k.kind, k.name, COUNT(*) AS total FROM kubernetesresource k");
    sql.append(conditions.sql()).push(
        " GROUP BY k.kind, k.name) SELECT kind, name, total, (SELECT COUNT(*) FROM groups) AS group_count \
         FROM groups ORDER BY total DESC, kind, name",
    );
    sql.page(filter.page);
    let groups = sql.all::<GroupRow>(c).await?;
    let count = match groups.first() {
        Some(group) => u64::try_from(group.group_count).unwrap_or(0),
        // A page past the end does not carry the count.
        None if filter.page.skip > 0 => {
            let mut sql = Sql::new("SELECT COUNT(*) FROM (SELECT DISTINCT k.kind, k.name FROM kubernetesresource k");
            sql.append(conditions.sql()).push(") groups");
            sql.count(c).await?
        }
        None => 0,
    };
    Ok((groups, count))
}

#[derive(FromQueryResult)]
struct GroupRow {
    kind: String,
    name: String,
    total: i64,
    group_count: i64,
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
    conditions: &Where,
    groups: &[GroupRow],
) -> Result<Vec<Vec<GroupedRepository>>> {
    let mut listed = vec![Vec::new(); groups.len()];
    if groups.is_empty() {
        return Ok(listed);
    }
    let mut sql = Sql::new("WITH wanted (place, kind, name) AS (VALUES ");
    for (n, group) in groups.iter().enumerate() {
        sql.push(if n == 0 { "(" } else { ", (" }).push(&n.to_string());
        sql.push(", ").bind(group.kind.as_str()).push(", ").bind(group.name.as_str()).push(")");
    }
    sql.push(
        ") SELECT i.place, i.repository_id, r.full_name AS repository_name, i.count FROM (SELECT w.place, \
         k.repository_id, COUNT(*) AS count FROM wanted w CROSS JOIN kubernetesresource k \
         WHERE k.kind = w.kind AND k.name = w.name",
    );
    sql.append(&conditions.after_others());
    sql.push(" GROUP BY w.place, k.repository_id) i JOIN repository r ON r.id = i.repository_id ");
    sql.push("ORDER BY i.place, i.count DESC, r.full_name, r.id");
    for RepositoryRow { place, repository_id, repository_name, count } in sql.all(c).await? {
        if let Some(listed) = usize::try_from(place).ok().and_then(|place| listed.get_mut(place)) {
            listed.push(GroupedRepository { repository_id, repository_name, count });
        }
    }
    Ok(listed)
}
