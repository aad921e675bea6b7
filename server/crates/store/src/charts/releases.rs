//! Releases: who uses a chart, and what a repository uses.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, JoinType};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use super::alike::alike;
use super::in_use::{UsedVersion, newest, versions_in_use};
use super::values::{MOST_RELEASES, path_ids};
use super::{ConnectionTrait, FEW, Result, called, compare_versions, covers, have_all, stars_of, time, uses_at};
use crate::db::select::{MAX_PAGE, count, count_all, is_any, is_counted, matching, paged};
use crate::resources::is_active;
use entity::kind::{Provider, VersionKind};
use entity::table::{chart, chart_use, chart_value, repository, repository_metrics, resource, use_commit};
use entity::value::{JsonText, ObjectId};
use entity::view::{ChartRelease, ChartReleaseFilter, ChartReleaseSort, Listing, Timestamp, file_of, web_url};

/// Places that are looked up together.
const PLACES: usize = 32;

#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
pub(super) struct Row {
    #[sea_orm(nested)]
    one: chart_use::Model,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository: String,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    base: Option<String>,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "repository::Column::ScannedCommit")]
    head: Option<ObjectId>,
    #[sea_orm(from_expr = "Expr::col((chart::Entity, chart::Column::Key))")]
    chart_key: Option<String>,
}

/// Releases, one page of them.
pub async fn list_releases(c: &impl ConnectionTrait, filter: &ChartReleaseFilter) -> Result<Listing<ChartRelease>> {
    let path = match filter.path.as_deref() {
        Some(path) => Some(path_ids(c, path).await?),
        None => None,
    };
    let mut uses: Select<chart_use::Entity> = matching(conditions(filter, path));
    if filter.one_each {
        let first = uses.clone().select_only().expr(chart_use::Column::Id.min());
        let first = first.group_by(chart_use::Column::RepositoryId).into_query();
        uses = uses.filter(chart_use::Column::Id.in_subquery(first));
    }
    let count = count(c, uses.clone()).await?;
    if let (Some(chart), Some(like)) = (filter.chart_id, filter.like) {
        return Ok(Listing { data: most_alike(c, filter, uses, chart, like).await?, count });
    }
    let page = paged(ordered(uses, filter.sort), filter.page);
    let ids = page.select_only().column_as(Expr::col((chart_use::Entity, chart_use::Column::Id)), "id");
    let rows = read(c, ids.into_tuple().all(c).await?).await?;
    Ok(Listing { data: shown(c, rows, filter.at).await?, count })
}

/// A page of the releases of a chart whose values are most like those of a repository, and how alike they are. Those that are as
/// alike stay in their usual order.
async fn most_alike(
    c: &impl ConnectionTrait,
    filter: &ChartReleaseFilter,
    uses: Select<chart_use::Entity>,
    chart: i64,
    like: Uuid,
) -> Result<Vec<ChartRelease>> {
    let column = |column| Expr::col((chart_use::Entity, column));
    let all = ordered(uses, filter.sort).limit(MOST_RELEASES).select_only();
    let all = all.column_as(column(chart_use::Column::Id), "id");
    let all = all.column_as(column(chart_use::Column::ReleaseId), "release_id");
    let mut all: Vec<(i64, i64)> = all.into_tuple().all(c).await?;
    let alike = alike(c, chart, like, filter.at).await?;
    all.sort_by_key(|(_, release)| std::cmp::Reverse(alike.get(release).copied()));
    let skip = usize::try_from(filter.page.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(std::cmp::min(filter.page.limit, MAX_PAGE)).unwrap_or(usize::MAX);
    let rows = read(c, all.into_iter().skip(skip).take(limit).map(|(id, _)| id).collect()).await?;
    let mut shown = shown(c, rows, filter.at).await?;
    for release in &mut shown {
        release.alike_percent = release.id.parse().ok().and_then(|id: i64| alike.get(&id).copied());
    }
    Ok(shown)
}

/// `path`: the ids of the path that is asked for.
fn conditions(filter: &ChartReleaseFilter, path: Option<Vec<i64>>) -> Condition {
    use chart_use::COLUMN;
    let mut all = uses_at(filter.at)
        .add_option(filter.chart_id.map(|id| COLUMN.chart_id.eq(id)))
        .add(match filter.repository_id {
            Some(id) => COLUMN.repository_id.eq(id),
            None => is_counted(chart_use::Column::RepositoryId),
        })
        .add_option(filter.version.as_deref().map(|version| COLUMN.version.eq(version)))
        .add_option(filter.release.as_deref().map(called));
    if let Some(path) = path {
        use chart_value::Column::{FromTime, ReleaseId, ToTime};
        let mut set = chart_value::Entity::find()
            .filter(is_any(chart_value::Column::PathId.into_expr(), path))
            .filter(covers(FromTime, ToTime, filter.at));
        if let Some(id) = filter.chart_id {
            set = set.filter(chart_value::COLUMN.chart_id.eq(id));
        }
        if let Some(value) = filter.value.as_deref() {
            set = set.filter(chart_value::COLUMN.text.eq(value).and(chart_value::COLUMN.masked.eq(false)));
        }
        let these = set.select_only().column(ReleaseId).into_query();
        all = all.add(chart_use::Column::ReleaseId.in_subquery(these));
    }
    if filter.with_charts.is_empty() { all } else { all.add(have_all(&filter.with_charts, filter.at)) }
}

fn ordered(uses: Select<chart_use::Entity>, sort: ChartReleaseSort) -> Select<chart_use::Entity> {
    use chart_use::Column::{FilePath, FromTime, Id, RepositoryId};
    let uses = match sort {
        ChartReleaseSort::Recent => uses.order_by_desc(FromTime),
        ChartReleaseSort::Repository => {
            uses.inner_join(repository::Entity).order_by_asc(repository::Column::FullName).order_by_asc(FilePath)
        }
        ChartReleaseSort::Stars => {
            let of = repository_metrics::Column::RepositoryId.into_expr().equals((chart_use::Entity, RepositoryId));
            let stars = repository_metrics::Entity::find().filter(of).select_only();
            let newest = stars
                .column(repository_metrics::Column::StarsCount)
                .order_by_desc(repository_metrics::Column::RecordedAt)
                .order_by_desc(repository_metrics::Column::Id)
                .limit(1)
                .into_query();
            uses.inner_join(repository::Entity)
                .order_by_desc(Expr::from(Func::coalesce([newest.into(), Expr::val(0_i64)])))
                .order_by_asc(repository::Column::FullName)
                .order_by_asc(RepositoryId)
        }
    };
    uses.order_by_asc(Id)
}

/// Releases of a chart in some repositories.
pub(super) struct ReleasesOf {
    /// So many of them as were asked for: the first of each repository before the second of any, in the order of these.
    pub(super) releases: Vec<ChartRelease>,
    /// How many there are.
    pub(super) all: i64,
    /// What those repositories call their releases of it, in order of the alphabet.
    pub(super) names: Vec<String>,
}

/// Releases of a chart in some repositories, `most` of them; of one `name` if it is given.
pub(super) async fn releases_of(
    c: &impl ConnectionTrait,
    chart: i64,
    repositories: &[Uuid],
    name: Option<&str>,
    most: usize,
    at: Option<Timestamp>,
) -> Result<ReleasesOf> {
    use chart_use::Column::{FilePath, Id, Name, ReleaseName, RepositoryId};
    let uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_id.eq(chart))
        .filter(is_any(RepositoryId.into_expr(), repositories.iter().copied()))
        .filter(uses_at(at))
        .order_by_asc(FilePath)
        .order_by_asc(Id);
    let columns = [RepositoryId, Id, ReleaseName, Name];
    let uses: Vec<(Uuid, i64, Option<String>, Option<String>)> =
        uses.select_only().columns(columns).into_tuple().all(c).await?;
    let name_of = |uses: &(Uuid, i64, Option<String>, Option<String>)| uses.2.clone().or_else(|| uses.3.clone());
    let names: BTreeSet<String> = uses.iter().filter_map(name_of).collect();
    let mut places: Vec<(usize, usize, i64)> = Vec::new();
    for (column, repository) in repositories.iter().enumerate() {
        let of_it = uses.iter().filter(|one| one.0 == *repository);
        let of_it = of_it.filter(|one| name.is_none_or(|name| name_of(one).as_deref() == Some(name)));
        places.extend(of_it.enumerate().map(|(place, one)| (place, column, one.1)));
    }
    let all = i64::try_from(places.len()).unwrap_or(i64::MAX);
    places.sort_unstable();
    places.truncate(most);
    places.sort_unstable_by_key(|(place, column, _)| (*column, *place));
    let rows = read(c, places.into_iter().map(|(.., id)| id).collect()).await?;
    Ok(ReleasesOf { releases: shown(c, rows, at).await?, all, names: names.into_iter().collect() })
}

/// Uses by their ids, in this order.
pub(super) async fn read(c: &impl ConnectionTrait, ids: Vec<i64>) -> Result<Vec<Row>> {
    let mut rows = chart_use::Entity::find().inner_join(repository::Entity).left_join(chart::Entity);
    rows = rows.filter(is_any(Expr::col((chart_use::Entity, chart_use::Column::Id)), ids.iter().copied()));
    let rows: Vec<Row> = rows.into_partial_model().all(c).await?;
    let mut by_id: HashMap<i64, Row> = rows.into_iter().map(|row| (row.one.id, row)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

pub(super) async fn shown(
    c: &impl ConnectionTrait,
    rows: Vec<Row>,
    at: Option<Timestamp>,
) -> Result<Vec<ChartRelease>> {
    let repositories: HashSet<Uuid> = rows.iter().map(|row| row.one.repository_id).collect();
    let stars = stars_of(c, &repositories.into_iter().collect::<Vec<_>>()).await?;
    let values = count_values(c, rows.iter().map(|row| row.one.release_id), at).await?;
    let resources = resources_of(c, rows.iter().map(|row| (row.one.repository_id, row.one.file_path.as_str()))).await?;
    let charts: HashSet<i64> = rows.iter().filter_map(|row| row.one.chart_id).collect();
    let versions = versions_in_use(c, &charts.into_iter().collect::<Vec<_>>(), at, Condition::all()).await?;
    let commits = match at {
        Some(at) => commits_at(c, rows.iter().map(|row| row.one.repository_id).collect(), at).await?,
        None => HashMap::new(),
    };
    let show = |row: Row| {
        let Row { one, repository, base, provider, head, chart_key } = row;
        let in_use = one.chart_id.and_then(|chart| versions.get(&chart)).map(Vec::as_slice).unwrap_or_default();
        let head = if at.is_some() { commits.get(&one.repository_id).copied() } else { head };
        let url = head.and_then(|head| {
            web_url(provider, base.as_deref(), &head.to_string(), Some(file_of(&one.file_path)), None)
        });
        let place = place_among(one.version.as_deref(), one.version_kind, in_use);
        ChartRelease {
            id: one.release_id.to_string(),
            stars: stars.get(&one.repository_id).copied(),
            values: values.get(&one.release_id).map_or(0, |(count, _)| *count),
            since: time(one.from_time),
            changed_at: time(
                values.get(&one.release_id).map_or(one.from_time, |(_, newest)| Ord::max(one.from_time, *newest)),
            ),
            web_url: url,
            resource_id: resources.get(&(one.repository_id, one.file_path.clone())).copied(),
            newest_version: newest(in_use),
            alike_percent: None,
            variables: one.variables.map(|JsonText(variables)| variables).unwrap_or_default(),
            ahead_of_percent: place.as_ref().map(|place| place.ahead_of_percent),
            behind_median: place.as_ref().map(|place| place.behind_median),
            median_version: place.map(|place| place.median),
            repository_id: one.repository_id,
            repository,
            kind: one.kind,
            name: one.name,
            release_name: one.release_name,
            namespace: one.namespace,
            chart_id: one.chart_id,
            chart_key,
            chart_name: one.chart_name,
            source_url: one.source_url,
            version: one.version,
            version_kind: one.version_kind,
            digest: one.digest,
            how: one.how,
            reason: one.reason,
            rendered: one.rendered,
            file_path: one.file_path,
        }
    };
    Ok(rows.into_iter().map(show).collect())
}

/// Where a version stands among those in use; of an exact one, where there are enough to tell.
fn place_among(version: Option<&str>, kind: VersionKind, in_use: &[UsedVersion]) -> Option<Place> {
    let version = version.filter(|_| kind == VersionKind::Exact)?;
    let mut exact: Vec<&UsedVersion> = in_use.iter().filter(|one| one.kind == VersionKind::Exact).collect();
    exact.sort_by(|a, b| compare_versions(&a.version, &b.version));
    let all: i64 = exact.iter().map(|one| one.releases).sum();
    if all < i64::try_from(FEW).unwrap_or(i64::MAX) {
        return None;
    }
    let lower = exact.iter().filter(|one| compare_versions(&one.version, version).is_lt());
    let lower: i64 = lower.map(|one| one.releases).sum();
    let mut below = 0;
    // Of an even number the lower of the two in the middle: nobody is behind what half do not have.
    let median = exact.iter().position(|one| {
        below += one.releases;
        below * 2 >= all
    })?;
    let behind = exact.get(..=median)?.iter().filter(|one| compare_versions(&one.version, version).is_gt()).count();
    Some(Place {
        ahead_of_percent: lower * 100 / all,
        median: exact.get(median)?.version.clone(),
        behind_median: i64::try_from(behind).unwrap_or(i64::MAX),
    })
}

struct Place {
    /// The share of releases that have a lower version.
    ahead_of_percent: i64,
    median: String,
    /// Versions in use that are higher, up to the median.
    behind_median: i64,
}

/// How many values each release sets, and when the newest of them was set.
async fn count_values(
    c: &impl ConnectionTrait,
    releases: impl Iterator<Item = i64>,
    at: Option<Timestamp>,
) -> Result<HashMap<i64, (i64, i64)>> {
    use chart_value::Column::{FromTime, ReleaseId, ToTime};
    let values = chart_value::Entity::find()
        .filter(is_any(ReleaseId.into_expr(), releases))
        .filter(covers(FromTime, ToTime, at))
        .select_only()
        .column(ReleaseId)
        .expr_as(count_all(), "count")
        .expr_as(FromTime.max(), "newest")
        .group_by(ReleaseId);
    let values = values.into_tuple::<(i64, i64, i64)>().all(c).await?.into_iter();
    Ok(values.map(|(release, count, newest)| (release, (count, newest))).collect())
}

/// The resources that stand at places; of several at one, any.
pub(crate) async fn resources_of<'p>(
    c: &impl ConnectionTrait,
    places: impl Iterator<Item = (Uuid, &'p str)>,
) -> Result<HashMap<(Uuid, String), Uuid>> {
    use resource::Column::{FilePath, Id, RepositoryId};
    let mut places: Vec<(Uuid, &str)> = places.collect();
    places.sort_unstable();
    places.dedup();
    let mut first: HashMap<(Uuid, String), Uuid> = HashMap::new();
    // Any of these paths in any of these repositories, a few at a time as that is all of one with all of the other. Of pairs, each a
    // condition of its own or joined as a table, SQLite may make a walk through all resources; and so of an order.
    for these in places.chunks(PLACES) {
        let repositories: HashSet<Uuid> = these.iter().map(|(repository, _)| *repository).collect();
        let resources = resource::Entity::find()
            .filter(is_active(resource::Entity))
            .filter(is_any(RepositoryId.into_expr(), repositories))
            .filter(is_any(FilePath.into_expr(), these.iter().map(|(_, path)| (*path).to_owned())));
        let rows = resources.select_only().columns([RepositoryId, FilePath, Id]);
        for (repository, path, id) in rows.into_tuple::<(Uuid, String, Uuid)>().all(c).await? {
            first.entry((repository, path)).and_modify(|known| *known = Ord::min(*known, id)).or_insert(id);
        }
    }
    Ok(first)
}

/// The newest commit of each repository at a time, of those at which a use changed.
pub(crate) async fn commits_at(
    c: &impl ConnectionTrait,
    repositories: HashSet<Uuid>,
    at: Timestamp,
) -> Result<HashMap<Uuid, ObjectId>> {
    use use_commit::Column::{RepositoryId, Sequence, Sha, Time};
    let newest = use_commit::Entity::find()
        .filter(is_any(RepositoryId.into_expr(), repositories))
        .filter(Time.lte(at.timestamp()))
        .select_only()
        .column(RepositoryId)
        .expr_as(Sequence.max(), "newest")
        .group_by(RepositoryId)
        .into_query();
    let mut rows = use_commit::Entity::find();
    let same = Expr::col(("n", RepositoryId))
        .equals((use_commit::Entity, RepositoryId))
        .and(Expr::col(("n", "newest")).equals((use_commit::Entity, Sequence)));
    QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, newest, "n", same);
    let rows = rows.select_only().columns([RepositoryId, Sha]);
    Ok(rows.into_tuple::<(Uuid, ObjectId)>().all(c).await?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_among_those_in_use() {
        let used = |version: &str, kind, releases| UsedVersion { version: version.to_owned(), kind, releases };
        let exact = VersionKind::Exact;
        let mut in_use = vec![used("1.10.0", exact, 3), used("1.9.0", exact, 1), used("1.2.0", exact, 1)];
        in_use.push(used("2.0.0", exact, 1));
        in_use.push(used(">=1", VersionKind::Range, 9));
        let place = |version: &str, kind| {
            let place = place_among(Some(version), kind, &in_use)?;
            Some((place.ahead_of_percent, place.median, place.behind_median))
        };
        assert_eq!(place("1.2.0", exact), Some((0, "1.10.0".to_owned(), 2)));
        assert_eq!(place("1.9.0", exact), Some((16, "1.10.0".to_owned(), 1)));
        assert_eq!(place("1.10.0", exact), Some((33, "1.10.0".to_owned(), 0)));
        assert_eq!(place("2.0.0", exact), Some((83, "1.10.0".to_owned(), 0)));
        assert_eq!(place(">=1", VersionKind::Range), None);
        assert!(place_among(Some("1.2.0"), exact, &in_use[..2]).is_none(), "four tell nothing");
    }
}
