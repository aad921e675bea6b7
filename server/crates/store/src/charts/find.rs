//! Charts by the names that lead to them.

use std::collections::HashMap;

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use uuid::Uuid;

use super::{ConnectionTrait, Result, compare_versions, uses_at};
use crate::db::pattern::{contains, named};
use crate::db::select::{count_all, if_counted, is_any, is_counted, is_like};
use entity::table::{chart, chart_alias, chart_source, chart_use};
use entity::view::{SharedUse, Timestamp};

/// Changes of the rules that group charts which one key is followed through.
const STEPS: usize = 8;

/// The id and key of a chart by its key, whatever the spelling of its source; of one that got another key since, by the
/// old one. Its own key leads to it too, so that an address is sent on once.
pub async fn chart_by_key(c: &impl ConnectionTrait, key: &str) -> Result<Option<(i64, String)>> {
    let mut key = key.to_lowercase();
    let mut found = None;
    for _ in 0..STEPS {
        let Some(next) = lead_on(c, &key).await? else { break };
        let is_there = next.1 == key;
        key.clone_from(&next.1);
        found = Some(next);
        if is_there {
            break;
        }
    }
    Ok(found)
}

/// One step from a key to the chart that it stands for.
async fn lead_on(c: &impl ConnectionTrait, key: &str) -> Result<Option<(i64, String)>> {
    let by_source = chart_source::Entity::find().filter(chart_source::COLUMN.key.eq(key));
    let of_source = by_source.select_only().column(chart_source::Column::ChartId).into_query();
    let named = chart::COLUMN.key.eq(key).or(chart::Column::Id.in_subquery(of_source));
    let charts = chart::Entity::find().filter(named).select_only().columns([chart::Column::Id, chart::Column::Key]);
    let found: Vec<(i64, String)> = charts.order_by_asc(chart::Column::Key).into_tuple().all(c).await?;
    // A source's own key may be a chart's key of old: the chart that its uses count for is the one.
    if let Some(moved) = found.iter().find(|(_, other)| *other != key) {
        return Ok(Some(moved.clone()));
    }
    let Some(own) = found.into_iter().next() else { return Ok(None) };
    // The key of a group may be that of no source: once no use counts for the chart, it leads to where its sources went.
    let former = chart_alias::Entity::find().filter(chart_alias::COLUMN.alias.eq(key));
    let to: Vec<i64> = former.select_only().column(chart_alias::Column::ChartId).into_tuple().all(c).await?;
    if to.is_empty() || is_used(c, own.0).await? {
        return Ok(Some(own));
    }
    Ok(most_used_of(c, to).await?.or(Some(own)))
}

/// Whether any use counts for a chart, or did.
async fn is_used(c: &impl ConnectionTrait, id: i64) -> Result<bool> {
    let used = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(id));
    let used = used.filter(is_counted(chart_use::Column::RepositoryId));
    let one: Option<i64> = used.select_only().column(chart_use::Column::Id).into_tuple().one(c).await?;
    Ok(one.is_some())
}

/// Of charts the one that is most used now; the first by its key, where none is.
async fn most_used_of(c: &impl ConnectionTrait, ids: Vec<i64>) -> Result<Option<(i64, String)>> {
    use chart_use::Column::{ChartId, RepositoryId};
    let uses = chart_use::Entity::find().filter(is_any(ChartId.into_expr(), ids.iter().copied())).filter(uses_at(None));
    let uses = uses.filter(is_counted(RepositoryId));
    let most = uses.select_only().column(ChartId).group_by(ChartId).order_by_desc(count_all()).order_by_asc(ChartId);
    let most: Option<Option<i64>> = most.into_tuple().one(c).await?;
    let these = most.flatten().map_or(ids, |id| vec![id]);
    let charts = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), these));
    let charts = charts.select_only().columns([chart::Column::Id, chart::Column::Key]);
    Ok(charts.order_by_asc(chart::Column::Key).into_tuple().one(c).await?)
}

/// The same by the first of several keys that leads anywhere.
pub async fn chart_by_keys(c: &impl ConnectionTrait, keys: &[String]) -> Result<Option<(i64, String)>> {
    for key in keys {
        if let Some(found) = chart_by_key(c, key).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The chart that people mean by a text: the one of that key, or of that name, or with that in its key; of several the one that
/// most used at a time.
pub async fn chart_by_text(
    c: &impl ConnectionTrait,
    text: &str,
    at: Option<Timestamp>,
) -> Result<Option<(i64, String)>> {
    if let Some(found) = chart_by_key(c, text).await? {
        return Ok(Some(found));
    }
    match most_used_like(c, named(text), at).await? {
        Some(found) => Ok(Some(found)),
        None => most_used_like(c, contains(text), at).await,
    }
}

/// Of the charts whose keys fit a pattern the one that most used at a time; the first, where nobody did.
async fn most_used_like(
    c: &impl ConnectionTrait,
    pattern: String,
    at: Option<Timestamp>,
) -> Result<Option<(i64, String)>> {
    use chart_use::Column::{ChartId, RepositoryId};
    let fitting = || chart::Entity::find().filter(is_like(chart::Column::Key.into_expr(), pattern.clone()));
    let first = fitting().select_only().columns([chart::Column::Id, chart::Column::Key]);
    let first = first.order_by_asc(chart::Column::Key).into_tuple::<(i64, String)>().one(c).await?;
    let Some(first) = first else { return Ok(None) };
    let users = RepositoryId.into_expr().count_distinct();
    let these = fitting().select_only().column(chart::Column::Id).into_query();
    let used = chart_use::Entity::find().filter(ChartId.in_subquery(these)).filter(uses_at(at));
    let used = used.filter(is_counted(RepositoryId));
    let used = used.select_only().column(ChartId).group_by(ChartId).order_by_desc(users).order_by_asc(ChartId);
    let most: Option<Option<i64>> = used.into_tuple().one(c).await?;
    match most.flatten() {
        Some(id) if id != first.0 => Ok(key_of_chart(c, id).await?.map(|key| (id, key))),
        _ => Ok(Some(first)),
    }
}

/// The key of the chart that kubesearch showed under a key; the one with most uses, where there are several.
pub async fn chart_by_alias(c: &impl ConnectionTrait, alias: &str) -> Result<Option<String>> {
    let named = chart_alias::Entity::find().filter(chart_alias::COLUMN.alias.eq(alias));
    let charts: Vec<i64> = named.select_only().column(chart_alias::Column::ChartId).into_tuple().all(c).await?;
    Ok(most_used_of(c, charts).await?.map(|(_, key)| key))
}

/// Names of resources are no longer.
const LONGEST_NAME: usize = 253;
/// Ends of a key that may be a name, the shortest first.
const ENDS: usize = 64;
/// Kubesearch took other places of bjw-s's chart for this one, and a chart of a registry to be called as the resource that fetches
/// it: keys of releases that have that name too lack the chart's.
const ALL_OF_BJW_S: &str = "ghcr.io-bjw-s-labs-charts";

/// The name of a release of a chart that one of kubesearch's keys ends with, where anybody has such a release: it had a page for
/// each name. A key that is made of the chart's name alone names none.
pub async fn release_by_alias(c: &impl ConnectionTrait, chart: i64, alias: &str) -> Result<Option<String>> {
    use chart_use::Column::{ChartName, Name, RepositoryId};
    let ends = alias.rmatch_indices('-').map(|(at, _)| &alias[at + 1..]).filter(|end| !end.is_empty());
    let ends: Vec<&str> = ends.take_while(|end| end.len() <= LONGEST_NAME).take(ENDS).collect();
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(chart)).filter(uses_at(None));
    let uses = uses
        .filter(is_any(Name.into_expr(), ends))
        .filter(is_counted(RepositoryId))
        .select_only()
        .columns([Name, ChartName])
        .distinct();
    let found: Vec<(Option<String>, Option<String>)> = uses.into_tuple().all(c).await?;
    let named = found.into_iter().filter_map(|(name, chart_name)| {
        let (name, chart_name) = (name?, chart_name?.to_lowercase());
        let before = alias.strip_suffix(name.as_str())?.strip_suffix('-')?;
        (name != chart_name && (before.ends_with(&chart_name) || before == ALL_OF_BJW_S)).then_some(name)
    });
    Ok(named.max_by_key(String::len))
}

/// The key of a chart by its id: whether there is such a chart is told by this at less cost than by all about it.
pub async fn key_of_chart(c: &impl ConnectionTrait, id: i64) -> Result<Option<String>> {
    let chart = chart::Entity::find_by_id(id).select_only().column(chart::Column::Key);
    Ok(chart.into_tuple().one(c).await?)
}

/// Charts that are installed by what stands at a place of a repository at a time: their keys and versions, and how many
/// repositories use each.
pub async fn installed_at(
    c: &impl ConnectionTrait,
    repository: Uuid,
    place: &str,
    at: Option<Timestamp>,
) -> Result<Vec<SharedUse>> {
    use chart_use::Column::{ChartId, FilePath, RepositoryId, Version};
    let here = chart_use::Entity::find().filter(chart_use::COLUMN.repository_id.eq(repository));
    let here = here.filter(FilePath.eq(place)).filter(uses_at(at)).filter(chart_use::COLUMN.chart_id.is_not_null());
    let here = here.select_only().columns([ChartId, Version]).distinct();
    let mut charts: HashMap<i64, Vec<String>> = HashMap::new();
    for (chart, version) in here.into_tuple::<(i64, Option<String>)>().all(c).await? {
        charts.entry(chart).or_default().extend(version);
    }
    if charts.is_empty() {
        return Ok(Vec::new());
    }
    let users = if_counted(RepositoryId).count_distinct();
    let these = is_any(ChartId.into_expr(), charts.keys().copied());
    let used = chart_use::Entity::find().inner_join(chart::Entity).filter(these).filter(uses_at(at)).select_only();
    let used = used.column(ChartId).column(chart::Column::Key).expr_as(users, "repositories");
    let used = used.group_by(ChartId).group_by(chart::Column::Key).order_by_asc(chart::Column::Key);
    let used: Vec<(i64, String, i64)> = used.into_tuple().all(c).await?;
    let shared = |(id, key, repositories): (i64, String, i64)| {
        let mut versions = charts.remove(&id).unwrap_or_default();
        versions.sort_by(|a, b| compare_versions(b, a));
        SharedUse { key, versions, repositories }
    };
    Ok(used.into_iter().map(shared).collect())
}
