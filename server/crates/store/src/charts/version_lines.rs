//! How many releases had which version of a chart, over the last year: versions come and go within weeks, which the ends of
//! months would not show.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::Days;

use super::adoption::end_of;
use super::{compare_versions, time};
use entity::view::{ChartVersionOverTime, ChartVersionsOverTime};

/// Days that lines go back at most.
const DAYS: u64 = 364;
/// Steps of a line at most.
const STEPS: u64 = 26;
/// Versions that are told.
const VERSIONS: usize = 8;

/// The versions that most releases had at once, with how many did at the ends of days that are equally far apart, the last of
/// which is today. `uses`: version, from when, to when; of each release one at a time.
pub(super) fn versions_over_time<'s>(
    uses: impl Iterator<Item = (&'s str, i64, Option<i64>)> + Clone,
    now: i64,
) -> ChartVersionsOverTime {
    let Some(first) = uses.clone().map(|(_, from, _)| from).filter(|from| *from <= now).min() else {
        return ChartVersionsOverTime::default();
    };
    let today = time(now).date_naive();
    let known = u64::try_from((today - time(first).date_naive()).num_days()).unwrap_or(0).min(DAYS);
    let step = known.div_ceil(STEPS).max(1);
    let days: Vec<_> =
        (0..=known / step).rev().filter_map(|back| today.checked_sub_days(Days::new(back * step))).collect();
    let ends: Vec<i64> = days.iter().map(|day| if *day == today { now } else { end_of(*day) }).collect();
    let mut releases = vec![0; ends.len()];
    let mut by_version: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (version, from, to) in uses {
        for (place, end) in ends.iter().enumerate() {
            if from <= *end && to.is_none_or(|to| to > *end) {
                releases[place] += 1;
                by_version.entry(version).or_insert_with(|| vec![0; ends.len()])[place] += 1;
            }
        }
    }
    let line = |(version, releases): (&str, Vec<i64>)| ChartVersionOverTime { version: version.to_owned(), releases };
    let mut versions: Vec<ChartVersionOverTime> = by_version.into_iter().map(line).collect();
    versions.sort_by(|a, b| compare_versions(&b.version, &a.version));
    versions.sort_by_key(|one| Reverse(one.releases.iter().max().copied()));
    versions.truncate(VERSIONS);
    versions.sort_by(|a, b| compare_versions(&b.version, &a.version));
    ChartVersionsOverTime { days: days.iter().map(ToString::to_string).collect(), releases, versions }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<entity::view::Timestamp>().map_or(0, |time| time.timestamp())
    }

    fn told(uses: &[(&str, &str, Option<&str>)], now: &str) -> ChartVersionsOverTime {
        let uses: Vec<(&str, i64, Option<i64>)> =
            uses.iter().map(|(version, from, to)| (*version, at(from), to.map(at))).collect();
        versions_over_time(uses.iter().copied(), at(now))
    }

    #[test]
    fn versions_are_counted_at_the_ends_of_days() {
        let uses = [
            ("1.9", "2026-01-01T08:00:00Z", Some("2026-01-02T23:59:59Z")),
            ("1.10", "2026-01-02T23:59:59Z", None),
            ("1.9", "2026-01-03T00:00:00Z", Some("2026-01-03T10:00:00Z")),
            ("1.10", "2026-01-03T10:00:00Z", Some("2026-01-04T09:00:00Z")),
            // Not yet.
            ("2.0", "2026-01-04T12:00:01Z", None),
        ];
        let found = told(&uses, "2026-01-04T12:00:00Z");
        assert_eq!(found.days, ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]);
        assert_eq!(found.releases, [1, 1, 2, 1]);
        let lines: Vec<_> = found.versions.iter().map(|one| (one.version.as_str(), one.releases.clone())).collect();
        assert_eq!(lines, [("1.10", vec![0, 1, 2, 1]), ("1.9", vec![1, 0, 0, 0])]);
        assert_eq!(told(&uses, "2025-12-31T00:00:00Z"), ChartVersionsOverTime::default());
    }

    #[test]
    fn a_year_is_told_by_what_most_had_at_once() {
        let names: Vec<String> = (0..12).map(|minor| format!("1.{minor}")).collect();
        let mut uses: Vec<(&str, &str, Option<&str>)> = Vec::new();
        for (count, name) in names.iter().enumerate() {
            uses.extend((0..=count).map(|_| (name.as_str(), "2020-01-01T00:00:00Z", None)));
        }
        let found = told(&uses, "2026-06-30T12:00:00Z");
        assert_eq!(
            (found.days.len(), found.days[0].as_str(), found.days[25].as_str()),
            (27, "2025-07-01", "2026-06-16")
        );
        let versions: Vec<&str> = found.versions.iter().map(|one| one.version.as_str()).collect();
        assert_eq!(versions, ["1.11", "1.10", "1.9", "1.8", "1.7", "1.6", "1.5", "1.4"]);
        assert!(found.releases.iter().all(|all| *all == 78));
        // Less than a step for each day stays whole days.
        assert_eq!(told(&[("1", "2026-05-01T00:00:00Z", None)], "2026-06-30T12:00:00Z").days.len(), 21);
    }
}
