//! How many used something, month by month.

use std::collections::HashMap;
use std::hash::Hash;

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
    // Numbers from 0 on instead of ids: each span is looked at for every month.
    let (repositories, releases) = (numbered(uses.iter().map(|one| one.0)), numbered(uses.iter().map(|one| one.1)));
    let mut seen = (vec![usize::MAX; repositories.len()], vec![usize::MAX; releases.len()]);
    let point = |(point, day): (usize, NaiveDate)| {
        let end = if day == today { now } else { end_of(day) };
        let mut counts = [0; 2];
        for (place, (.., from, to)) in uses.iter().enumerate() {
            if *from <= end && to.is_none_or(|to| to > end) {
                for (count, seen, number) in [(0, &mut seen.0, repositories[place]), (1, &mut seen.1, releases[place])]
                {
                    counts[count] += i64::from(std::mem::replace(&mut seen[number], point) != point);
                }
            }
        }
        ChartAdoption { date: day.to_string(), repositories: counts[0], releases: counts[1] }
    };
    days.into_iter().enumerate().map(point).collect()
}

/// A number for each, the same for the same.
fn numbered<T: Eq + Hash>(all: impl Iterator<Item = T>) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let mut next = 0..;
    all.map(|one| *numbers.entry(one).or_insert_with(|| next.next().unwrap_or_default())).collect()
}

/// The last second of a day, UTC.
fn end_of(day: NaiveDate) -> i64 {
    day.and_hms_opt(23, 59, 59).map_or(0, |end| end.and_utc().timestamp())
}
