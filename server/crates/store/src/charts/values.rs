//! Values of a chart: which paths people set, and to what.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, Order, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use super::spread::spread;
use super::{ConnectionTrait, Result, called, covers, have_all, uses_at, version};
use crate::db::pattern::contains;
use crate::db::select::{MAX_PAGE, is_any, is_counted, is_like, page_of, rows};
use entity::kind::ValueType;
use entity::table::{chart_release, chart_use, chart_value, value_path};
use entity::value::FIRST_UNCOUNTED;
use entity::view::{ChartValueFilter, ChartValuePath, CommonValue, Listing, Timestamp};

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

/// Values of a chart that the filter asks for, and how many releases they may be of.
pub(super) struct Wanted {
    pub(super) values: Select<chart_value::Entity>,
    of: i64,
}

async fn wanted(c: &impl ConnectionTrait, filter: &ChartValueFilter) -> Result<Wanted> {
    use chart_value::Column::{FromTime, ReleaseId, ToTime};
    let of;
    let mut values = chart_value::Entity::find()
        .filter(chart_value::COLUMN.chart_id.eq(filter.chart_id))
        .filter(covers(FromTime, ToTime, filter.at))
        .filter(ReleaseId.into_expr().not_in_subquery(uncounted_releases()));
    if filter.major.is_some() || filter.release.is_some() || !filter.with_charts.is_empty() {
        // Asked for first: within the greater question PostgreSQL looks them up again for every value, once it has a plan for
        // values of any chart.
        let these = releases_with(c, filter).await?;
        of = i64::try_from(these.len()).unwrap_or(i64::MAX);
        values = values.filter(is_any(ReleaseId.into_expr(), these));
    } else {
        let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(filter.chart_id));
        let uses = uses.filter(uses_at(filter.at)).filter(is_counted(chart_use::Column::RepositoryId)).select_only();
        let releases = uses.expr(chart_use::Column::ReleaseId.into_expr().count_distinct());
        of = releases.into_tuple::<i64>().one(c).await?.unwrap_or(0);
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        let paths = value_path::Entity::find().filter(is_like(lower(value_path::Column::Path), contains(text)));
        let paths = paths.select_only().column(value_path::Column::Id).into_query();
        let in_path = Condition::any().add(chart_value::Column::PathId.in_subquery(paths));
        values = values.filter(in_path.add(is_like(lower(chart_value::Column::Text), contains(text))));
    }
    Ok(Wanted { values, of })
}

/// Releases of branches that are scanned beside the main one, which count for nobody: none, mostly, and an index tells so.
fn uncounted_releases() -> SelectStatement {
    let of_branches = chart_release::Entity::find().filter(chart_release::COLUMN.repository_id.gte(FIRST_UNCOUNTED));
    of_branches.select_only().column(chart_release::Column::Id).into_query()
}

/// Releases of the chart that have a major version and a name, in repositories that have other charts as well.
async fn releases_with(c: &impl ConnectionTrait, filter: &ChartValueFilter) -> Result<Vec<i64>> {
    use chart_use::Column::{ReleaseId, RepositoryId, Version};
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(filter.chart_id));
    let uses = uses.filter(uses_at(filter.at).add_option(filter.release.as_deref().map(called)));
    let uses = uses.filter(have_all(&filter.with_charts, filter.at)).filter(is_counted(RepositoryId));
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
    let wanted = wanted(c, filter).await?;
    let mut query = Query::select();
    query
        .from_subquery(by_path(wanted.values.clone()), "v")
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
        return unlike(c, filter, wanted, query, &mine).await;
    }
    let (page, count) = page_of(c, &query, filter.page).await?;
    let paths = with_counts(c, &wanted, page).await?;
    Ok(Listing { data: paths.into_iter().map(|path| path.shown(wanted.of, &mine)).collect(), count })
}

/// What one repository sets unlike the others, and what most set and it does not.
async fn unlike(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    wanted: Wanted,
    mut query: SelectStatement,
    mine: &HashMap<i64, Vec<CommonValue>>,
) -> Result<Listing<ChartValuePath>> {
    let own = is_any(Expr::col(("v", "path_id")), mine.keys().copied());
    query.and_where(own.or(Expr::col(("v", "releases")).mul(2).gt(wanted.of))).limit(UNLIKE);
    let paths = with_counts(c, &wanted, rows(c, &query).await?).await?;
    let is_unlike = |path: &PathCounts| mine.get(&path.row.path_id).is_none_or(|mine| path.is_unlike(mine));
    let found: Vec<PathCounts> = paths.into_iter().filter(is_unlike).collect();
    let count = found.len() as u64;
    let skip = usize::try_from(filter.page.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(std::cmp::min(filter.page.limit, MAX_PAGE)).unwrap_or(usize::MAX);
    let page = found.into_iter().skip(skip).take(limit);
    Ok(Listing { data: page.map(|path| path.shown(wanted.of, mine)).collect(), count })
}

/// What a repository sets, and with how many of its releases: of those of the name that is asked for, as the others'.
async fn values_of(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    repository: Uuid,
) -> Result<HashMap<i64, Vec<CommonValue>>> {
    use chart_value::Column::{ChartId, FromTime, Masked, PathId, ReleaseId, Text, ToTime};
    let uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.chart_id.eq(filter.chart_id))
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(uses_at(filter.at).add_option(filter.release.as_deref().map(called)));
    let these = uses.select_only().column(chart_use::Column::ReleaseId).into_query();
    let values = chart_value::Entity::find()
        .filter(ReleaseId.in_subquery(these))
        .filter(covers(FromTime, ToTime, filter.at))
        .select_only()
        .columns([ChartId, PathId, Text, Masked])
        .expr_as(ReleaseId.into_expr().count_distinct(), "releases")
        .group_by(ChartId)
        .group_by(PathId)
        .group_by(Text)
        .group_by(Masked)
        .order_by_asc(Text);
    let mut mine: HashMap<i64, Vec<CommonValue>> = HashMap::new();
    let values = values.into_tuple::<(Option<i64>, i64, String, bool, i64)>().all(c).await?;
    // Asked for here, as SQLite would rather read all values of the chart than those of a few releases.
    for (_, path, value, masked, releases) in values.into_iter().filter(|(chart, ..)| *chart == Some(filter.chart_id)) {
        mine.entry(path).or_default().push(CommonValue { value, masked, releases });
    }
    Ok(mine)
}

/// Releases by text, and by whether that must not be shown.
type Counts = HashMap<(String, bool), i64>;

/// A path, and everything that it is set to.
struct PathCounts {
    row: PathRow,
    types: BTreeSet<ValueType>,
    values: Counts,
}

impl PathCounts {
    /// Whether what a repository sets here differs from what the other releases do: from the most common value, or for one of
    /// the items of a list, from what half as many set as set the most common one. Several values that are as common are all
    /// the most common.
    fn is_unlike(&self, mine: &[CommonValue]) -> bool {
        let own = |value: &str, masked: bool| {
            let same = mine.iter().find(|one| one.value == value && one.masked == masked);
            same.map_or(0, |one| one.releases)
        };
        let others = |value: &str, masked: bool, releases: i64| releases - own(value, masked);
        let most = self.values.iter().map(|((value, masked), releases)| others(value, *masked, *releases)).max();
        let most = most.unwrap_or(0);
        if most <= 0 {
            return true;
        }
        let needed = if mine.len() > 1 || self.row.path.contains("[]") { (most + 1) / 2 } else { most };
        mine.iter().any(|one| {
            let all = self.values.get(&(one.value.clone(), one.masked)).copied().unwrap_or(0);
            others(&one.value, one.masked, all) < needed
        })
    }

    fn shown(self, of: i64, mine: &HashMap<i64, Vec<CommonValue>>) -> ChartValuePath {
        let Self { row, types, values } = self;
        let different = i64::try_from(values.len()).unwrap_or(i64::MAX);
        let value = |((value, masked), releases)| CommonValue { value, masked, releases };
        let mut common: Vec<CommonValue> = values.into_iter().map(value).collect();
        common.sort_by(|a, b| b.releases.cmp(&a.releases).then_with(|| a.value.cmp(&b.value)));
        let spread = spread(common.iter());
        common.truncate(COMMON);
        let mine = mine.get(&row.path_id);
        ChartValuePath {
            path: row.path,
            releases: row.releases,
            of,
            types: types.into_iter().collect(),
            common,
            different,
            spread,
            mine_masked: mine.is_some_and(|mine| mine.iter().any(|one| one.masked)),
            mine: mine.map(|mine| mine.iter().map(|one| one.value.as_str()).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// What each of these paths is set to.
async fn with_counts(c: &impl ConnectionTrait, wanted: &Wanted, page: Vec<PathRow>) -> Result<Vec<PathCounts>> {
    use chart_value::Column::{Kind, Masked, PathId, ReleaseId, Text};
    let mut of_path: HashMap<i64, (BTreeSet<ValueType>, Counts)> = HashMap::new();
    for ids in page.chunks(500) {
        let these = wanted.values.clone().filter(is_any(PathId.into_expr(), ids.iter().map(|row| row.path_id)));
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
            let (types, values) = of_path.entry(path).or_default();
            types.insert(kind);
            *values.entry((text, masked)).or_default() += releases;
        }
    }
    let counted = |row: PathRow| {
        let (types, values) = of_path.remove(&row.path_id).unwrap_or_default();
        PathCounts { row, types, values }
    };
    Ok(page.into_iter().map(counted).collect())
}

/// The id of a path, where anybody sets it. Asked before: within a greater question, SQLite reads all that a chart ever had.
pub(super) async fn path_ids(c: &impl ConnectionTrait, path: &str) -> Result<Vec<i64>> {
    let paths = value_path::Entity::find().filter(value_path::COLUMN.path.eq(path));
    Ok(paths.select_only().column(value_path::Column::Id).into_tuple().all(c).await?)
}

/// Values at one path that a filter leaves, whatever text it looks for.
pub(super) async fn at_path(c: &impl ConnectionTrait, filter: &ChartValueFilter, path: &str) -> Result<Wanted> {
    let paths = is_any(chart_value::Column::PathId.into_expr(), path_ids(c, path).await?);
    let Wanted { values, of } = wanted(c, &ChartValueFilter { text: None, ..filter.clone() }).await?;
    Ok(Wanted { values: values.filter(paths), of })
}

/// What those of a chart's users set at one path that a filter leaves; nothing where none of them sets it.
pub async fn path_summary(
    c: &impl ConnectionTrait,
    filter: &ChartValueFilter,
    path: &str,
) -> Result<Option<ChartValuePath>> {
    let wanted = at_path(c, filter, path).await?;
    let mine = match filter.mine {
        Some(repository) => values_of(c, filter, repository).await?,
        None => HashMap::new(),
    };
    let counted = rows::<PathCount>(c, &by_path(wanted.values.clone())).await?;
    let Some(row) = counted.into_iter().next() else { return Ok(None) };
    let row = PathRow { path_id: row.path_id, path: path.to_owned(), releases: row.releases };
    let found = with_counts(c, &wanted, vec![row]).await?.into_iter().next();
    Ok(found.map(|path| path.shown(wanted.of, &mine)))
}

#[derive(FromQueryResult)]
struct PathCount {
    path_id: i64,
    releases: i64,
}

/// Every value of some releases: path, text, and whether that must not be shown and is empty.
pub(super) async fn all_values(
    c: &impl ConnectionTrait,
    releases: &[i64],
    at: Option<Timestamp>,
) -> Result<HashMap<i64, Vec<(String, String, bool)>>> {
    use chart_value::Column::{FromTime, Masked, ReleaseId, Text, ToTime};
    let values = chart_value::Entity::find()
        .inner_join(value_path::Entity)
        .filter(is_any(ReleaseId.into_expr(), releases.iter().copied()))
        .filter(covers(FromTime, ToTime, at))
        .select_only()
        .column(ReleaseId)
        .column(value_path::Column::Path)
        .columns([Text, Masked])
        .order_by_asc(value_path::Column::Path)
        .order_by_asc(Text);
    let mut all: HashMap<i64, Vec<(String, String, bool)>> = HashMap::new();
    for (release, path, text, masked) in values.into_tuple::<(i64, String, String, bool)>().all(c).await? {
        all.entry(release).or_default().push((path, text, masked));
    }
    Ok(all)
}
