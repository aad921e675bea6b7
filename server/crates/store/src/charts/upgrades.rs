//! Steps between versions: who made them, and what they had to change.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::{Condition, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::values::changed_paths;
use super::{ConnectionTrait, Result, STAYED_DAYS, compare_versions, time};
use crate::db::select::is_any;
use entity::kind::Provider;
use entity::table::{chart_use, repository, use_commit};
use entity::value::ObjectId;
use entity::view::{ChangedPath, ChartUpgrade, ChartUpgrades, Timestamp, web_url};

/// Upgrades that are told, the newest, and looked at for what changed with them.
const TOLD: usize = 100;

#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
struct Row {
    release_id: i64,
    repository_id: Uuid,
    release_name: Option<String>,
    version: Option<String>,
    from_sequence: i64,
    from_time: i64,
}

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
    let spans: Vec<Row> = spans.into_partial_model().all(c).await?;
    let known: HashSet<&str> = spans.iter().filter_map(|span| span.version.as_deref()).collect();
    let mut versions: Vec<String> = known.into_iter().map(str::to_owned).collect();
    versions.sort_by(|a, b| compare_versions(b, a));
    let mut steps: Vec<(&Row, &Row, bool)> = Vec::new();
    for (place, pair) in spans.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let (Some(old), Some(new)) = (before.version.as_deref(), after.version.as_deref()) else { continue };
        let wanted = from.is_none_or(|from| from == old) && to.is_none_or(|to| to == new);
        if before.release_id != after.release_id || old == new || !wanted {
            continue;
        }
        // Without a choice only what goes up is an upgrade.
        if from.is_none() && to.is_none() && compare_versions(old, new).is_gt() {
            continue;
        }
        let later = spans[place + 2..].iter().take_while(|one| one.release_id == after.release_id);
        let mut soon = later.take_while(|one| one.from_time - after.from_time <= STAYED_DAYS * 86_400);
        let back = soon.any(|one| one.version.as_deref().is_some_and(|other| compare_versions(other, new).is_lt()));
        steps.push((before, after, back));
    }
    steps.sort_by(|(_, a, _), (_, b, _)| b.from_time.cmp(&a.from_time).then(a.release_id.cmp(&b.release_id)));
    let (count, rolled_back) = (steps.len(), steps.iter().filter(|(.., back)| *back).count());
    steps.truncate(TOLD);
    let places: Vec<(i64, i64)> = steps.iter().map(|(_, after, _)| (after.release_id, after.from_sequence)).collect();
    let mut changed = changed_paths(c, &places).await?;
    let mut by_path: BTreeMap<&str, i64> = BTreeMap::new();
    for path in changed.values().flatten() {
        *by_path.entry(path).or_default() += 1;
    }
    let mut paths: Vec<ChangedPath> =
        by_path.into_iter().map(|(path, upgrades)| ChangedPath { path: path.to_owned(), upgrades }).collect();
    paths.sort_by(|a, b| b.upgrades.cmp(&a.upgrades).then_with(|| a.path.cmp(&b.path)));
    let commits = commits(c, steps.iter().map(|(_, after, _)| (after.repository_id, after.from_sequence))).await?;
    let repositories = repositories(c, steps.iter().map(|(_, after, _)| after.repository_id)).await?;
    let shown = |(before, after, back): (&Row, &Row, bool)| {
        let commit = commits.get(&(after.repository_id, after.from_sequence))?.to_string();
        let (name, provider, base) = repositories.get(&after.repository_id)?;
        Some(ChartUpgrade {
            release_id: after.release_id.to_string(),
            repository_id: after.repository_id,
            repository: name.clone(),
            release_name: after.release_name.clone(),
            from: before.version.clone()?,
            to: after.version.clone()?,
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

/// Commits by repository and place on its line.
async fn commits(
    c: &impl ConnectionTrait,
    places: impl Iterator<Item = (Uuid, i64)>,
) -> Result<HashMap<(Uuid, i64), ObjectId>> {
    use use_commit::Column::{RepositoryId, Sequence, Sha};
    let mut sequences: HashMap<Uuid, HashSet<i64>> = HashMap::new();
    for (repository, sequence) in places {
        sequences.entry(repository).or_default().insert(sequence);
    }
    if sequences.is_empty() {
        return Ok(HashMap::new());
    }
    let these = sequences.into_iter().fold(Condition::any(), |any, (repository, sequences)| {
        let there = is_any(Sequence.into_expr(), sequences);
        any.add(use_commit::COLUMN.repository_id.eq(repository).and(there))
    });
    let rows = use_commit::Entity::find().filter(these).select_only().columns([RepositoryId, Sequence, Sha]);
    let rows: Vec<(Uuid, i64, ObjectId)> = rows.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(repository, sequence, sha)| ((repository, sequence), sha)).collect())
}

/// Names and addresses of repositories.
async fn repositories(
    c: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, (String, Provider, Option<String>)>> {
    use repository::Column::{FullName, Id, Provider as Of, WebUrl};
    let these = is_any(Id.into_expr(), ids.collect::<HashSet<_>>());
    let rows = repository::Entity::find().filter(these).select_only().columns([Id, FullName, Of, WebUrl]);
    let rows: Vec<(Uuid, String, Provider, Option<String>)> = rows.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(id, name, provider, base)| (id, (name, provider, base))).collect())
}
