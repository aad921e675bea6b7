//! Steps between versions: who made them, and what they had to change.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::changed::{Way, changed_paths};
use super::steps::{Step, VersionSpan, steps, ways};
use super::{ConnectionTrait, Result, commits_of, compare_versions, origins_of, time};
use crate::db::select::{MAX_PAGE, is_counted};
use entity::table::chart_use;
use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, PageQuery, Timestamp, web_url};

/// Releases of the newest upgrades that are looked at for what changed with them, a hundred by one question.
const LOOKED_AT: usize = 300;
/// Releases of one upgrade that are: what a source moves at once is set alike.
const OF_ONE: usize = 50;
/// Versions to choose from.
const VERSIONS: usize = 500;
/// Paths that are told of one upgrade, and of all.
const PATHS: usize = 500;

/// A step that releases of a repository made with the same commits.
struct Upgrade<'s> {
    steps: Vec<Step<'s>>,
    rolled_back: bool,
}

impl Upgrade<'_> {
    fn first(&self) -> &VersionSpan {
        self.steps[0].after
    }

    /// Where its values may have changed.
    fn ways(&self) -> impl Iterator<Item = Way> {
        self.steps.iter().take(OF_ONE).map(|step| (step.after.release_id, step.left, step.after.from_sequence))
    }

    /// How many times the version changed.
    fn steps(&self) -> usize {
        self.steps.iter().map(|step| step.steps).max().unwrap_or(1)
    }
}

/// Upgrades of a chart from one version to another; from any, to any, where none is named. One page of them. Between two that are
/// named, they count that were made by several commits as well.
pub async fn list_upgrades(
    c: &impl ConnectionTrait,
    chart: i64,
    (from, to): (Option<&str>, Option<&str>),
    at: Option<Timestamp>,
    page: PageQuery,
) -> Result<ChartUpgrades> {
    use chart_use::Column::{FromSequence, ReleaseId, RepositoryId};
    let mut spans = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(chart));
    spans = spans.filter(is_counted(RepositoryId));
    if let Some(at) = at {
        spans = spans.filter(chart_use::Column::FromTime.lte(at.timestamp()));
    }
    let spans = spans.order_by_asc(ReleaseId).order_by_asc(FromSequence);
    let spans: Vec<VersionSpan> = spans.into_partial_model().all(c).await?;
    let versions = versions_of(&spans);
    let wanted = |step: &Step<'_>| match (from, to) {
        // Without a choice only what goes up is an upgrade.
        (None, None) => step.is_upgrade(),
        (from, to) => from.is_none_or(|from| from == step.from) && to.is_none_or(|to| to == step.to),
    };
    let (first, second) = from.zip(to).unwrap_or_default();
    let by_several = from.zip(to).is_some().then(|| ways(&spans, first, second));
    let made: Vec<Step<'_>> = steps(&spans).filter(wanted).chain(by_several.into_iter().flatten()).collect();
    let releases = made.len();
    let upgrades = folded(made.into_iter());
    let by_several = upgrades.iter().filter(|upgrade| upgrade.steps() > 1).count();
    let rolled_back = upgrades.iter().filter(|upgrade| upgrade.rolled_back).count();
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX).min(upgrades.len());
    let limit = usize::try_from(std::cmp::min(page.limit, MAX_PAGE)).unwrap_or(usize::MAX);
    let shown = &upgrades[skip..skip.saturating_add(limit).min(upgrades.len())];
    let mut releases_so_far = 0;
    let few = upgrades.iter().take_while(|upgrade| {
        releases_so_far += upgrade.steps.len().min(OF_ONE);
        releases_so_far <= LOOKED_AT
    });
    // One at least, however many releases it moved.
    let newest = &upgrades[..few.count().max(upgrades.len().min(1))];
    let looked_at: HashSet<Way> = newest.iter().chain(shown).flat_map(Upgrade::ways).collect();
    let changed = changed_paths(c, &looked_at.into_iter().collect::<Vec<_>>()).await?;
    let changed_with = |upgrade: &Upgrade<'_>| -> BTreeSet<String> {
        upgrade.ways().filter_map(|way| changed.get(&way)).flatten().cloned().collect()
    };
    let mut by_path: BTreeMap<String, i64> = BTreeMap::new();
    for path in newest.iter().flat_map(changed_with) {
        *by_path.entry(path).or_default() += 1;
    }
    let mut paths: Vec<ChangedPath> =
        by_path.into_iter().map(|(path, upgrades)| ChangedPath { path, upgrades }).collect();
    paths.sort_by(|a, b| b.upgrades.cmp(&a.upgrades).then_with(|| a.path.cmp(&b.path)));
    paths.truncate(PATHS);
    let places = || shown.iter().map(|upgrade| (upgrade.first().repository_id, upgrade.first().from_sequence));
    let commits = commits_of(c, places()).await?;
    let repositories = origins_of(c, places().map(|(repository, _)| repository)).await?;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let told = |upgrade: &Upgrade<'_>| {
        let (step, after) = (&upgrade.steps[0], upgrade.first());
        let commit = commits.get(&(after.repository_id, after.from_sequence))?.to_string();
        let (name, provider, base) = repositories.get(&after.repository_id)?;
        Some(ChartUpgrade {
            release_id: after.release_id.to_string(),
            repository_id: after.repository_id,
            repository: name.clone(),
            release_name: after.release_name.clone(),
            releases: number(upgrade.steps.len()),
            from: step.from.to_owned(),
            to: step.to.to_owned(),
            steps: number(upgrade.steps()),
            at: time(after.from_time),
            web_url: web_url(*provider, base.as_deref(), &commit, None, None),
            commit,
            changed: changed_with(upgrade).into_iter().take(PATHS).collect(),
            rolled_back: upgrade.rolled_back,
        })
    };
    Ok(ChartUpgrades {
        upgrades: shown.iter().filter_map(told).collect(),
        count: number(upgrades.len()),
        releases: number(releases),
        by_several: number(by_several),
        rolled_back: number(rolled_back),
        changed: paths,
        looked_at: number(newest.len()),
        versions,
    })
}

/// Versions that releases have had, the highest first; where there are too many to choose from, those that most had.
fn versions_of(spans: &[VersionSpan]) -> Vec<String> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for version in spans.iter().filter_map(|span| span.version.as_deref()) {
        *times.entry(version).or_default() += 1;
    }
    let mut versions: Vec<(&str, usize)> = times.into_iter().collect();
    versions.sort_by_key(|(_, times)| Reverse(*times));
    versions.truncate(VERSIONS);
    versions.sort_by(|(a, _), (b, _)| compare_versions(b, a));
    versions.into_iter().map(|(version, _)| version.to_owned()).collect()
}

/// Steps of one repository, commit and pair of versions together, the newest first: a shared source moves many releases at once.
fn folded<'s>(steps: impl Iterator<Item = Step<'s>>) -> Vec<Upgrade<'s>> {
    let mut by_commit: BTreeMap<_, Upgrade<'s>> = BTreeMap::new();
    for step in steps {
        let after = step.after;
        let commits = (after.from_sequence, step.left);
        let key = (Reverse(after.from_time), after.repository_id, commits, step.from, step.to);
        let upgrade = by_commit.entry(key).or_insert_with(|| Upgrade { steps: Vec::new(), rolled_back: false });
        upgrade.rolled_back |= step.is_rolled_back();
        upgrade.steps.push(step);
    }
    by_commit.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn span(release_id: i64, version: &str) -> VersionSpan {
        VersionSpan {
            release_id,
            repository_id: Uuid::nil(),
            chart_id: Some(1),
            chart_name: None,
            release_name: None,
            version: Some(version.to_owned()),
            from_sequence: release_id,
            from_time: release_id,
            to_sequence: None,
        }
    }

    #[test]
    fn versions_to_choose_from_are_those_that_most_had() {
        let mut spans = vec![span(1, "1.9.0"), span(2, "1.10.0"), span(3, "1.9.0")];
        assert_eq!(versions_of(&spans), ["1.10.0", "1.9.0"]);
        // One that counts up for years crowds out nobody.
        spans.extend((0..2_000).map(|minor| span(10 + minor, &format!("9.{minor}.0"))));
        spans.extend([span(4, "1.10.0")]);
        let versions = versions_of(&spans);
        assert_eq!((versions.len(), versions[498].as_str(), versions[499].as_str()), (500, "1.10.0", "1.9.0"));
    }

    #[test]
    fn what_a_source_moves_at_once_is_looked_at_for_some_of_it() {
        let mut spans = Vec::new();
        for release in 0..120 {
            spans.push(VersionSpan { from_sequence: 1, from_time: 1, to_sequence: Some(2), ..span(release, "1.0.0") });
            spans.push(VersionSpan { from_sequence: 2, from_time: 2, ..span(release, "1.1.0") });
        }
        let upgrades = folded(steps(&spans));
        assert_eq!((upgrades.len(), upgrades[0].steps.len(), upgrades[0].ways().count()), (1, 120, 50));
    }
}
