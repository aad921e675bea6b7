//! Steps between versions: what counts as one, told the same for one chart and for all.

use sea_orm::DerivePartialModel;
use uuid::Uuid;

use super::version::{is_lower, is_ordered};
use super::{LATER, STAYED_DAYS};
use entity::table::chart_use;

/// A span of a release, as far as steps between versions go.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
pub(crate) struct VersionSpan {
    pub release_id: i64,
    pub repository_id: Uuid,
    pub chart_id: Option<i64>,
    /// As the chart is called, where it is not known which it is.
    pub chart_name: Option<String>,
    pub release_name: Option<String>,
    pub version: Option<String>,
    pub from_sequence: i64,
    pub from_time: i64,
    pub to_sequence: Option<i64>,
}

impl VersionSpan {
    /// What tells it from others, and their order.
    pub fn key(&self) -> (i64, i64) {
        (self.release_id, self.from_sequence)
    }
}

/// A release that left one version of its chart for another, in one commit or by way of others.
#[derive(Clone, Copy)]
pub(crate) struct Step<'s> {
    /// The span that the commit began which brought the second version.
    pub after: &'s VersionSpan,
    pub from: &'s str,
    pub to: &'s str,
    /// Of the commit that left the first version: the same one, where it is one step.
    pub left: i64,
    /// How many times the version changed on the way.
    pub steps: usize,
    /// Spans that come behind that one, of other releases too.
    later: &'s [VersionSpan],
}

impl Step<'_> {
    /// Whether it goes up.
    pub fn is_upgrade(&self) -> bool {
        goes_up(self.from, self.to)
    }

    /// Whether the release went back to a lower version of the chart within days that tell whether a version stays.
    pub fn is_rolled_back(&self) -> bool {
        let (after, most) = (self.after, STAYED_DAYS * 86_400);
        let later = self.later.iter().take(LATER).take_while(|one| one.release_id == after.release_id);
        let mut soon = later.take_while(|one| one.from_time - after.from_time <= most);
        soon.any(|one| {
            let version = one.version.as_deref().filter(|_| one.chart_id == after.chart_id);
            version.is_some_and(|version| is_lower(version, self.to))
        })
    }
}

/// Whether a span goes on with the chart of the one before, without a commit between them.
fn goes_on(before: &VersionSpan, after: &VersionSpan) -> bool {
    let same_chart = match (before.chart_id, after.chart_id) {
        // Of those whose place is not known, the name is all there is.
        (None, None) => before.chart_name.is_some() && before.chart_name == after.chart_name,
        (before, after) => before == after,
    };
    same_chart && before.release_id == after.release_id && before.to_sequence == Some(after.from_sequence)
}

/// Whether a step from one version to another is an upgrade: between digests and branches nothing is higher, and what is only
/// written otherwise is not either.
pub(super) fn goes_up(from: &str, to: &str) -> bool {
    is_lower(from, to)
}

/// Every step within spans that are in the order of their releases and commits. What a release had before some commits
/// without the chart, or without a version, it did not leave for what it has now.
pub(crate) fn steps(spans: &[VersionSpan]) -> impl Iterator<Item = Step<'_>> {
    spans.windows(2).enumerate().filter_map(|(place, pair)| {
        let [before, after] = pair else { return None };
        let (from, to) = (before.version.as_deref()?, after.version.as_deref()?);
        let step = || Step { after, from, to, left: after.from_sequence, steps: 1, later: &spans[place + 2..] };
        (goes_on(before, after) && from != to).then(step)
    })
}

/// How releases went from one version to another by way of versions between them, within spans that are in that order too: from
/// the last commit with the first to the first with the second. Who went beyond and back made another step.
pub(crate) fn ways<'s>(spans: &'s [VersionSpan], from: &'s str, to: &'s str) -> impl Iterator<Item = Step<'s>> {
    let up = goes_up(from, to);
    let is_way = up || is_lower(to, from);
    let starts = spans.iter().enumerate().filter(move |(_, span)| is_way && span.version.as_deref() == Some(from));
    starts.filter_map(move |(start, first)| {
        let (mut before, mut left, mut steps) = (first, None, 0);
        for (place, after) in spans.iter().enumerate().skip(start + 1) {
            let (version, next) = (before.version.as_deref()?, after.version.as_deref()?);
            // Who is back at the first, by way of another spelling, begins another way: each span is gone over once.
            if !goes_on(before, after) || next == from {
                return None;
            }
            if version != next {
                let turns_back = if up { is_lower(next, version) } else { is_lower(version, next) };
                if turns_back || !is_ordered(next) {
                    return None;
                }
                let left = *left.get_or_insert(after.from_sequence);
                steps += 1;
                if next == to {
                    return (steps > 1).then_some(Step { after, from, to, left, steps, later: &spans[place + 1..] });
                }
            }
            before = after;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans of releases: each its versions with the commits that began them; an empty one ends it.
    fn spans(releases: &[&[(i64, &str)]]) -> Vec<VersionSpan> {
        let mut all = Vec::new();
        for (release_id, told) in (0..).zip(releases) {
            for (place, (from, version)) in told.iter().enumerate().filter(|(_, (_, version))| !version.is_empty()) {
                all.push(VersionSpan {
                    release_id,
                    repository_id: Uuid::nil(),
                    chart_id: Some(1),
                    chart_name: None,
                    release_name: None,
                    version: Some((*version).to_owned()),
                    from_sequence: *from,
                    from_time: *from,
                    to_sequence: told.get(place + 1).map(|(next, _)| *next),
                });
            }
        }
        all
    }

    fn told<'s>(steps: impl Iterator<Item = Step<'s>>) -> Vec<(i64, i64, i64, usize)> {
        steps.map(|step| (step.after.release_id, step.left, step.after.from_sequence, step.steps)).collect()
    }

    #[test]
    fn a_way_leads_over_versions_between_without_a_gap() {
        let spans = spans(&[
            // The place of the release changed with the third commit, and that of the next version with the fifth.
            &[(1, "1.0"), (3, "1.0"), (4, "1.1"), (5, "1.1"), (6, "1.1.1"), (8, "1.2"), (9, "2.0")],
            // At once is a step, and no way.
            &[(1, "1.0"), (2, "1.2")],
            // Beyond, and back.
            &[(1, "1.0"), (2, "1.3"), (3, "1.2")],
            // Back to the first before it was left for good, by two ways.
            &[(1, "1.0"), (2, "1.1"), (3, "1.0"), (4, "1.1"), (5, "1.2"), (6, "1.0"), (7, "1.0.1"), (8, "1.2")],
            // Gone between.
            &[(1, "1.0"), (2, "1.1"), (3, ""), (4, "1.2")],
            &[(1, "1.1"), (2, "1.2")],
        ]);
        assert_eq!(told(ways(&spans, "1.0", "1.2")), [(0, 4, 8, 3), (3, 4, 5, 2), (3, 7, 8, 2)]);
        assert!(told(ways(&spans, "1.2", "1.0")).is_empty());
        assert!(told(ways(&spans, "1.3", "1.0")).is_empty());
        assert!(told(ways(&spans, "1.0", "9")).is_empty());
        assert_eq!(told(steps(&spans).filter(|step| step.from == "1.0" && step.to == "1.2")), [(1, 2, 2, 1)]);
    }

    #[test]
    fn what_is_only_written_otherwise_is_no_upgrade_and_no_way_back() {
        let spans = spans(&[&[(1, "1.0.0"), (2, "v1.1.0"), (3, "1.1.0"), (4, "v1.1.0"), (5, "1.1.0+1")]]);
        let told: Vec<_> = steps(&spans).map(|step| (step.to, step.is_upgrade(), step.is_rolled_back())).collect();
        let same = |to| (to, false, false);
        assert_eq!(told, [("v1.1.0", true, false), same("1.1.0"), same("v1.1.0"), same("1.1.0+1")]);
    }

    #[test]
    fn another_spelling_on_the_way_ends_no_way_and_makes_none_of_a_step() {
        let spans = spans(&[
            &[(1, "1.0"), (2, "v1.5"), (3, "1.5"), (4, "2.0")],
            &[(1, "2.0"), (2, "1.5"), (3, "v1.5"), (4, "1.0")],
            // The way begins with the last commit that had the first version as it is asked for.
            &[(1, "1.0"), (2, "v1.0"), (3, "1.0"), (4, "2.0")],
            &[(1, "1.0"), (2, "v1.0"), (3, "1.0"), (4, "v1.0"), (5, "2.0")],
            &[(1, "1.0"), (2, "1.5"), (3, "main"), (4, "2.0")],
        ]);
        assert_eq!(told(ways(&spans, "1.0", "2.0")), [(0, 2, 4, 3), (3, 4, 5, 2)]);
        assert_eq!(told(ways(&spans, "2.0", "1.0")), [(1, 2, 4, 3)]);
        assert!(told(ways(&spans, "1.0", "1.0")).is_empty());
    }

    #[test]
    fn ways_lead_down_too_and_nowhere_among_what_has_no_order() {
        let spans = spans(&[&[(1, "2.0"), (2, "1.5"), (3, "1.0")], &[(1, "main"), (2, "next"), (3, "latest")]]);
        assert_eq!(told(ways(&spans, "2.0", "1.0")), [(0, 2, 3, 2)]);
        assert!(told(ways(&spans, "main", "latest")).is_empty());
        let back = spans_of_rollback();
        let rolled: Vec<bool> = ways(&back, "1.0", "1.2").map(|way| way.is_rolled_back()).collect();
        assert_eq!(rolled, [true]);
    }

    fn spans_of_rollback() -> Vec<VersionSpan> {
        spans(&[&[(1, "1.0"), (2, "1.1"), (3, "1.2"), (4, "1.1")]])
    }
}
