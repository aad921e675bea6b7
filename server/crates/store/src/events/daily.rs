//! Events by day: counts, trends, activity.

use chrono::{Days, NaiveDate};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::select::sum;
use entity::kind::EventType;
use entity::table::{day_total, repository_day};
use entity::view::{ActivityBucket, EventDailyCount, EventTrend, Timestamp};

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
    let mut active = count_before(c, repository, first).await?;
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

/// Resources that stood before a day.
async fn count_before(c: &impl ConnectionTrait, repository: Uuid, first: NaiveDate) -> Result<i64> {
    use repository_day::{COLUMN, Column, Entity};
    use sea_orm::sea_query::ExprTrait as _;
    let more = Column::Created.into_expr().add(Column::Resurrected.into_expr()).sub(Column::Deleted.into_expr());
    let before = Entity::find().filter(COLUMN.repository_id.eq(repository)).filter(COLUMN.day.lt(first.to_string()));
    Ok(before.select_only().column_as(sum(more), "active").into_tuple().one(c).await?.unwrap_or(0))
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
    let since = since.map(|since| since.to_string());
    Ok(match repository {
        Some(repository) => {
            use repository_day::{COLUMN, Column, Entity};
            let days = Entity::find().filter(COLUMN.repository_id.eq(repository));
            let days = days.apply_if(since, |days, since| days.filter(COLUMN.day.gte(since)));
            days.order_by_asc(Column::Day).into_model().all(c).await?
        }
        None => {
            use day_total::{COLUMN, Column, Entity};
            let days = Entity::find().apply_if(since, |days, since| days.filter(COLUMN.day.gte(since)));
            days.order_by_asc(Column::Day).into_model().all(c).await?
        }
    })
}

/// The first of the last `days` days, today being the last.
pub(crate) fn first_day(days: u32, now: Timestamp) -> NaiveDate {
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
