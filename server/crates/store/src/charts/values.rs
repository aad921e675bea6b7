//! Values of a chart: which paths people set, to what, and where.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, Order, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, DerivePartialModel, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, covers, have_all, time, uses_at, version};
use crate::db::pattern::contains;
use crate::db::select::{MAX_PAGE, count, is_any, is_like, page_of, paged, rows};
use entity::kind::{Provider, ValueType};
use entity::table::{chart_use, chart_value, repository, use_commit, value_path};
use entity::value::ObjectId;
use entity::view::{ChartValue, ChartValueFilter, ChartValuePath, CommonValue, Listing, PageQuery, Timestamp, web_url};

/// Common values that are told of a path.
const COMMON: usize = 5;
/// Releases that are named one by one; both engines take some more.
pub(super) const MOST_RELEASES: u64 = 30_000;
/// Paths that are looked through for what a repository sets unlike others.
const UNLIKE: u64 = 5_000;

#[derive(Clone, FromQueryResult)]
struct PathRow {
    path_id: i64,
    path: String,
    releases: i64,
}

/// Values of a chart that the filter asks for.
async fn wanted(c: &impl ConnectionTrait, filter: &ChartValueFilter) -> Result<Select<chart_value::Entity>> {
    use chart_value::Column::{FromTime, ReleaseId, ToTime};
    let mut values = chart_value::Entity::find()
        .filter(chart_value::COLUMN.chart_id.eq(filter.chart_id))
        .filter(covers(FromTime, ToTime, filter.at));
    if filter.major.is_some() || !filter.with_charts.is_empty() {
        // Asked for first: within the greater question PostgreSQL looks them up again for every value, once it has a plan for
        // values of any chart.
        let these = releases_with(c, filter).await?;
        values = values.filter(is_any(ReleaseId.into_expr(), these));
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        let paths = value_path::Entity::find().filter(is_like(lower(value_path::Column::Path), contains(text)));
        let paths = paths.select_only().column(value_path::Column::Id).into_query();
        let in_path = Condition::any().add(chart_value::Column::PathId.in_subquery(paths));
        values = values.filter(in_path.add(is_like(lower(chart_value::Column::Text), contains(text))));
    }
    Ok(values)
}

/// Releases of the chart that have a major version, in repositories that have other charts as well.
async fn releases_with(c: &impl ConnectionTrait, filter: &ChartValueFilter) -> Result<Vec<i64>> {
    use chart_use::Column::{ReleaseId, Version};
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(filter.chart_id));
    let uses = uses.filter(uses_at(filter.at)).filter(have_all(&filter.with_charts, filter.at));
    let uses = uses.select_only().columns([ReleaseId, Version]).order_by_asc(ReleaseId).limit(MOST_RELEASES);
    let uses: Vec<(i64, Option<String>)> = uses.into_tuple().all(c).await?;
    let of_it = |version: &Option<String>| match filter.major {
        Some(major) => version.as_deref().and_then(version::major) == Some(major),
        None => true,
    };
    Ok(uses.into_iter().filter(|(_, version)| of_it(version)).map(|(release, _)| release).collect())
}

fn lower(column: impl ColumnTrait) -> Expr {
    Func::lower(column.into_expr()).into()
}

/// How many releases set each path.
fn by_path(values: Select<chart_value::Entity>) -> SelectStatement {
    use chart_value::Column::{PathId, ReleaseId};
    let releases = ReleaseId.into_expr().count_distinct();
    values.select_only().column(PathId).expr_as(releases, "releases").group_by(PathId).into_query()
}

/// Paths, those that most set first.
pub async fn list_value_paths(c: &impl ConnectionTrait, filter: &ChartValueFilter) -> Result<Listing<ChartValuePath>> {
    let values = wanted(c, filter).await?;
    let mut query = Query::select();
    query
        .from_subquery(by_path(values.clone()), "v")
        .inner_join(
            value_path::Entity,
            Expr::col((value_path::Entity, value_path::Column::Id)).equals(("v", "path_id")),
        )
        .expr_as(Expr::col(("v", "path_id")), "path_id")
        .expr_as(Expr::col((value_path::Entity, value_path::Column::Path)), "path")
        .expr_as(Expr::col(("v", "releases")), "releases")
        .order_by_expr(Expr::col(("v", "releases")), Order::Desc)
        .order_by_expr(Expr::col((value_path::Entity, value_path::Column::Path)), Order::Asc);
    let mine = match filter.mine {
        Some(repository) => values_of(c, filter, repository).await?,
        None => HashMap::new(),
    };
    if filter.unlike && filter.mine.is_some() {
        return unlike(c, filter, values, query, &mine).await;
    }
    let (page, count) = page_of(c, &query, filter.page).await?;
    Ok(Listing { data: with_common(c, values, page, &mine).await?, count })
}

/// What one repository sets unlike the others, and what most set and it does not.
async fn unlike(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    values: Select<chart_value::Entity>,
    mut query: SelectStatement,
    mine: &HashMap<i64, Vec<CommonValue>>,
) -> Result<Listing<ChartValuePath>> {
    query.limit(UNLIKE);
    let page: Vec<PathRow> = rows(c, &query).await?;
    let most = page.first().map_or(0, |row| row.releases);
    let of_interest = page.into_iter().filter(|row| mine.contains_key(&row.path_id) || row.releases * 2 > most);
    let of_interest: Vec<PathRow> = of_interest.collect();
    let of_interest_paths: Vec<(i64, String)> = of_interest.iter().map(|row| (row.path_id, row.path.clone())).collect();
    let paths = with_common(c, values, of_interest, mine).await?;
    let of_path: HashMap<&str, &Vec<CommonValue>> =
        of_interest_paths.iter().filter_map(|(id, path)| Some((path.as_str(), mine.get(id)?))).collect();
    // Of the items of a list each has to be among the common ones; of anything else, the most common one.
    let is_unlike = |path: &ChartValuePath| match of_path.get(path.path.as_str()) {
        Some(mine) if mine.len() > 1 || path.path.ends_with("[]") => {
            mine.iter().any(|one| path.common.iter().all(|common| common.value != one.value))
        }
        Some(mine) => mine.first().map(|one| &one.value) != path.common.first().map(|common| &common.value),
        None => true,
    };
    let found: Vec<ChartValuePath> = paths.into_iter().filter(is_unlike).collect();
    let count = found.len() as u64;
    let skip = usize::try_from(filter.page.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(std::cmp::min(filter.page.limit, MAX_PAGE)).unwrap_or(usize::MAX);
    Ok(Listing { data: found.into_iter().skip(skip).take(limit).collect(), count })
}

/// What a repository sets.
async fn values_of(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    repository: Uuid,
) -> Result<HashMap<i64, Vec<CommonValue>>> {
    use chart_value::Column::{ChartId, FromTime, Masked, PathId, ReleaseId, Text, ToTime};
    let uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_id.eq(filter.chart_id))
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(uses_at(filter.at));
    let these = uses.select_only().column(chart_use::Column::ReleaseId).into_query();
    let values = chart_value::Entity::find()
        .filter(ReleaseId.in_subquery(these))
        .filter(covers(FromTime, ToTime, filter.at))
        .select_only()
        .columns([ChartId, PathId, Text, Masked])
        .distinct()
        .order_by_asc(Text);
    let mut mine: HashMap<i64, Vec<CommonValue>> = HashMap::new();
    let values = values.into_tuple::<(Option<i64>, i64, String, bool)>().all(c).await?;
    // Asked for here, as SQLite would rather read all values of the chart than those of a few releases.
    for (_, path, value, masked) in values.into_iter().filter(|(chart, ..)| *chart == Some(filter.chart_id)) {
        mine.entry(path).or_default().push(CommonValue { value, masked, releases: 1 });
    }
    Ok(mine)
}

/// What each of these paths is set to.
async fn with_common(
    c: &impl ConnectionTrait,
    values: Select<chart_value::Entity>,
    page: Vec<PathRow>,
    mine: &HashMap<i64, Vec<CommonValue>>,
) -> Result<Vec<ChartValuePath>> {
    use chart_value::Column::{Kind, Masked, PathId, ReleaseId, Text};
    struct Of {
        types: BTreeSet<ValueType>,
        common: HashMap<(String, bool), i64>,
    }
    let mut of_path: HashMap<i64, Of> = HashMap::new();
    for ids in page.chunks(500) {
        let these = values.clone().filter(is_any(PathId.into_expr(), ids.iter().map(|row| row.path_id)));
        let counted = these
            .select_only()
            .columns([PathId, Text, Masked, Kind])
            .expr_as(ReleaseId.into_expr().count_distinct(), "releases")
            .group_by(PathId)
            .group_by(Text)
            .group_by(Masked)
            .group_by(Kind);
        for (path, text, masked, kind, releases) in
            counted.into_tuple::<(i64, String, bool, ValueType, i64)>().all(c).await?
        {
            let of = of_path.entry(path).or_insert_with(|| Of { types: BTreeSet::new(), common: HashMap::new() });
            of.types.insert(kind);
            *of.common.entry((text, masked)).or_default() += releases;
        }
    }
    let shown = |row: PathRow| {
        let Of { types, common } =
            of_path.remove(&row.path_id).unwrap_or(Of { types: BTreeSet::new(), common: HashMap::new() });
        let different = i64::try_from(common.len()).unwrap_or(i64::MAX);
        let value = |((value, masked), releases)| CommonValue { value, masked, releases };
        let mut common: Vec<CommonValue> = common.into_iter().map(value).collect();
        common.sort_by(|a, b| b.releases.cmp(&a.releases).then_with(|| a.value.cmp(&b.value)));
        common.truncate(COMMON);
        let mine =
            mine.get(&row.path_id).map(|mine| mine.iter().map(|one| one.value.as_str()).collect::<Vec<_>>().join(", "));
        ChartValuePath {
            path: row.path,
            releases: row.releases,
            types: types.into_iter().collect(),
            common,
            different,
            mine,
        }
    };
    Ok(page.into_iter().map(shown).collect())
}

/// The id of a path, where anybody sets it. Asked before: within a greater question, SQLite reads all that a chart ever had.
pub(super) async fn path_ids(c: &impl ConnectionTrait, path: &str) -> Result<Vec<i64>> {
    let paths = value_path::Entity::find().filter(value_path::COLUMN.path.eq(path));
    Ok(paths.select_only().column(value_path::Column::Id).into_tuple().all(c).await?)
}

/// What a chart's users set at one path; nothing where nobody sets it.
pub async fn path_summary(
    c: &impl ConnectionTrait,
    chart: i64,
    path: &str,
    at: Option<Timestamp>,
) -> Result<Option<ChartValuePath>> {
    let filter = ChartValueFilter { chart_id: chart, at, ..ChartValueFilter::default() };
    let paths = is_any(chart_value::Column::PathId.into_expr(), path_ids(c, path).await?);
    let values = wanted(c, &filter).await?.filter(paths);
    let Some(row) = rows::<PathCount>(c, &by_path(values.clone())).await?.into_iter().next() else { return Ok(None) };
    let row = PathRow { path_id: row.path_id, path: path.to_owned(), releases: row.releases };
    Ok(with_common(c, values, vec![row], &HashMap::new()).await?.into_iter().next())
}

#[derive(FromQueryResult)]
struct PathCount {
    path_id: i64,
    releases: i64,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_value::Entity")]
struct ValueRow {
    #[sea_orm(nested)]
    value: chart_value::Model,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::RepositoryId))")]
    repository_id: Uuid,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::ReleaseName))")]
    release_name: Option<String>,
    #[sea_orm(from_expr = "Expr::col((chart_use::Entity, chart_use::Column::Version))")]
    version: Option<String>,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository: String,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    base: Option<String>,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "Expr::col((use_commit::Entity, use_commit::Column::Sha))")]
    commit: Option<ObjectId>,
}

/// What each release sets at a path, the common first.
pub async fn list_path_values(
    c: &impl ConnectionTrait,
    chart: i64,
    path: &str,
    at: Option<Timestamp>,
    page: PageQuery,
) -> Result<Listing<ChartValue>> {
    use chart_value::Column::{FromSequence, FromTime, Ordinal, ReleaseId, Text, ToTime};
    let values = chart_value::Entity::find()
        .filter(chart_value::COLUMN.chart_id.eq(chart))
        .filter(is_any(chart_value::Column::PathId.into_expr(), path_ids(c, path).await?))
        .filter(covers(FromTime, ToTime, at));
    let count = count(c, values.clone()).await?;
    let of_release = Condition::all()
        .add(Expr::col((chart_use::Entity, chart_use::Column::ReleaseId)).equals((chart_value::Entity, ReleaseId)))
        .add(Expr::col((chart_use::Entity, chart_use::Column::ChartId)).eq(chart))
        .add(uses_at(at));
    let of_repository = Expr::col((repository::Entity, repository::Column::Id))
        .equals((chart_use::Entity, chart_use::Column::RepositoryId));
    let of_commit = Expr::col((use_commit::Entity, use_commit::Column::RepositoryId))
        .equals((chart_use::Entity, chart_use::Column::RepositoryId))
        .and(Expr::col((use_commit::Entity, use_commit::Column::Sequence)).equals((chart_value::Entity, FromSequence)));
    let mut values = values;
    sea_orm::QuerySelect::query(&mut values)
        .inner_join(chart_use::Entity, of_release)
        .inner_join(repository::Entity, of_repository)
        .left_join(use_commit::Entity, of_commit);
    let values = values.order_by_asc(Text).order_by_asc(repository::Column::FullName);
    let values = values.order_by_asc(ReleaseId).order_by_asc(Ordinal);
    let rows: Vec<ValueRow> = paged(values, page).into_partial_model().all(c).await?;
    let shown = |row: ValueRow| {
        let ValueRow { value, repository_id, release_name, version, repository, base, provider, commit } = row;
        let lines = (value.line > 0).then_some((value.line, value.line));
        let url = commit
            .zip(value.file_path.as_deref())
            .and_then(|(commit, file)| web_url(provider, base.as_deref(), &commit.to_string(), Some(file), lines));
        ChartValue {
            release_id: value.release_id.to_string(),
            repository_id,
            repository,
            release_name,
            version,
            path: path.to_owned(),
            kind: value.kind,
            value: value.text,
            masked: value.masked,
            since: time(value.from_time),
            file_path: value.file_path,
            line: value.line,
            web_url: url,
        }
    };
    Ok(Listing { data: rows.into_iter().map(shown).collect(), count })
}

/// Every value of some releases: path and text, which is empty where it must not be shown.
pub(super) async fn all_values(
    c: &impl ConnectionTrait,
    releases: &[i64],
    at: Option<Timestamp>,
) -> Result<HashMap<i64, Vec<(String, String)>>> {
    use chart_value::Column::{FromTime, ReleaseId, Text, ToTime};
    let values = chart_value::Entity::find()
        .inner_join(value_path::Entity)
        .filter(is_any(ReleaseId.into_expr(), releases.iter().copied()))
        .filter(covers(FromTime, ToTime, at))
        .select_only()
        .column(ReleaseId)
        .column(value_path::Column::Path)
        .column(Text)
        .order_by_asc(value_path::Column::Path)
        .order_by_asc(Text);
    let mut all: HashMap<i64, Vec<(String, String)>> = HashMap::new();
    for (release, path, text) in values.into_tuple::<(i64, String, String)>().all(c).await? {
        all.entry(release).or_default().push((path, text));
    }
    Ok(all)
}

/// Paths of values of releases that changed at places on their lines.
pub(super) async fn changed_paths(
    c: &impl ConnectionTrait,
    places: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), Vec<String>>> {
    use chart_value::Column::{FromSequence, ReleaseId, ToSequence};
    let mut changed: HashMap<(i64, i64), Vec<String>> = HashMap::new();
    for these in places.chunks(100) {
        let wanted: HashSet<&(i64, i64)> = these.iter().collect();
        let at = these.iter().fold(Condition::any(), |any, (release, sequence)| {
            let there =
                chart_value::COLUMN.from_sequence.eq(*sequence).or(chart_value::COLUMN.to_sequence.eq(*sequence));
            any.add(chart_value::COLUMN.release_id.eq(*release).and(there))
        });
        let values = chart_value::Entity::find().inner_join(value_path::Entity).filter(at).select_only();
        let values = values.columns([ReleaseId, FromSequence, ToSequence]).column(value_path::Column::Path);
        for (release, from, to, path) in values.into_tuple::<(i64, i64, Option<i64>, String)>().all(c).await? {
            for sequence in [Some(from), to].into_iter().flatten() {
                if wanted.contains(&(release, sequence)) {
                    changed.entry((release, sequence)).or_default().push(path.clone());
                }
            }
        }
    }
    for paths in changed.values_mut() {
        paths.sort_unstable();
        paths.dedup();
    }
    Ok(changed)
}
