//! Steps between versions: what counts as one, told the same for one chart and for all.

use sea_orm::DerivePartialModel;
use uuid::Uuid;

use super::STAYED_DAYS;
use super::version::{is_lower, is_ordered};
use entity::table::chart_use;

/// A span of a release, as far as steps between versions go.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
pub(crate) struct VersionSpan {
    pub release_id: i64,
    pub repository_id: Uuid,
    pub chart_id: Option<i64>,
    pub release_name: Option<String>,
    pub version: Option<String>,
    pub from_sequence: i64,
    pub from_time: i64,
    pub to_sequence: Option<i64>,
}

/// A release that left one version of its chart for another in one commit.
#[derive(Clone, Copy)]
pub(crate) struct Step<'s> {
    /// The span that the commit began.
    pub after: &'s VersionSpan,
    pub from: &'s str,
    pub to: &'s str,
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
        let later = self.later.iter().take_while(|one| one.release_id == after.release_id);
        let mut soon = later.take_while(|one| one.from_time - after.from_time <= most);
        soon.any(|one| {
            let version = one.version.as_deref().filter(|_| one.chart_id == after.chart_id);
            version.is_some_and(|version| is_lower(version, self.to))
        })
    }
}

/// Whether a step from one version to another is an upgrade: between digests and branches nothing is higher.
pub(super) fn goes_up(from: &str, to: &str) -> bool {
    is_ordered(from) && is_ordered(to) && !is_lower(to, from)
}

/// Every step within spans that are in the order of their releases and commits. What a release had before some commits
/// without the chart, or without a version, it did not leave for what it has now.
pub(crate) fn steps(spans: &[VersionSpan]) -> impl Iterator<Item = Step<'_>> {
    spans.windows(2).enumerate().filter_map(|(place, pair)| {
        let [before, after] = pair else { return None };
        let (from, to) = (before.version.as_deref()?, after.version.as_deref()?);
        let same = before.release_id == after.release_id && before.chart_id == after.chart_id;
        let at_once = before.to_sequence == Some(after.from_sequence);
        (same && at_once && from != to).then(|| Step { after, from, to, later: &spans[place + 2..] })
    })
}
