//! A filter as SQL: conditions, order, and how many resources match.

use sea_orm::DbBackend;

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, Where, contains};
use entity::kind::ResourceStatus;
use entity::view::{ResourceFilter, ResourceSort, Sort};

/// The filter as conditions on `k`.
pub(super) fn conditions(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Where {
    let mut conditions = Where::default();
    conditions.equals("k.repository_id", filter.repository_id);
    conditions.equals("k.kind", filter.kind.clone());
    conditions.equals("k.name", filter.name.clone());
    conditions.equals("k.api_version", filter.api_version.clone());
    if let Some(chart) = &filter.chart {
        let sql = conditions.and().push("k.id IN (SELECT u.resource_id FROM resource_chart u WHERE u.name = ");
        sql.bind(chart.as_str());
        if let Some(repository) = filter.repository_id {
            sql.push(" AND u.repository_id = ").bind(repository);
        }
        sql.push(")");
    }
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
pub(super) fn one_status(filter: &ResourceFilter) -> Option<ResourceStatus> {
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

/// The order that is asked for, or the one back from its end.
pub(super) fn order(filter: &ResourceFilter, back: bool) -> String {
    let direction = if (filter.direction == Sort::Descending) == back { "ASC" } else { "DESC" };
    match filter.sort {
        ResourceSort::Name => format!("k.name {direction}, k.id {direction}"),
        ResourceSort::Kind => format!("k.kind {direction}, k.name {direction}, k.id {direction}"),
        ResourceSort::Updated => format!("k.updated_at {direction}, k.id {direction}"),
        ResourceSort::Created => format!("k.created_at {direction}, k.id {direction}"),
    }
}

/// How many resources match; from kept figures where at most one of their kinds is asked for.
pub(super) async fn count_resources(
    c: &impl ConnectionTrait,
    filter: &ResourceFilter,
    conditions: &Where,
) -> Result<u64> {
    let counted =
        filter.text.as_deref().is_some_and(|text| !text.is_empty()) || filter.name.is_some() || filter.chart.is_some();
    let facets: Vec<(&str, &String)> =
        [("kind", &filter.kind), ("api_version", &filter.api_version), ("namespace", &filter.namespace)]
            .into_iter()
            .filter_map(|(facet, value)| Some((facet, value.as_ref()?)))
            .collect();
    if counted || facets.len() > 1 {
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
