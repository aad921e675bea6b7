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
pub(super) fn end_of(day: NaiveDate) -> i64 {
    day.and_hms_opt(23, 59, 59).map_or(0, |end| end.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<entity::view::Timestamp>().map_or(0, |time| time.timestamp())
    }

    #[test]
    fn each_repository_and_release_counts_once_at_the_end_of_a_month_and_today() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let uses = [
            // One release by two spans that meet, another beside it, and one that came back after a month.
            (one, 1, at("2026-01-10T00:00:00Z"), Some(at("2026-02-05T00:00:00Z"))),
            (one, 1, at("2026-02-05T00:00:00Z"), None),
            (one, 2, at("2026-01-31T23:59:59Z"), None),
            (other, 3, at("2026-01-20T00:00:00Z"), Some(at("2026-01-31T23:59:59Z"))),
            (other, 3, at("2026-03-02T00:00:00Z"), None),
            (other, 4, at("2026-03-09T00:00:00Z"), None),
        ];
        let told: Vec<_> = adoption(&uses, at("2026-03-03T12:00:00Z"))
            .into_iter()
            .map(|point| (point.date, point.repositories, point.releases))
            .collect();
        let expected = [("2026-01-31", 1, 2), ("2026-02-28", 1, 2), ("2026-03-03", 2, 3)];
        assert_eq!(told, expected.map(|(date, repositories, releases)| (date.to_owned(), repositories, releases)));
        assert!(adoption(&uses, at("2026-01-01T00:00:00Z")).is_empty());
    }

    #[test]
    fn many_are_counted_as_sets_count_them() {
        let mut number = 7_u64;
        let mut roll = |sides: u64| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number >> 33) % sides
        };
        let (start, now) = (at("2022-05-03T10:00:00Z"), at("2026-11-01T12:00:00Z"));
        let mut uses = Vec::new();
        for _ in 0..2_000 {
            let release = roll(300);
            let from = start + i64::try_from(roll(140_000_000)).unwrap_or(0);
            let to = (roll(4) > 0).then(|| from + i64::try_from(roll(20_000_000)).unwrap_or(0));
            uses.push((Uuid::from_u128(u128::from(release % 40)), i64::try_from(release).unwrap_or(0), from, to));
        }
        let told = adoption(&uses, now);
        assert_eq!(told.len(), 55);
        for point in told {
            let day: NaiveDate = point.date.parse().unwrap_or_default();
            let end = if day == time(now).date_naive() { now } else { end_of(day) };
            let open = || uses.iter().filter(|(.., from, to)| *from <= end && to.is_none_or(|to| to > end));
            let repositories: HashSet<Uuid> = open().map(|one| one.0).collect();
            let releases: HashSet<i64> = open().map(|one| one.1).collect();
            let counted = (point.repositories.cast_unsigned(), point.releases.cast_unsigned());
            assert_eq!(counted, (repositories.len() as u64, releases.len() as u64), "{day}");
        }
    }
}
