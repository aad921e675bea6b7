//! From what stands at the end of the last day back to the first: a day's state is the next day's without what came.
//! No database, no clock.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};

/// A repository with an event or push so many days before is active.
const ACTIVE_DAYS: i64 = 90;

/// Days in a row and all that tells of them.
pub(super) struct Facts {
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// At the end of the last day.
    pub total_resources: i64,
    pub active_resources: i64,
    pub total_events: i64,
    /// Active resources by kind, at the end of the last day.
    pub kinds: BTreeMap<String, i64>,
    /// Uses of charts by name, at the end of the last day.
    pub charts: BTreeMap<String, i64>,
    pub kind_changes: BTreeMap<NaiveDate, Vec<(String, i64)>>,
    pub chart_changes: BTreeMap<NaiveDate, Vec<(String, i64)>>,
    pub days: BTreeMap<NaiveDate, DayNumbers>,
    pub repositories: Vec<RepositoryFacts>,
}

/// Events of a day.
#[derive(Clone, Copy, Default)]
pub(super) struct DayNumbers {
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
}

/// What tells of one repository.
pub(super) struct RepositoryFacts {
    pub born: NaiveDate,
    /// Active resources at the end of the last day.
    pub active: i64,
    /// Days with events (from 90 days before the first), oldest first, with what they changed in active resources.
    pub changes: Vec<(NaiveDate, i64)>,
    /// Forges' figures by the day of the snapshot, oldest first; the first may be from before.
    pub metrics: Vec<(NaiveDate, Metrics)>,
}

/// A forge's figures.
#[derive(Clone, Copy, Default)]
pub(super) struct Metrics {
    pub stars: i64,
    pub forks: i64,
    pub watchers: i64,
    /// `None` where the forge does not tell.
    pub open_issues: Option<i64>,
    pub pushed: Option<NaiveDate>,
}

/// What stood at the end of a day, and what happened on it.
#[derive(Clone, Default)]
pub(super) struct DayStats {
    pub day: NaiveDate,
    pub total_repositories: i64,
    pub active_repositories: i64,
    pub repositories_with_resources: i64,
    pub measured_repositories: i64,
    pub total_resources: i64,
    pub active_resources: i64,
    pub total_events: i64,
    pub numbers: DayNumbers,
    pub stars: i64,
    pub forks: i64,
    pub watchers: i64,
    pub open_issues: i64,
    pub repositories_with_known_issues: i64,
    pub repository_growth: i64,
    pub resource_growth: i64,
    pub star_growth: i64,
    pub kinds: BTreeMap<String, i64>,
    pub charts: BTreeMap<String, i64>,
}

/// Every day from the first to the last, newest first; growth is against the day before.
pub(super) fn fold(mut facts: Facts) -> Vec<DayStats> {
    let mut stats: Vec<DayStats> = Vec::new();
    let mut measured: Vec<Option<i64>> = Vec::new();
    let mut places: Vec<Places> = facts
        .repositories
        .iter()
        .map(|repository| Places { changes: repository.changes.len(), metrics: repository.metrics.len() })
        .collect();
    let before_first = facts.first.checked_sub_days(Days::new(1)).unwrap_or(facts.first);
    let mut day = facts.last;
    loop {
        let mut today = DayStats {
            day,
            total_resources: facts.total_resources.max(0),
            active_resources: facts.active_resources.max(0),
            total_events: facts.total_events.max(0),
            numbers: facts.days.get(&day).copied().unwrap_or_default(),
            ..DayStats::default()
        };
        let stars = of_repositories(&mut facts.repositories, &mut places, day, &mut today);
        if let Some(next) = stats.last_mut() {
            next.repository_growth = next.total_repositories - today.total_repositories;
            next.resource_growth = next.active_resources - today.active_resources;
            let both = measured.iter().zip(&stars).filter_map(|(after, before)| Some((*after)? - (*before)?));
            next.star_growth = both.sum();
        }
        measured = stars;
        if day <= before_first {
            return stats;
        }
        today.kinds = standing(&facts.kinds);
        today.charts = standing(&facts.charts);

        let numbers = today.numbers;
        facts.total_resources -= numbers.created;
        facts.active_resources -= numbers.created + numbers.resurrected - numbers.deleted;
        facts.total_events -= numbers.created + numbers.modified + numbers.deleted + numbers.resurrected;
        take_back(&mut facts.kinds, facts.kind_changes.remove(&day));
        take_back(&mut facts.charts, facts.chart_changes.remove(&day));
        stats.push(today);
        let Some(before) = day.checked_sub_days(Days::new(1)) else { return stats };
        day = before;
    }
}

/// How much of a repository's lists is not after the day.
struct Places {
    changes: usize,
    metrics: usize,
}

/// Counts repositories at the end of a day; gives back each one's stars where they were known.
fn of_repositories(
    repositories: &mut [RepositoryFacts],
    places: &mut [Places],
    day: NaiveDate,
    today: &mut DayStats,
) -> Vec<Option<i64>> {
    let since = day - TimeDelta::days(ACTIVE_DAYS);
    repositories
        .iter_mut()
        .zip(places)
        .map(|(repository, place)| {
            while let Some((_, change)) = repository.changes[..place.changes].last().filter(|(at, _)| *at > day) {
                repository.active -= change;
                place.changes -= 1;
            }
            while repository.metrics[..place.metrics].last().is_some_and(|(at, _)| *at > day) {
                place.metrics -= 1;
            }
            if repository.born > day {
                return None;
            }
            let metrics = repository.metrics[..place.metrics].last().map(|(_, metrics)| *metrics);
            let event = repository.changes[..place.changes].last().map(|(at, _)| *at);
            // A forge's clock may be ahead of a day's end: such a push counts from its own day on.
            let push = metrics.and_then(|metrics| metrics.pushed).filter(|at| *at <= day);
            today.total_repositories += 1;
            today.active_repositories += i64::from(event.max(push).is_some_and(|at| at >= since));
            today.repositories_with_resources += i64::from(repository.active > 0);
            let metrics = metrics?;
            today.measured_repositories += 1;
            today.stars += metrics.stars;
            today.forks += metrics.forks;
            today.watchers += metrics.watchers;
            today.open_issues += metrics.open_issues.unwrap_or(0);
            today.repositories_with_known_issues += i64::from(metrics.open_issues.is_some());
            Some(metrics.stars)
        })
        .collect()
}

/// Wrong clocks of committers may let a resource go before it came: less than nothing is nothing.
fn standing(counts: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    counts.iter().filter(|(_, count)| **count > 0).map(|(name, count)| (name.clone(), *count)).collect()
}

fn take_back(counts: &mut BTreeMap<String, i64>, changes: Option<Vec<(String, i64)>>) {
    for (name, change) in changes.into_iter().flatten() {
        *counts.entry(name).or_default() -= change;
    }
}

/// The most frequent, by number and then by name.
pub(super) fn most(counts: BTreeMap<String, i64>, limit: usize) -> BTreeMap<String, i64> {
    let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(limit);
    counts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn counts(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn state_of_a_day_is_the_next_days_without_what_came() {
        let repository = RepositoryFacts {
            born: day("2026-01-02"),
            active: 2,
            changes: vec![(day("2026-01-02"), 3), (day("2026-01-04"), -1)],
            metrics: vec![(day("2026-01-03"), Metrics { stars: 7, ..Metrics::default() })],
        };
        let numbers = |created, deleted| DayNumbers { created, deleted, ..DayNumbers::default() };
        let change = |name: &str, by| vec![(name.to_owned(), by)];
        let stats = fold(Facts {
            first: day("2026-01-01"),
            last: day("2026-01-04"),
            total_resources: 3,
            active_resources: 2,
            total_events: 4,
            kinds: counts(&[("Service", 2)]),
            charts: counts(&[("grafana", 0)]),
            kind_changes: [(day("2026-01-02"), change("Service", 3)), (day("2026-01-04"), change("Service", -1))]
                .into(),
            chart_changes: [(day("2026-01-04"), change("grafana", -1))].into(),
            days: [(day("2026-01-02"), numbers(3, 0)), (day("2026-01-04"), numbers(0, 1))].into(),
            repositories: vec![repository],
        });
        let days: Vec<_> =
            stats.iter().rev().map(|s| (s.total_repositories, s.active_resources, s.total_resources)).collect();
        assert_eq!(days, [(0, 0, 0), (1, 3, 3), (1, 3, 3), (1, 2, 3)]);
        let growth: Vec<_> =
            stats.iter().rev().map(|s| (s.repository_growth, s.resource_growth, s.star_growth)).collect();
        assert_eq!(growth, [(0, 0, 0), (1, 3, 0), (0, 0, 0), (0, -1, 0)]);
        assert_eq!((stats[0].stars, stats[1].stars, stats[2].measured_repositories), (7, 7, 0));
        assert_eq!((&stats[0].charts, &stats[1].charts), (&counts(&[]), &counts(&[("grafana", 1)])));
        assert_eq!((&stats[1].kinds, &stats[3].kinds), (&counts(&[("Service", 3)]), &counts(&[])));
    }

    #[test]
    fn repository_is_active_ninety_days_after_its_last_event_or_known_push() {
        let facts = |changes, pushed: Option<&str>| Facts {
            first: day("2026-04-01"),
            last: day("2026-04-02"),
            total_resources: 0,
            active_resources: 0,
            total_events: 0,
            kinds: BTreeMap::new(),
            charts: BTreeMap::new(),
            kind_changes: BTreeMap::new(),
            chart_changes: BTreeMap::new(),
            days: BTreeMap::new(),
            repositories: vec![RepositoryFacts {
                born: day("2020-01-01"),
                active: 0,
                changes,
                metrics: pushed
                    .map(|pushed| (day("2026-03-01"), Metrics { pushed: Some(day(pushed)), ..Metrics::default() }))
                    .into_iter()
                    .collect(),
            }],
        };
        let active = |facts| fold(facts).iter().map(|stats| stats.active_repositories).collect::<Vec<_>>();
        // 1 January and 90 days are 1 April.
        assert_eq!(active(facts(vec![(day("2026-01-01"), 0)], None)), [0, 1]);
        assert_eq!(active(facts(vec![], Some("2026-01-02"))), [1, 1]);
        assert_eq!(active(facts(vec![], None)), [0, 0]);
    }

    #[test]
    fn most_frequent_come_first_and_ties_by_name() {
        assert_eq!(most(counts(&[("c", 1), ("a", 1), ("b", 2)]), 2), counts(&[("a", 1), ("b", 2)]));
    }
}
