//! One chart: its versions, who came when, who stayed.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::in_use::{UsedVersion, most_used, newest};
use super::steps::goes_up;
use super::version::is_lower;
use super::version_lines::versions_over_time;
use super::{ConnectionTrait, FEW, LATER, Result, STAYED_DAYS, adoption, compare_versions, stars_of, time};
use crate::db::select::is_counted;
use entity::kind::{ChartUseKind, VersionKind};
use entity::table::{chart, chart_source, chart_use};
use entity::view::{ChartDetail, ChartKindCount, ChartSource, ChartSummary, ChartVersion, Timestamp};

/// Days for which a version is told that nobody has any more.
const LATELY_DAYS: i64 = 90;

/// A span of a use, as far as its versions go.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
struct UseSpan {
    release_id: i64,
    repository_id: Uuid,
    version: Option<String>,
    version_kind: VersionKind,
    chart_name: Option<String>,
    kind: ChartUseKind,
    source_id: Option<i64>,
    from_sequence: i64,
    from_time: i64,
    to_sequence: Option<i64>,
    to_time: Option<i64>,
}

impl UseSpan {
    fn covers(&self, at: i64) -> bool {
        self.from_time <= at && self.to_time.is_none_or(|to| to > at)
    }
}

/// A chart by its id.
pub async fn find_chart(
    c: &impl ConnectionTrait,
    id: i64,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<ChartDetail>> {
    use chart_use::Column::{ChartId, FromSequence, ReleaseId, RepositoryId};
    let Some(chart) = chart::Entity::find_by_id(id).one(c).await? else { return Ok(None) };
    let spans = chart_use::Entity::find().filter(ChartId.eq(id)).filter(is_counted(RepositoryId));
    let spans = spans.order_by_asc(ReleaseId).order_by_asc(FromSequence);
    let mut spans: Vec<UseSpan> = spans.into_partial_model().all(c).await?;
    let moment = at.unwrap_or(now).timestamp();
    if at.is_some() {
        // As it was then: what came later is not known yet.
        spans.retain(|span| span.from_time <= moment);
        for span in &mut spans {
            span.to_time = span.to_time.filter(|to| *to <= moment);
        }
    }
    let open: Vec<&UseSpan> = spans.iter().filter(|span| span.to_time.is_none()).collect();
    let repositories: HashSet<Uuid> = open.iter().map(|span| span.repository_id).collect();
    let releases: HashSet<i64> = open.iter().map(|span| span.release_id).collect();
    let stars = stars_of(c, &repositories.iter().copied().collect::<Vec<_>>()).await?;
    let before = |days: i64| {
        let then = (at.unwrap_or(now) - TimeDelta::days(days)).timestamp();
        count(
            spans.iter().filter(|span| span.covers(then)).map(|span| span.repository_id).collect::<HashSet<_>>().len(),
        )
    };
    let mut versions: BTreeMap<&str, i64> = BTreeMap::new();
    let mut in_use: BTreeMap<(&str, VersionKind), i64> = BTreeMap::new();
    for span in &open {
        if let Some(version) = span.version.as_deref() {
            *versions.entry(version).or_default() += 1;
            *in_use.entry((version, span.version_kind)).or_default() += 1;
        }
    }
    let in_use = used_versions(&in_use);
    let most = most_used(&in_use);
    let summary = ChartSummary {
        id,
        key: chart.key,
        name: chart.name,
        repositories: count(repositories.len()),
        releases: count(releases.len()),
        newest_version: newest(&in_use),
        most_used_version: most.map(|one| one.version.clone()),
        most_used_releases: most.map_or(0, |one| one.releases),
        stars: (!stars.is_empty()).then(|| stars.values().sum()),
        change_30_days: count(repositories.len()) - before(30),
        change_90_days: count(repositories.len()) - before(90),
    };
    let mut kinds: BTreeMap<ChartUseKind, i64> = BTreeMap::new();
    for span in &open {
        *kinds.entry(span.kind).or_default() += 1;
    }
    let mut kinds: Vec<ChartKindCount> =
        kinds.into_iter().map(|(kind, releases)| ChartKindCount { kind, releases }).collect();
    kinds.sort_by_key(|one| std::cmp::Reverse(one.releases));
    let uses: Vec<(Uuid, i64, i64, Option<i64>)> =
        spans.iter().map(|span| (span.repository_id, span.release_id, span.from_time, span.to_time)).collect();
    let of_versions = spans.iter().filter_map(|span| Some((span.version.as_deref()?, span.from_time, span.to_time)));
    let last_upgrade =
        spans.windows(2).filter(|pair| is_upgrade(&pair[0], &pair[1])).map(|pair| pair[1].from_time).max();
    Ok(Some(ChartDetail {
        sources: sources(c, id, &open).await?,
        first_used_at: spans.iter().map(|span| span.from_time).min().map(time),
        last_upgrade_at: last_upgrade.map(time),
        versions: versions_of(&spans, &versions, moment),
        versions_over_time: versions_over_time(of_versions, moment),
        adoption: adoption(&uses, moment),
        kinds,
        chart: summary,
    }))
}

fn used_versions(versions: &BTreeMap<(&str, VersionKind), i64>) -> Vec<UsedVersion> {
    let used = |((version, kind), releases): (&(&str, VersionKind), &i64)| UsedVersion {
        version: (*version).to_owned(),
        kind: *kind,
        releases: *releases,
    };
    versions.iter().map(used).collect()
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether the second is the same release with a higher version.
fn is_upgrade(before: &UseSpan, after: &UseSpan) -> bool {
    let (Some(from), Some(to)) = (before.version.as_deref(), after.version.as_deref()) else { return false };
    // Not by their times: commits with the same one may have gone by between them.
    let at_once = before.to_sequence == Some(after.from_sequence);
    before.release_id == after.release_id && at_once && goes_up(from, to)
}

async fn sources(c: &impl ConnectionTrait, chart: i64, open: &[&UseSpan]) -> Result<Vec<ChartSource>> {
    #[derive(Default)]
    struct Users<'s> {
        repositories: HashSet<Uuid>,
        versions: BTreeMap<(&'s str, VersionKind), i64>,
        names: BTreeMap<&'s str, i64>,
    }
    let mut users: HashMap<i64, Users<'_>> = HashMap::new();
    for span in open {
        let Some(source) = span.source_id else { continue };
        let users = users.entry(source).or_default();
        users.repositories.insert(span.repository_id);
        if let Some(version) = span.version.as_deref() {
            *users.versions.entry((version, span.version_kind)).or_default() += 1;
        }
        if let Some(name) = span.chart_name.as_deref() {
            *users.names.entry(name).or_default() += 1;
        }
    }
    let rows = chart_source::Entity::find().filter(chart_source::COLUMN.chart_id.eq(chart));
    let source = |row: chart_source::Model| {
        let users = users.get(&row.id);
        let versions = users.into_iter().flat_map(|users| used_versions(&users.versions)).collect::<Vec<_>>();
        let name = users.and_then(|users| users.names.iter().max_by_key(|(_, times)| **times));
        let last = || row.key.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        ChartSource {
            name: name.map_or_else(|| last().to_owned(), |(name, _)| (*name).to_owned()),
            newest_version: newest(&versions),
            repositories: users.map_or(0, |users| count(users.repositories.len())),
            key: row.key,
            url: row.url,
        }
    };
    let mut sources: Vec<ChartSource> = rows.all(c).await?.into_iter().map(source).collect();
    // What nobody takes it from is of no use, but for a chart that nobody has any more.
    if !users.is_empty() {
        sources.retain(|source| source.repositories > 0);
    }
    sources.sort_by(|a, b| b.repositories.cmp(&a.repositories).then_with(|| a.key.cmp(&b.key)));
    Ok(sources)
}

/// Every version in use, and those that so many had lately that it tells why nobody has them any more; highest first.
fn versions_of(spans: &[UseSpan], in_use: &BTreeMap<&str, i64>, now: i64) -> Vec<ChartVersion> {
    struct Came {
        /// When each release had it first.
        times: Vec<i64>,
        /// When the last release left it.
        left: i64,
        seen: HashSet<i64>,
        /// Of those who came seven days ago or earlier, how many stayed.
        stayed: usize,
        stayed_of: usize,
    }
    let week = STAYED_DAYS * 86_400;
    let mut came: HashMap<&str, Came> = HashMap::new();
    for (place, span) in spans.iter().enumerate() {
        let Some(version) = span.version.as_deref() else { continue };
        let of = came.entry(version).or_insert_with(|| Came {
            times: Vec::new(),
            left: 0,
            seen: HashSet::new(),
            stayed: 0,
            stayed_of: 0,
        });
        of.left = of.left.max(span.to_time.unwrap_or(now));
        let before = place.checked_sub(1).map(|place| &spans[place]).filter(|one| one.release_id == span.release_id);
        if before.is_some_and(|before| before.version == span.version) || !of.seen.insert(span.release_id) {
            continue;
        }
        of.times.push(span.from_time);
        if span.from_time + week <= now {
            of.stayed_of += 1;
            let later = spans[place + 1..].iter().take(LATER).take_while(|one| one.release_id == span.release_id);
            let left = later
                .take_while(|one| one.from_time - span.from_time <= week)
                .any(|one| one.version.as_deref().is_some_and(|other| is_lower(other, version)));
            of.stayed += usize::from(!left);
        }
    }
    let is_told = |version: &str, of: &Came| {
        in_use.contains_key(version) || (of.times.len() >= FEW && of.left >= now - LATELY_DAYS * 86_400)
    };
    let mut versions: Vec<ChartVersion> = came
        .into_iter()
        .filter(|(version, of)| is_told(version, of))
        .filter_map(|(version, mut of)| {
            of.times.sort_unstable();
            let first = *of.times.first()?;
            #[expect(clippy::cast_precision_loss, reason = "days and shares are shown with one digit")]
            let days = |seconds: i64| seconds as f64 / 86_400.0;
            #[expect(clippy::cast_precision_loss, reason = "days and shares are shown with one digit")]
            let share = |part: usize, of: usize| part as f64 / of as f64;
            Some(ChartVersion {
                version: version.to_owned(),
                releases: in_use.get(version).copied().unwrap_or(0),
                ever: count(of.times.len()),
                first_used_at: time(first),
                days_to_half: (of.times.len() >= FEW).then(|| days(of.times[(of.times.len() - 1) / 2] - first)),
                stayed: (of.stayed_of >= FEW).then(|| share(of.stayed, of.stayed_of)),
                stayed_of: count(of.stayed_of),
            })
        })
        .collect();
    versions.sort_by(|a, b| compare_versions(&b.version, &a.version));
    versions
}
