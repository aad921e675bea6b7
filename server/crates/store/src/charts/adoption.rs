//! How many used something, month by month.

use std::collections::HashSet;

use chrono::{Datelike as _, Months, NaiveDate};
use uuid::Uuid;

use super::time;
use entity::view::ChartAdoption;

/// The most months that are shown.
const MAX_MONTHS: usize = 60;

/// The ends of the months since the first use, and today. `uses`: repository, what is used, from when, to when.
pub(crate) fn adoption(uses: &[(Uuid, i64, i64, Option<i64>)], now: i64) -> Vec<ChartAdoption> {
    let Some(first) = uses.iter().map(|(.., from, _)| *from).filter(|from| *from <= now).min() else {
        return Vec::new();
    };
    let (first, today) = (time(first).date_naive(), time(now).date_naive());
    let mut days = Vec::new();
    let mut month = today.with_day(1).unwrap_or(today);
    while month > first && days.len() < MAX_MONTHS {
        days.extend(month.pred_opt());
        month = month.checked_sub_months(Months::new(1)).unwrap_or(first);
    }
    days.retain(|day| *day >= first);
    days.reverse();
    days.push(today);
    let point = |day: NaiveDate| {
        let end = if day == today { now } else { end_of(day) };
        let open: Vec<_> = uses.iter().filter(|(.., from, to)| *from <= end && to.is_none_or(|to| to > end)).collect();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        ChartAdoption {
            date: day.to_string(),
            repositories: count(open.iter().map(|(repository, ..)| repository).collect::<HashSet<_>>().len()),
            releases: count(open.iter().map(|(_, release, ..)| release).collect::<HashSet<_>>().len()),
        }
    };
    days.into_iter().map(point).collect()
}

/// The last second of a day, UTC.
fn end_of(day: NaiveDate) -> i64 {
    day.and_hms_opt(23, 59, 59).map_or(0, |end| end.and_utc().timestamp())
}
