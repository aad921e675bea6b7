//! Events: lists, facets, counts by day.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result, days};
use crate::db::sql::{Sql, Where, contains, stored_time};
use crate::row::EventRow;
use entity::found::ObjectId;
use entity::kind::EventType;
use entity::view::{
    ActivityBucket, Event, EventDailyCount, EventFilter, EventTrend, Listing, NamedCount, PageQuery, Timestamp,
};

/// Which events, newest first.
pub async fn list_events(c: &impl ConnectionTrait, filter: &EventFilter) -> Result<Listing<Event>> {
    let Some(mut conditions) = conditions(c, filter).await? else { return Ok(Listing::default()) };
    let order = match (filter.repository_id, filter.resource_id) {
        // History's own order: clocks of committers may be wrong.
        (Some(_), _) | (_, Some(_)) => "sequence DESC, id DESC",
        // Ids begin with the time of the commit.
        (None, None) => "id DESC",
    };
    let count = count_events(c, filter, &conditions).await?;
    let mut page = filter.page;
    if let Some(column) = kept_by_day(filter).filter(|_| filter.repository_id.is_none()) {
        let jump = days::jump(c, column, page).await?;
        page = jump.page;
        if let Some(before) = jump.before {
            conditions.and().push("e.id < ").bind(super::scans::event_id_floor(before));
        }
    }
    let mut ids = Sql::new("SELECT e.id FROM kubernetesresourceevent e");
    ids.append(conditions.sql()).push(" ORDER BY ").push(&prefixed(order)).page(page);
    Ok(Listing { data: by_ids(c, &ids, order).await?, count })
}

/// Kinds and namespaces (written or inherited) that a repository's events are about, most frequent first.
pub async fn event_facets(c: &impl ConnectionTrait, repository: Uuid) -> Result<(Vec<NamedCount>, Vec<NamedCount>)> {
    let of_repository = |select: &str| {
        let mut sql = Sql::new(select);
        sql.push(" AND repository_id = ").bind(repository).push(" GROUP BY 1");
        sql
    };
    let kinds = "SELECT kind AS name, CAST(SUM(events) AS BIGINT) AS count FROM kubernetesresource WHERE events > 0";
    // What was written may be another namespace today; what is inherited is so by all that a resource went through.
    let written = "SELECT resource_namespace AS name, COUNT(*) AS count FROM kubernetesresourceevent \
        WHERE resource_namespace IS NOT NULL";
    let inherited = "SELECT namespace_inherited AS name, CAST(SUM(events) AS BIGINT) AS count FROM kubernetesresource \
        WHERE namespace_inherited IS NOT NULL AND (namespace IS NULL OR namespace <> namespace_inherited)";
    let mut namespaces = BTreeMap::new();
    for select in [written, inherited] {
        for found in of_repository(select).all::<NamedCount>(c).await? {
            *namespaces.entry(found.name).or_default() += found.count;
        }
    }
    let kinds = of_repository(kinds).all::<NamedCount>(c).await?;
    let kinds = kinds.into_iter().map(|found| (found.name, found.count)).collect();
    Ok((most_frequent(kinds), most_frequent(namespaces)))
}

/// As many as a list to choose from can hold.
fn most_frequent(counts: BTreeMap<String, i64>) -> Vec<NamedCount> {
    let mut counts: Vec<NamedCount> = counts.into_iter().map(|(name, count)| NamedCount { name, count }).collect();
    counts.sort_by_key(|named| std::cmp::Reverse(named.count));
    counts.truncate(500);
    counts
}

/// Events by day and type over the last days (today counts), oldest first; days without events are left out.
pub async fn daily_counts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    days: u32,
    now: Timestamp,
) -> Result<Vec<EventDailyCount>> {
    let first = first_day(days, now);
    let mut counts = Vec::new();
    let today = now.date_naive().to_string();
    for day in day_rows(c, Some(repository), Some(first)).await?.into_iter().filter(|row| row.day <= today) {
        let of_type = [
            (EventType::Created, day.created),
            (EventType::Modified, day.modified),
            (EventType::Deleted, day.deleted),
            (EventType::Resurrected, day.resurrected),
        ];
        counts.extend(of_type.into_iter().filter(|(_, count)| *count > 0).map(|(event_type, count)| EventDailyCount {
            date: day.day.clone(),
            event_type,
            count,
        }));
    }
    Ok(counts)
}

/// Every one of the last days (today counts) with its events and the resources that stood at its end.
pub async fn trends(c: &impl ConnectionTrait, repository: Uuid, days: u32, now: Timestamp) -> Result<Vec<EventTrend>> {
    let first = first_day(days, now);
    let rows = day_rows(c, Some(repository), Some(first)).await?;
    let mut sql = Sql::new(
        "SELECT CAST(COALESCE(SUM(created + resurrected - deleted), 0) AS BIGINT) FROM repository_day \
         WHERE repository_id = ",
    );
    sql.bind(repository).push(" AND day < ").bind(first.to_string());
    let mut active: i64 = match sql.row(c).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    let mut rows = rows.into_iter().peekable();
    let mut trends = Vec::new();
    for date in first.iter_days().take_while(|date| *date <= now.date_naive()) {
        let date = date.to_string();
        let day = rows.next_if(|row| row.day == date).unwrap_or_default();
        active += day.created + day.resurrected - day.deleted;
        trends.push(EventTrend {
            date,
            created: day.created,
            modified: day.modified,
            deleted: day.deleted,
            resurrected: day.resurrected,
            commits: day.commits,
            active_resources: active,
        });
    }
    Ok(trends)
}

/// Events of one repository or of all since a time (since the first event, for `None`), folded into at most
/// `max_buckets` spans of equal length without gaps.
pub async fn activity(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    since: Option<Timestamp>,
    now: Timestamp,
    max_buckets: u32,
) -> Result<Vec<ActivityBucket>> {
    let rows = day_rows(c, repository, since.map(|since| since.date_naive())).await?;
    let parsed = |row: &DayRow| row.day.parse::<NaiveDate>().ok();
    let Some(first) = since.map(|since| since.date_naive()).or_else(|| rows.first().and_then(parsed)) else {
        return Ok(Vec::new());
    };
    let last = now.date_naive().max(first);
    Ok(fold(&rows, first, last, max_buckets))
}

/// Events of one commit in the order in which the replay told them.
pub(crate) async fn of_commit(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sequence: i64,
    page: PageQuery,
) -> Result<Vec<Event>> {
    let mut ids = Sql::new("SELECT e.id FROM kubernetesresourceevent e WHERE e.repository_id = ");
    ids.bind(repository).push(" AND e.sequence = ").bind(sequence).push(" ORDER BY e.id").page(page);
    by_ids(c, &ids, "id").await
}

/// A page of a resource's events, newest first.
pub(crate) async fn list_of_resource(c: &impl ConnectionTrait, resource: Uuid, page: PageQuery) -> Result<Vec<Event>> {
    let mut ids = Sql::new("SELECT e.id FROM kubernetesresourceevent e WHERE e.resource_id = ");
    ids.bind(resource).push(" ORDER BY e.sequence DESC, e.id DESC").page(page);
    by_ids(c, &ids, "sequence DESC, id DESC").await
}

/// Whole events, newest first.
pub(crate) async fn list_by_ids(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Event>> {
    let mut sql = Sql::new("SELECT e.id FROM kubernetesresourceevent e WHERE e.id IN ");
    sql.bind_list(ids.iter().copied());
    by_ids(c, &sql, "id DESC").await
}

/// Reads whole events only for the ids of a page, which an index alone has found.
async fn by_ids(c: &impl ConnectionTrait, ids: &Sql, order: &str) -> Result<Vec<Event>> {
    let mut rows = Sql::new("SELECT ");
    rows.push(EventRow::COLUMNS).push(" FROM (").append(ids);
    rows.push(") i JOIN kubernetesresourceevent e ON e.id = i.id").push(EventRow::JOINS);
    rows.push(" ORDER BY ").push(&prefixed(order));
    rows.all::<EventRow>(c).await?.into_iter().map(EventRow::into_view).collect()
}

/// `a DESC, b` as `e.a DESC, e.b`.
fn prefixed(order: &str) -> String {
    format!("e.{}", order.replace(", ", ", e."))
}

/// The filter as conditions; nothing where it names a commit that is not known.
async fn conditions(c: &impl ConnectionTrait, filter: &EventFilter) -> Result<Option<Where>> {
    let mut conditions = Where::default();
    if let Some(commit) = &filter.commit {
        let Ok(ObjectId(sha)) = commit.to_ascii_lowercase().parse() else { return Ok(None) };
        let mut sql = Sql::new("SELECT repository_id, sequence FROM \"commit\" WHERE sha = ");
        sql.bind(sha.to_vec());
        if let Some(repository) = filter.repository_id {
            sql.push(" AND repository_id = ").bind(repository);
        }
        let places = sql.push(" LIMIT 100").clone().rows(c).await?;
        if places.is_empty() {
            return Ok(None);
        }
        let sql = conditions.and().push("(");
        for (n, place) in places.iter().enumerate() {
            let (repository, sequence): (Uuid, i64) = (place.try_get_by_index(0)?, place.try_get_by_index(1)?);
            sql.push(if n == 0 { "" } else { " OR " });
            sql.push("(e.repository_id = ").bind(repository).push(" AND e.sequence = ").bind(sequence).push(")");
        }
        sql.push(")");
    }
    conditions.equals("e.repository_id", filter.repository_id);
    conditions.equals("e.resource_id", filter.resource_id);
    conditions.equals("e.event_type", filter.event_type.map(EventType::as_str));
    conditions.equals("e.resource_kind", filter.resource_kind.clone());
    if let Some(namespace) = filter.resource_namespace.as_deref() {
        // Which one a resource inherits stands with the resource.
        let sql = conditions.and().push("(e.resource_namespace = ").bind(namespace);
        sql.push(" OR e.resource_id IN (SELECT x.id FROM kubernetesresource x WHERE ");
        if let Some(repository) = filter.repository_id {
            sql.push("x.repository_id = ").bind(repository).push(" AND ");
        }
        sql.push("x.namespace_inherited = ").bind(namespace).push("))");
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        if filter.repository_id.is_some() || filter.resource_id.is_some() {
            let sql = conditions.and().push("(lower(e.resource_name) LIKE ").bind(contains(text));
            sql.push(" ESCAPE '\\' OR lower(e.file_path) LIKE ").bind(contains(text)).push(" ESCAPE '\\')");
        } else {
            // Over all repositories, names and paths are looked up where they are indexed: with the resources.
            let sql = conditions.and().push("e.resource_id IN (SELECT x.id FROM kubernetesresource x WHERE ");
            super::resources::push_text(sql, c, "x", text, true);
            sql.push(")");
        }
    }
    if filter.version_changes_only {
        conditions.and().push("e.version_changed");
    }
    let whole_history = filter.repository_id.is_none() && filter.resource_id.is_none();
    if let Some(since) = filter.since {
        if whole_history {
            conditions.and().push("e.id >= ").bind(super::scans::event_id_floor(since));
        }
        conditions.and().push("e.event_timestamp >= ").bind(stored_time(since));
    }
    if let Some(until) = filter.until {
        if whole_history {
            let above = until + chrono::TimeDelta::milliseconds(1);
            conditions.and().push("e.id < ").bind(super::scans::event_id_floor(above));
        }
        conditions.and().push("e.event_timestamp < ").bind(stored_time(until));
    }
    Ok(Some(conditions))
}

/// Whether the filter asks for less than kept figures count.
fn is_narrowed(filter: &EventFilter) -> bool {
    filter.resource_kind.is_some()
        || filter.resource_namespace.is_some()
        || filter.text.as_deref().is_some_and(|text| !text.is_empty())
        || (filter.version_changes_only && (filter.resource_id.is_some() || filter.event_type.is_some()))
        || filter.since.is_some()
        || filter.until.is_some()
        || filter.commit.is_some()
}

/// The days' number that counts what the filter asks for.
fn kept_by_day(filter: &EventFilter) -> Option<&'static str> {
    if filter.resource_id.is_some() || is_narrowed(filter) {
        return None;
    }
    Some(match filter.event_type {
        _ if filter.version_changes_only => "version_changes",
        Some(EventType::Created) => "created",
        Some(EventType::Modified) => "modified",
        Some(EventType::Deleted) => "deleted",
        Some(EventType::Resurrected) => "resurrected",
        None => "created + modified + deleted + resurrected",
    })
}

/// How many events match; from kept figures where the filter allows.
async fn count_events(c: &impl ConnectionTrait, filter: &EventFilter, conditions: &Where) -> Result<u64> {
    if !is_narrowed(filter) && (filter.resource_id.is_none() || filter.event_type.is_none()) {
        let mut kept = Where::default();
        let plain = filter.event_type.is_none() && !filter.version_changes_only;
        let sql = if plain && filter.resource_id.is_none() {
            kept.equals("id", filter.repository_id);
            "SELECT CAST(SUM(events) AS BIGINT) FROM repository".to_owned()
        } else if filter.resource_id.is_some() {
            kept.equals("id", filter.resource_id);
            kept.equals("repository_id", filter.repository_id);
            "SELECT CAST(SUM(events) AS BIGINT) FROM kubernetesresource".to_owned()
        } else {
            kept.equals("repository_id", filter.repository_id);
            let column = kept_by_day(filter).unwrap_or("0");
            let table = if filter.repository_id.is_some() { "repository_day" } else { "day_total" };
            format!("SELECT CAST(SUM({column}) AS BIGINT) FROM {table}")
        };
        let mut sql = Sql::new(&sql);
        sql.append(kept.sql());
        return sql.count(c).await;
    }
    let mut sql = Sql::new("SELECT COUNT(*) FROM kubernetesresourceevent e");
    sql.append(conditions.sql());
    sql.count(c).await
}

/// A day's numbers, of one repository or of all.
#[derive(Clone, Debug, Default, FromQueryResult)]
struct DayRow {
    day: String,
    created: i64,
    modified: i64,
    deleted: i64,
    resurrected: i64,
    commits: i64,
}

/// Days with events, oldest first. Days after today (clocks of committers may be wrong) count as well.
async fn day_rows(c: &impl ConnectionTrait, repository: Option<Uuid>, since: Option<NaiveDate>) -> Result<Vec<DayRow>> {
    let mut conditions = Where::default();
    conditions.equals("repository_id", repository);
    if let Some(since) = since {
        conditions.and().push("day >= ").bind(since.to_string());
    }
    let mut sql = Sql::new(match repository {
        Some(_) => "SELECT day, created, modified, deleted, resurrected, commits FROM repository_day",
        None => "SELECT day, created, modified, deleted, resurrected, commits FROM day_total",
    });
    sql.append(conditions.sql()).push(" ORDER BY day");
    sql.all(c).await
}

/// The first of the last `days` days, today being the last.
fn first_day(days: u32, now: Timestamp) -> NaiveDate {
    let today = now.date_naive();
    today.checked_sub_days(Days::new(u64::from(days.max(1)) - 1)).unwrap_or(today)
}

/// Puts days into spans of equal length, as few days each as the number of spans allows.
fn fold(rows: &[DayRow], first: NaiveDate, last: NaiveDate, max_buckets: u32) -> Vec<ActivityBucket> {
    let days = (last - first).num_days() + 1;
    let length = (days + i64::from(max_buckets.max(1)) - 1) / i64::from(max_buckets.max(1));
    // Weeks read better than spans of eight days.
    let length = if length > 5 { (length + 6) / 7 * 7 } else { length.max(1) };
    let count = usize::try_from((days + length - 1) / length).unwrap_or(0);
    let mut buckets: Vec<ActivityBucket> = (0..count)
        .filter_map(|n| {
            let start = first.checked_add_days(Days::new(u64::try_from(i64::try_from(n).ok()? * length).ok()?))?;
            let start = start.to_string();
            Some(ActivityBucket { start, days: length, created: 0, modified: 0, deleted: 0, resurrected: 0 })
        })
        .collect();
    for row in rows {
        let Ok(day) = row.day.parse::<NaiveDate>() else { continue };
        // Days in the future come from wrong clocks; they stand with today.
        let place = usize::try_from((day.min(last) - first).num_days() / length);
        if let Some(bucket) = place.ok().filter(|_| day >= first).and_then(|place| buckets.get_mut(place)) {
            bucket.created += row.created;
            bucket.modified += row.modified;
            bucket.deleted += row.deleted;
            bucket.resurrected += row.resurrected;
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, created: i64) -> DayRow {
        DayRow { day: day.to_owned(), created, ..DayRow::default() }
    }

    #[test]
    fn short_spans_are_days_and_gaps_are_zero() {
        let (first, last) = ("2026-01-01".parse().unwrap(), "2026-01-04".parse().unwrap());
        let buckets = fold(&[day("2026-01-01", 2), day("2026-01-04", 3)], first, last, 90);
        assert_eq!(buckets.iter().map(|b| b.created).collect::<Vec<_>>(), [2, 0, 0, 3]);
        assert!(buckets.iter().all(|b| b.days == 1));
    }

    #[test]
    fn years_fold_into_weeks_without_losing_an_event() {
        let (first, last) = ("2020-01-01".parse().unwrap(), "2026-11-21".parse().unwrap());
        let rows = [day("2020-01-01", 1), day("2023-05-05", 4), day("2026-11-21", 7)];
        let buckets = fold(&rows, first, last, 100);
        assert!(buckets.len() <= 100 && buckets[0].days % 7 == 0);
        assert_eq!(buckets.iter().map(|b| b.created).sum::<i64>(), 12);
    }
}
