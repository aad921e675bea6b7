//! Steps between versions: who made them, and what they had to change.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::steps::{Step, VersionSpan, steps};
use super::values::changed_paths;
use super::{ConnectionTrait, Result, commits_of, compare_versions, origins_of, time};
use entity::table::chart_use;
use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, Timestamp, web_url};

/// Upgrades that are told, the newest, and looked at for what changed with them.
const TOLD: usize = 100;

/// Upgrades of a chart from one version to another; from any, to any, where none is named.
pub async fn list_upgrades(
    c: &impl ConnectionTrait,
    chart: i64,
    from: Option<&str>,
    to: Option<&str>,
    at: Option<Timestamp>,
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
    let mut steps: Vec<(Step<'_>, bool)> =
        steps(&spans).filter(wanted).map(|step| (step, step.is_rolled_back())).collect();
    steps.sort_by_key(|(Step { after, .. }, _)| (Reverse(after.from_time), after.release_id));
    let (count, rolled_back) = (steps.len(), steps.iter().filter(|(_, back)| *back).count());
    steps.truncate(TOLD);
    let places: Vec<(i64, i64)> =
        steps.iter().map(|(step, _)| (step.after.release_id, step.after.from_sequence)).collect();
    let mut changed = changed_paths(c, &places).await?;
    let mut by_path: BTreeMap<&str, i64> = BTreeMap::new();
    for path in changed.values().flatten() {
        *by_path.entry(path).or_default() += 1;
    }
    let mut paths: Vec<ChangedPath> =
        by_path.into_iter().map(|(path, upgrades)| ChangedPath { path: path.to_owned(), upgrades }).collect();
    paths.sort_by(|a, b| b.upgrades.cmp(&a.upgrades).then_with(|| a.path.cmp(&b.path)));
    let commits =
        commits_of(c, steps.iter().map(|(step, _)| (step.after.repository_id, step.after.from_sequence))).await?;
    let repositories = origins_of(c, steps.iter().map(|(step, _)| step.after.repository_id)).await?;
    let shown = |(step, back): (Step<'_>, bool)| {
        let after = step.after;
        let commit = commits.get(&(after.repository_id, after.from_sequence))?.to_string();
        let (name, provider, base) = repositories.get(&after.repository_id)?;
        Some(ChartUpgrade {
            release_id: after.release_id.to_string(),
            repository_id: after.repository_id,
            repository: name.clone(),
            release_name: after.release_name.clone(),
            from: step.from.to_owned(),
            to: step.to.to_owned(),
            at: time(after.from_time),
            web_url: web_url(*provider, base.as_deref(), &commit, None, None),
            commit,
            changed: changed.remove(&(after.release_id, after.from_sequence)).unwrap_or_default(),
            rolled_back: back,
        })
    };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(ChartUpgrades {
        upgrades: steps.into_iter().filter_map(shown).collect(),
        count: number(count),
        rolled_back: number(rolled_back),
        changed: paths,
        versions,
    })
}
