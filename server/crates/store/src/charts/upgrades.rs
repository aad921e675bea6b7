//! Steps between versions: who made them, and what they had to change.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::changed::{Way, changed_paths};
use super::steps::{Step, VersionSpan, steps, ways};
use super::{ConnectionTrait, Result, commits_of, compare_versions, origins_of, time};
use crate::db::select::MAX_PAGE;
use entity::table::chart_use;
use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, PageQuery, Timestamp, web_url};

/// Releases of the newest upgrades that are looked at for what changed with them, a hundred by one question.
const LOOKED_AT: usize = 300;

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
        self.steps.iter().map(|step| (step.after.release_id, step.left, step.after.from_sequence))
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
    use chart_use::Column::{FromSequence, ReleaseId};
    let mut spans = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(chart));
    if let Some(at) = at {
        spans = spans.filter(chart_use::Column::FromTime.lte(at.timestamp()));
    }
    let spans = spans.order_by_asc(ReleaseId).order_by_asc(FromSequence);
    let spans: Vec<VersionSpan> = spans.into_partial_model().all(c).await?;
    let known: HashSet<&str> = spans.iter().filter_map(|span| span.version.as_deref()).collect();
    let mut versions: Vec<String> = known.into_iter().map(str::to_owned).collect();
    versions.sort_by(|a, b| compare_versions(b, a));
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
        releases_so_far += upgrade.steps.len();
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
            changed: changed_with(upgrade).into_iter().collect(),
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
