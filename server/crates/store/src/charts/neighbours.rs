//! What stands beside a chart: charts that are used together with it, and others for the same.

use std::collections::{BTreeMap, HashSet};

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use uuid::Uuid;

use super::{ConnectionTrait, Result, covers, uses_at};
use crate::db::select::is_any;
use entity::table::{chart, chart_use, image, image_use};
use entity::view::{ChartNeighbour, Timestamp};

/// So many are told.
const TOLD: u64 = 30;

/// Charts that most repositories have which have this one.
pub async fn used_with(c: &impl ConnectionTrait, id: i64, at: Option<Timestamp>) -> Result<Vec<ChartNeighbour>> {
    use chart_use::Column::{ChartId, RepositoryId};
    let users = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(id)).filter(uses_at(at));
    let users = users.select_only().column(RepositoryId).into_query();
    let with = chart_use::Entity::find()
        .filter(uses_at(at))
        .filter(RepositoryId.in_subquery(users))
        .filter(chart_use::COLUMN.chart_id.is_not_null().and(chart_use::COLUMN.chart_id.ne(id)));
    let repositories = RepositoryId.into_expr().count_distinct();
    let with = with
        .select_only()
        .column(ChartId)
        .expr_as(repositories.clone(), "repositories")
        .group_by(ChartId)
        .order_by_desc(repositories)
        .order_by_asc(ChartId)
        .limit(TOLD);
    named(c, with.into_tuple::<(i64, i64)>().all(c).await?).await
}

/// Other charts of that name, and charts of which somebody makes a release of that name with the image of that name: what
/// others only run beside something else is no alternative.
pub async fn alternatives(c: &impl ConnectionTrait, id: i64, at: Option<Timestamp>) -> Result<Vec<ChartNeighbour>> {
    let Some(of) = chart::Entity::find_by_id(id).one(c).await? else { return Ok(Vec::new()) };
    let same_name = chart::Entity::find().filter(chart::COLUMN.name.eq(of.name.as_str()));
    let same_name = same_name.filter(chart::COLUMN.id.ne(id)).select_only().column(chart::Column::Id);
    let mut charts: Vec<i64> = same_name.into_tuple().all(c).await?;
    let (from, to) = (image_use::Column::FromTime, image_use::Column::ToTime);
    // The image of the app is called as the app: others, such as databases beside it, say nothing.
    let images = image::Entity::find().filter(image::Column::Name.ends_with(format!("/{}", of.name)));
    let images: Vec<i64> = images.select_only().column(image::Column::Id).limit(500).into_tuple().all(c).await?;
    let same_image = image_use::Entity::find()
        .filter(is_any(image_use::Column::ImageId.into_expr(), images))
        .filter(covers(from, to, at))
        .filter(image_use::COLUMN.chart_id.is_not_null().and(image_use::COLUMN.chart_id.ne(id)))
        .select_only()
        .columns([image_use::Column::ChartId, image_use::Column::RepositoryId, image_use::Column::ReleaseId]);
    let same_image: Vec<(i64, Uuid, Option<i64>)> = same_image.into_tuple().all(c).await?;
    let called = called(c, &of.name, same_image.iter().filter_map(|(.., release)| *release), at).await?;
    let mut users: BTreeMap<i64, HashSet<Uuid>> = BTreeMap::new();
    for (chart, repository, _) in
        same_image.iter().filter(|(.., release)| release.is_some_and(|id| called.contains(&id)))
    {
        users.entry(*chart).or_default().insert(*repository);
    }
    let count = |users: HashSet<Uuid>| i64::try_from(users.len()).unwrap_or(i64::MAX);
    let by_image: Vec<(i64, i64)> = users.into_iter().map(|(chart, users)| (chart, count(users))).collect();
    charts.retain(|chart| !by_image.iter().any(|(other, _)| other == chart));
    let users = chart_use::Entity::find()
        .filter(is_any(chart_use::Column::ChartId.into_expr(), charts))
        .filter(uses_at(at))
        .select_only();
    let repositories = chart_use::Column::RepositoryId.into_expr().count_distinct();
    let users =
        users.column(chart_use::Column::ChartId).expr_as(repositories, "n").group_by(chart_use::Column::ChartId);
    let mut found: Vec<(i64, i64)> = users.into_tuple().all(c).await?;
    found.extend(by_image);
    found.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    found.truncate(usize::try_from(TOLD).unwrap_or(usize::MAX));
    named(c, found).await
}

/// Those of some releases in whose name an app's is.
async fn called(
    c: &impl ConnectionTrait,
    app: &str,
    releases: impl Iterator<Item = i64>,
    at: Option<Timestamp>,
) -> Result<HashSet<i64>> {
    use chart_use::Column::{Name, ReleaseId, ReleaseName};
    let app = app.to_lowercase();
    let these: HashSet<i64> = releases.collect();
    let uses = chart_use::Entity::find().filter(is_any(ReleaseId.into_expr(), these)).filter(uses_at(at));
    let uses = uses.select_only().columns([ReleaseId, ReleaseName, Name]);
    let uses: Vec<(i64, Option<String>, Option<String>)> = uses.into_tuple().all(c).await?;
    let is_called = |name: &str| name.to_lowercase().contains(&app);
    let named =
        uses.into_iter().filter(|(_, release, name)| release.as_deref().or(name.as_deref()).is_some_and(is_called));
    Ok(named.map(|(id, ..)| id).collect())
}

async fn named(c: &impl ConnectionTrait, found: Vec<(i64, i64)>) -> Result<Vec<ChartNeighbour>> {
    let these = is_any(chart::Column::Id.into_expr(), found.iter().map(|(id, _)| *id));
    let charts = chart::Entity::find().filter(these).all(c).await?;
    let neighbour = |(id, repositories): (i64, i64)| {
        let chart = charts.iter().find(|chart| chart.id == id)?;
        Some(ChartNeighbour { key: chart.key.clone(), name: chart.name.clone(), repositories })
    };
    Ok(found.into_iter().filter_map(neighbour).collect())
}
