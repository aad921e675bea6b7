//! Sources that count for another chart than before, as the rules say now that group them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};

use crate::db::Result;
use crate::db::select::is_any;
use entity::input::FoundChartSource;
use entity::table::{chart, chart_alias, chart_source};

/// Names that are asked for together.
const TOGETHER: usize = 500;

/// Lets sources that are stored count for the charts that a scan found them to be of. Gives back the keys that the former charts had
/// and that nothing else leads on from, each with the chart to which its source went. Where no rule has changed nothing is written.
///
/// From what a source comes to count for no key leads elsewhere any more, so that no keys lead to each other in a circle.
pub(super) async fn regroup(
    c: &impl ConnectionTrait,
    sources: &BTreeMap<i64, &FoundChartSource>,
) -> Result<Vec<(String, i64)>> {
    use chart_source::Column::{ChartId, Id, Key};
    let mut stored: HashMap<i64, i64> = HashMap::new();
    let ids: Vec<i64> = sources.keys().copied().collect();
    for these in ids.chunks(TOGETHER) {
        let these = chart_source::Entity::find().filter(is_any(Id.into_expr(), these.iter().copied()));
        stored.extend(these.select_only().columns([Id, ChartId]).into_tuple::<(i64, i64)>().all(c).await?);
    }
    let is_changed = |source: &&FoundChartSource| stored.get(&source.id) != Some(&source.chart_id);
    let changed: Vec<&FoundChartSource> = sources.values().copied().filter(is_changed).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    // By source: from which chart, and to which. In their order, as two scans may move the same ones.
    let mut moves: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for source in &changed {
        if let Some(from) = stored.get(&source.id) {
            moves.insert(source.id, (*from, source.chart_id));
        }
    }
    // The place that gives a chart its key is one of its places, though this scan may not have met it.
    let charts: BTreeMap<&str, i64> =
        changed.iter().map(|source| (source.chart_key.as_str(), source.chart_id)).collect();
    let keys: Vec<&str> = charts.keys().copied().collect();
    for these in keys.chunks(TOGETHER) {
        let own = chart_source::Entity::find().filter(is_any(Key.into_expr(), these.iter().copied()));
        let own: Vec<(i64, String, i64)> = own.select_only().columns([Id, Key, ChartId]).into_tuple().all(c).await?;
        for (id, key, from) in own {
            if let Some(to) = charts.get(key.as_str())
                && *to != from
                && !sources.contains_key(&id)
            {
                moves.insert(id, (from, *to));
            }
        }
    }
    let standing: BTreeSet<&str> = changed.iter().flat_map(|source| [&*source.key, &*source.chart_key]).collect();
    let standing: Vec<&str> = standing.into_iter().collect();
    for these in standing.chunks(TOGETHER) {
        let these = is_any(chart_alias::Column::Alias.into_expr(), these.iter().copied());
        chart_alias::Entity::delete_many().filter(these).exec(c).await?;
    }
    for (id, (_, to)) in &moves {
        let moved = chart_source::ActiveModel { chart_id: Set(*to), ..Default::default() };
        chart_source::Entity::update_many().set(moved).filter(chart_source::COLUMN.id.eq(*id)).exec(c).await?;
    }
    let former = former_keys(c, moves.values().map(|(from, _)| *from).collect()).await?;
    let lead_on = |(from, to): &(i64, i64)| {
        let key = former.get(from).filter(|key| standing.binary_search(&key.as_str()).is_err())?;
        Some((key.clone(), *to))
    };
    Ok(moves.values().filter_map(lead_on).collect())
}

/// The keys of charts by their ids, but of those that have the key of a source: that leads to its chart by itself.
async fn former_keys(c: &impl ConnectionTrait, ids: BTreeSet<i64>) -> Result<HashMap<i64, String>> {
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut former: HashMap<i64, String> = HashMap::new();
    for these in ids.chunks(TOGETHER) {
        let charts = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), these.iter().copied()));
        let columns = [chart::Column::Id, chart::Column::Key];
        let charts: Vec<(i64, String)> = charts.select_only().columns(columns).into_tuple().all(c).await?;
        let keys = is_any(chart_source::Column::Key.into_expr(), charts.iter().map(|(_, key)| key.clone()));
        let own = chart_source::Entity::find().filter(keys).select_only().column(chart_source::Column::Key);
        let own: Vec<String> = own.into_tuple().all(c).await?;
        let own: HashSet<String> = own.into_iter().collect();
        former.extend(charts.into_iter().filter(|(_, key)| !own.contains(key)));
    }
    Ok(former)
}
