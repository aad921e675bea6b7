//! Resources: lists, groups, versions, texts, what they use and name.

use std::collections::HashMap;

use sea_orm::{DbBackend, FromQueryResult};
use uuid::Uuid;

use super::{ConnectionTrait, Result, events};
use crate::db::sql::{Sql, Where, contains};
use crate::kind::{Provider, ReferenceKind, ResourceStatus};
use crate::row::{ResourceRow, TextRow};
use crate::view::{
    ChartUse, GroupedRepository, GroupedResource, ImageUse, Listing, NamedCount, PageQuery, Reference, References,
    Resource, ResourceFacets, ResourceFilter, ResourceSort, ResourceTreeRow, ResourceVersion, Sort, VersionText,
    web_url,
};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// Which resources, one page of them.
pub async fn list_resources(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<Resource>> {
    let conditions = conditions(c, filter);
    let count = count_resources(c, filter, &conditions).await?;
    let order = order(filter);
    let mut ids = Sql::new("SELECT k.id FROM kubernetesresource k");
    ids.append(conditions.sql()).push(" ORDER BY ").push(&order).page(filter.page);
    let mut rows = Sql::new("SELECT ");
    rows.push(ResourceRow::COLUMNS).push(if filter.with_data { ", d.data" } else { ", NULL AS data" });
    rows.push(" FROM (").append(&ids).push(") i JOIN kubernetesresource k ON k.id = i.id");
    rows.push(" JOIN repository r ON r.id = k.repository_id");
    if filter.with_data {
        rows.push(" LEFT JOIN resource_data d ON d.resource_id = k.id");
    }
    rows.push(" ORDER BY ").push(&order);
    let data = rows.all::<ResourceRow>(c).await?;
    Ok(Listing { data: data.into_iter().map(ResourceRow::into_view).collect::<Result<_>>()?, count })
}

/// One resource, with `data`.
pub async fn find_resource(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Resource>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(ResourceRow::COLUMNS).push(", d.data FROM kubernetesresource k");
    sql.push(" JOIN repository r ON r.id = k.repository_id LEFT JOIN resource_data d ON d.resource_id = k.id");
    sql.push(" WHERE k.id = ").bind(id);
    sql.one::<ResourceRow>(c).await?.map(ResourceRow::into_view).transpose()
}

/// Resources put together by kind and name, those that stand in most places first; `count` is the number of groups.
pub async fn list_grouped(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<GroupedResource>> {
    let conditions = conditions(c, filter);
    let kept = filter.repository_id.is_none()
        && filter.api_version.is_none()
        && filter.namespace.is_none()
        && filter.text.as_deref().is_none_or(str::is_empty);
    let (groups, count) =
        if kept { kept_groups(c, filter).await? } else { count_groups(c, filter, &conditions).await? };
    let mut repositories = repositories_of(c, &conditions, &groups).await?;
    let data = groups
        .into_iter()
        .map(|group| {
            let key = (group.kind, group.name);
            let repositories = repositories.remove(&key).unwrap_or_default();
            GroupedResource { kind: key.0, name: key.1, total_count: group.total, repositories }
        })
        .collect();
    Ok(Listing { data, count })
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

/// What can be chosen in filters; only the filter's repository is looked at.
pub async fn resource_facets(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<ResourceFacets> {
    let mut facets = ResourceFacets::default();
    for (facet, list) in
        [("kind", &mut facets.kinds), ("api_version", &mut facets.api_versions), ("namespace", &mut facets.namespaces)]
    {
        let mut sql = Sql::new("SELECT value AS name, active AS count FROM ");
        match filter.repository_id {
            Some(repository) => sql.push("repository_facet WHERE repository_id = ").bind(repository).push(" AND "),
            None => sql.push("facet_total WHERE "),
        };
        sql.push("facet = ").bind(facet).push(" AND active > 0 ORDER BY active DESC, value LIMIT 1000");
        *list = sql.all::<NamedCount>(c).await?;
    }
    Ok(facets)
}

/// Every state of a resource, newest first.
pub async fn list_versions(
    c: &impl ConnectionTrait,
    resource: Uuid,
    page: PageQuery,
) -> Result<Listing<ResourceVersion>> {
    let mut sql = Sql::new("SELECT r.provider, r.web_url, k.events FROM kubernetesresource k ");
    sql.push("JOIN repository r ON r.id = k.repository_id WHERE k.id = ").bind(resource);
    let Some(origin) = sql.one::<VersionOrigin>(c).await? else { return Ok(Listing::default()) };
    let listing = events::list_of_resource(c, resource, page).await?;
    let mut places = Sql::new("SELECT e.id, e.line_start, e.line_end FROM kubernetesresourceevent e WHERE e.id IN ");
    places.bind_list(listing.iter().map(|event| event.id));
    let places: HashMap<Uuid, (Option<i32>, Option<i32>)> =
        places.all::<PlaceRow>(c).await?.into_iter().map(|row| (row.id, (row.line_start, row.line_end))).collect();
    let skip = i64::try_from(page.skip).unwrap_or(i64::MAX);
    let data = listing
        .into_iter()
        .zip(0..)
        .map(|(event, place)| {
            let (start, end) = places.get(&event.id).copied().unwrap_or_default();
            let lines = start.zip(end);
            // A deletion has no text, and its commit has no such file.
            let web_url = lines.and_then(|lines| {
                let (commit, path) = (event.commit.as_str(), event.file_path.as_str());
                web_url(origin.provider, origin.web_url.as_deref(), commit, Some(path), Some(lines))
            });
            let number = origin.events.saturating_sub(skip).saturating_sub(place);
            ResourceVersion { number, event, line_start: start.unwrap_or(0), line_end: end.unwrap_or(0), web_url }
        })
        .collect();
    Ok(Listing { data, count: u64::try_from(origin.events).unwrap_or(0) })
}

/// Which version of which resource an event left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    pub resource_id: Uuid,
    /// Counted from 1, the oldest first.
    pub number: i64,
    /// How many versions there are.
    pub count: u64,
}

/// Where an event stands among its resource's; that of its cause, where the manifest itself stayed the same.
pub async fn find_version_place(c: &impl ConnectionTrait, event: Uuid) -> Result<Option<VersionPlace>> {
    let mut sql = Sql::new(
        "SELECT e.id, e.resource_id, e.sequence, u.id AS cause_id, u.resource_id AS cause_resource_id \
         FROM kubernetesresourceevent e LEFT JOIN kubernetesresourceevent u ON u.resource_id = e.caused_by_resource_id \
         AND u.sequence = e.sequence WHERE e.id = ",
    );
    sql.bind(event).push(" ORDER BY u.id LIMIT 1");
    let Some(row) = sql.row(c).await? else { return Ok(None) };
    let (own, resource, sequence): (Uuid, Uuid, i64) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let cause: (Option<Uuid>, Option<Uuid>) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    let (id, resource_id) = cause.0.zip(cause.1).unwrap_or((own, resource));
    let mut number = Sql::new("SELECT COUNT(*) FROM kubernetesresourceevent v WHERE v.resource_id = ");
    number.bind(resource_id).push(" AND (v.sequence < ").bind(sequence).push(" OR (v.sequence = ").bind(sequence);
    number.push(" AND v.id <= ").bind(id).push("))");
    let mut count = Sql::new("SELECT COUNT(*) FROM kubernetesresourceevent v WHERE v.resource_id = ");
    count.bind(resource_id);
    let number = i64::try_from(number.count(c).await?).unwrap_or(i64::MAX);
    Ok(Some(VersionPlace { resource_id, number, count: count.count(c).await? }))
}

/// The text of a resource as one of its events left it; `None` where the event is not this resource's.
pub async fn find_version_text(c: &impl ConnectionTrait, resource: Uuid, event: Uuid) -> Result<Option<VersionText>> {
    let mut sql = Sql::new(
        "SELECT e.id AS event_id, k.sha, e.file_path, e.blob, e.line_start, e.line_end, m.dictionary, m.size, \
         m.compressed FROM kubernetesresourceevent e \
         JOIN \"commit\" k ON k.repository_id = e.repository_id AND k.sequence = e.sequence \
         LEFT JOIN manifest m ON m.id = e.blob WHERE e.id = ",
    );
    sql.bind(event).push(" AND e.resource_id = ").bind(resource);
    sql.one::<TextRow>(c).await?.map(TextRow::into_view).transpose()
}

/// The text of a resource as it stands, or last stood.
pub async fn find_current_text(c: &impl ConnectionTrait, resource: Uuid) -> Result<Option<VersionText>> {
    // The newest event that left a text; the resource's own row says what stands now.
    let mut sql = Sql::new(
        "SELECT COALESCE((SELECT e.id FROM kubernetesresourceevent e WHERE e.resource_id = k.id \
         AND e.blob IS NOT NULL ORDER BY e.sequence DESC, e.id DESC LIMIT 1), k.id) AS event_id, \
         k.commit_sha AS sha, k.file_path, k.blob, k.line_start, k.line_end, m.dictionary, m.size, m.compressed \
         FROM kubernetesresource k LEFT JOIN manifest m ON m.id = k.blob WHERE k.id = ",
    );
    sql.bind(resource);
    sql.one::<TextRow>(c).await?.map(TextRow::into_view).transpose()
}

/// What a resource names and what names it.
pub async fn find_references(c: &impl ConnectionTrait, resource: Uuid) -> Result<References> {
    let mut outgoing = Sql::new(
        "SELECT f.relation, f.kind, f.name, COALESCE(f.namespace, k.namespace_inherited, k.namespace) AS namespace, \
         t.id AS resource_id, t.file_path FROM resource_reference f JOIN kubernetesresource k ON k.id = f.resource_id \
         LEFT JOIN kubernetesresource t ON t.repository_id = f.repository_id AND t.kind = f.kind AND t.name = f.name \
         AND t.status = 'ACTIVE' AND ",
    );
    outgoing.push(SAME_NAMESPACE).push(" WHERE f.resource_id = ").bind(resource);
    outgoing.push(" ORDER BY f.position, t.file_path, t.id LIMIT 500");
    let mut incoming = Sql::new(
        "SELECT f.relation, k.kind, k.name, COALESCE(k.namespace_inherited, k.namespace) AS namespace, \
         k.id AS resource_id, k.file_path FROM kubernetesresource t JOIN resource_reference f \
         ON f.repository_id = t.repository_id AND f.kind = t.kind AND f.name = t.name \
         JOIN kubernetesresource k ON k.id = f.resource_id AND k.status = 'ACTIVE' WHERE ",
    );
    incoming.push(SAME_NAMESPACE).push(" AND t.id = ").bind(resource);
    incoming.push(" ORDER BY k.kind, k.name, k.id, f.position LIMIT 500");
    let mut references =
        References { outgoing: list_ends(c, outgoing).await?, incoming: list_ends(c, incoming).await? };
    // Where several resources fit a name, the reference stands once, with the first of them.
    references
        .outgoing
        .dedup_by(|b, a| (a.relation, &a.kind, &a.name, &a.namespace) == (b.relation, &b.kind, &b.name, &b.namespace));
    Ok(references)
}

/// Charts that a repository installs, by name.
pub async fn list_charts(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ChartUse>> {
    let from = " FROM resource_chart u JOIN kubernetesresource k ON k.id = u.resource_id AND k.status = 'ACTIVE' \
                WHERE u.repository_id = ";
    let mut count = Sql::new("SELECT COUNT(*)");
    count.push(from).bind(repository);
    let mut rows = Sql::new(
        "SELECT k.id AS resource_id, k.kind, k.name AS resource_name, \
         COALESCE(k.namespace_inherited, k.namespace) AS namespace, u.name AS chart_name, u.url AS chart_url, \
         u.version, k.updated_at",
    );
    rows.push(from).bind(repository).push(" ORDER BY u.name, u.resource_id, u.position").page(page);
    Ok(Listing { count: count.count(c).await?, data: rows.all(c).await? })
}

/// Images that a repository runs, by name.
pub async fn list_images(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ImageUse>> {
    let from = " FROM resource_image u JOIN kubernetesresource k ON k.id = u.resource_id AND k.status = 'ACTIVE' \
                WHERE u.repository_id = ";
    let mut count = Sql::new("SELECT COUNT(*)");
    count.push(from).bind(repository);
    let mut rows =
        Sql::new("SELECT k.id AS resource_id, k.kind, k.name AS resource_name, u.image, u.tag, u.digest, u.field_path");
    rows.push(from).bind(repository).push(" ORDER BY u.image, u.tag, u.resource_id, u.position").page(page);
    Ok(Listing { count: count.count(c).await?, data: rows.all(c).await? })
}

/// Active resources of a repository by path, at most [`MAX_TREE`].
pub async fn list_tree(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<ResourceTreeRow>> {
    let mut sql = Sql::new(
        "SELECT id, file_path, kind, name, COALESCE(namespace_inherited, namespace) AS namespace, version \
         FROM kubernetesresource WHERE status = 'ACTIVE' AND repository_id = ",
    );
    sql.bind(repository).push(" ORDER BY file_path, kind, name, id LIMIT ");
    sql.bind(i64::try_from(MAX_TREE).unwrap_or(i64::MAX));
    sql.all(c).await
}

/// Whether `t` stands where the reference `f` of the resource `k` points to: the namespace that the reference names,
/// else the resource's own; where Git tells no namespace of one side, the name decides.
const SAME_NAMESPACE: &str = "(COALESCE(f.namespace, k.namespace_inherited, k.namespace) IS NULL \
    OR COALESCE(t.namespace_inherited, t.namespace) IS NULL \
    OR COALESCE(t.namespace_inherited, t.namespace) = COALESCE(f.namespace, k.namespace_inherited, k.namespace) \
    OR t.namespace = f.namespace)";

#[derive(FromQueryResult)]
struct GroupRow {
    kind: String,
    name: String,
    total: i64,
    group_count: i64,
}

#[derive(FromQueryResult)]
struct VersionOrigin {
    provider: Provider,
    web_url: Option<String>,
    events: i64,
}

#[derive(FromQueryResult)]
struct PlaceRow {
    id: Uuid,
    line_start: Option<i32>,
    line_end: Option<i32>,
}

#[derive(FromQueryResult)]
struct EndRow {
    relation: ReferenceKind,
    kind: String,
    name: String,
    namespace: Option<String>,
    resource_id: Option<Uuid>,
    file_path: Option<String>,
}

async fn list_ends(c: &impl ConnectionTrait, sql: Sql) -> Result<Vec<Reference>> {
    let rows = sql.all::<EndRow>(c).await?;
    Ok(rows
        .into_iter()
        .map(|row| Reference {
            relation: row.relation,
            kind: row.kind,
            name: row.name,
            namespace: row.namespace,
            resource_id: row.resource_id,
            file_path: row.file_path,
        })
        .collect())
}

/// The repositories of a page's groups, those with most first. Rows come from an index alone and are counted here:
/// a page may have thousands of them.
async fn repositories_of(
    c: &impl ConnectionTrait,
    conditions: &Where,
    groups: &[GroupRow],
) -> Result<HashMap<(String, String), Vec<GroupedRepository>>> {
    if groups.is_empty() {
        return Ok(HashMap::new());
    }
    let mut names: HashMap<Uuid, String> = HashMap::new();
    for row in Sql::new("SELECT id, full_name FROM repository").rows(c).await? {
        names.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    let mut sql = Sql::new("WITH wanted (place, kind, name) AS (VALUES ");
    for (n, group) in groups.iter().enumerate() {
        sql.push(if n == 0 { "(" } else { ", (" }).push(&n.to_string());
        sql.push(", ").bind(group.kind.as_str()).push(", ").bind(group.name.as_str()).push(")");
    }
    sql.push(
        ") SELECT w.place, k.repository_id FROM wanted w CROSS JOIN kubernetesresource k \
         WHERE k.kind = w.kind AND k.name = w.name",
    );
    sql.append(&conditions.after_others());
    let mut counts: Vec<HashMap<Uuid, i64>> = vec![HashMap::new(); groups.len()];
    for row in sql.rows(c).await? {
        let (place, repository): (i32, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if let Some(counts) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
            *counts.entry(repository).or_default() += 1;
        }
    }
    let listed = groups.iter().zip(counts).map(|(group, counts)| {
        let named = counts.into_iter().map(|(repository_id, count)| {
            let repository_name = names.get(&repository_id).cloned().unwrap_or_default();
            GroupedRepository { repository_id, repository_name, count }
        });
        let mut listed: Vec<GroupedRepository> = named.collect();
        listed.sort_by(|a, b| {
            b.count
                .cmp(&a.count)
                .then_with(|| (&a.repository_name, a.repository_id).cmp(&(&b.repository_name, b.repository_id)))
        });
        ((group.kind.clone(), group.name.clone()), listed)
    });
    Ok(listed.collect())
}

/// The filter as conditions on `k`.
fn conditions(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Where {
    let mut conditions = Where::default();
    conditions.equals("k.repository_id", filter.repository_id);
    conditions.equals("k.kind", filter.kind.clone());
    conditions.equals("k.api_version", filter.api_version.clone());
    if let Some(namespace) = &filter.namespace {
        let sql = conditions.and().push("(k.namespace = ").bind(namespace.as_str());
        sql.push(" OR k.namespace_inherited = ").bind(namespace.as_str()).push(")");
    }
    if let Some(status) = one_status(filter) {
        conditions.and().push("k.status = ").bind(status.as_str());
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        push_text(conditions.and(), c, "k", text, filter.repository_id.is_none());
    }
    conditions
}

/// The only wanted status; nothing where all are.
fn one_status(filter: &ResourceFilter) -> Option<ResourceStatus> {
    let first = *filter.statuses.first()?;
    filter.statuses.iter().all(|status| *status == first).then_some(first)
}

/// Resources whose name or path holds the text. SQLite looks parts of three characters up first; PostgreSQL's
/// index does so by itself. Shorter texts have no such parts: over all repositories (`wide`) they find names that
/// begin with them.
pub(crate) fn push_text(sql: &mut Sql, c: &impl ConnectionTrait, alias: &str, text: &str, wide: bool) {
    let lower: Vec<char> = text.to_lowercase().chars().filter(|c| *c != '\0').collect();
    if wide && !lower.is_empty() && lower.len() < 3 {
        sql.push("(");
        for (n, begin) in spellings(&lower).into_iter().enumerate() {
            sql.push(if n == 0 { "(" } else { " OR (" }).push(alias).push(".name >= ").bind(begin.as_str());
            if let Some(end) = after_prefix(&begin) {
                sql.push(" AND ").push(alias).push(".name < ").bind(end);
            }
            sql.push(")");
        }
        sql.push(")");
        return;
    }
    if c.get_database_backend() == DbBackend::Sqlite && lower.len() >= 3 {
        let parts: Vec<String> = lower
            .windows(3)
            .take(32)
            .map(|part| format!("\"{}\"", part.iter().collect::<String>().replace('"', "\"\"")))
            .collect();
        sql.push(alias).push(".number IN (SELECT rowid FROM resource_search WHERE resource_search MATCH ");
        sql.bind(parts.join(" AND ")).push(") AND ");
    }
    sql.push(alias).push(".search LIKE ").bind(contains(text)).push(" ESCAPE '\\'");
}

/// A short text in small and capital letters, mixed in every way.
fn spellings(lower: &[char]) -> Vec<String> {
    lower.iter().fold(vec![String::new()], |begun, c| {
        let upper = c.to_uppercase().to_string();
        let mut letters = vec![c.to_string()];
        letters.extend((upper != letters[0]).then_some(upper));
        begun.iter().flat_map(|begin| letters.iter().map(move |letter| format!("{begin}{letter}"))).collect()
    })
}

/// The first text in the order of bytes that does not begin so any more.
fn after_prefix(prefix: &str) -> Option<String> {
    let last = prefix.chars().next_back()?;
    let next = char::from_u32(u32::from(last) + 1).unwrap_or('\u{e000}');
    Some(format!("{}{next}", &prefix[..prefix.len() - last.len_utf8()])).filter(|_| last != char::MAX)
}

fn order(filter: &ResourceFilter) -> String {
    let direction = match filter.direction {
        Sort::Ascending => "ASC",
        Sort::Descending => "DESC",
    };
    match filter.sort {
        ResourceSort::Name => format!("k.name {direction}, k.id {direction}"),
        ResourceSort::Kind => format!("k.kind {direction}, k.name {direction}, k.id {direction}"),
        ResourceSort::Updated => format!("k.updated_at {direction}, k.id {direction}"),
        ResourceSort::Created => format!("k.created_at {direction}, k.id {direction}"),
    }
}

/// How many resources match; from kept figures where at most one of their kinds is asked for.
async fn count_resources(c: &impl ConnectionTrait, filter: &ResourceFilter, conditions: &Where) -> Result<u64> {
    let text = filter.text.as_deref().is_some_and(|text| !text.is_empty());
    let facets: Vec<(&str, &String)> =
        [("kind", &filter.kind), ("api_version", &filter.api_version), ("namespace", &filter.namespace)]
            .into_iter()
            .filter_map(|(facet, value)| Some((facet, value.as_ref()?)))
            .collect();
    if text || facets.len() > 1 {
        let mut sql = Sql::new("SELECT COUNT(*) FROM kubernetesresource k");
        sql.append(conditions.sql());
        return sql.count(c).await;
    }
    let mut kept = Where::default();
    let (active, deleted, table) = match facets.first() {
        Some((facet, value)) => {
            kept.equals("facet", Some(*facet));
            kept.equals("value", Some(value.as_str()));
            kept.equals("repository_id", filter.repository_id);
            let table = if filter.repository_id.is_some() { "repository_facet" } else { "facet_total" };
            ("active", "deleted", table)
        }
        None => {
            kept.equals("id", filter.repository_id);
            ("active_resources", "deleted_resources", "repository")
        }
    };
    let column = match one_status(filter) {
        Some(ResourceStatus::Active) => active.to_owned(),
        Some(ResourceStatus::Deleted) => deleted.to_owned(),
        None => format!("{active} + {deleted}"),
    };
    let mut sql = Sql::new(&format!("SELECT CAST(SUM({column}) AS BIGINT) FROM {table}"));
    sql.append(kept.sql());
    sql.count(c).await
}
