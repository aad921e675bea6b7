//! What stands beside a chart: charts that are used together with it, and others for the same.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use uuid::Uuid;

use super::{ConnectionTrait, Result, adoption, uses_at};
use crate::db::select::{is_any, is_counted};
use entity::table::{chart, chart_use, image, image_use};
use entity::view::{ChartAdoption, ChartAlternative, ChartNeighbour, Timestamp};

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
        .filter(is_counted(RepositoryId))
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

/// A use that an adoption is counted of: by which repository, of which release, from when, to when.
type Use = (Uuid, i64, i64, Option<i64>);
/// The same with its chart before it, as the database gives it.
type UseRow = (i64, Uuid, i64, i64, Option<i64>);

fn grouped(rows: impl IntoIterator<Item = UseRow>) -> BTreeMap<i64, Vec<Use>> {
    let mut by_chart: BTreeMap<i64, Vec<Use>> = BTreeMap::new();
    for (chart, repository, release, from, to) in rows {
        by_chart.entry(chart).or_default().push((repository, release, from, to));
    }
    by_chart
}

/// Other charts of that name, and charts of which somebody makes a release of that name with the image of that name: what
/// others only run beside something else is no alternative. Those that are used no more are told too, as people left them.
pub async fn alternatives(
    c: &impl ConnectionTrait,
    id: i64,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<ChartAlternative>> {
    let Some(of) = chart::Entity::find_by_id(id).one(c).await? else { return Ok(Vec::new()) };
    // Of a chart of that name all uses count, whatever image they have.
    let mut uses = by_image(c, &of).await?;
    let same_name = chart::Entity::find().filter(chart::COLUMN.name.eq(of.name.as_str()));
    let same_name = same_name.filter(chart::COLUMN.id.ne(id)).select_only().column(chart::Column::Id);
    let same_name: Vec<i64> = same_name.into_tuple().all(c).await?;
    uses.extend(by_chart(c, same_name).await?);
    let moment = at.unwrap_or(now).timestamp();
    let told = uses.into_iter().filter_map(|(chart, uses)| {
        let over_time = adoption(&uses, moment);
        Some((chart, over_time.last()?.repositories, over_time))
    });
    let mut told: Vec<(i64, i64, Vec<ChartAdoption>)> = told.collect();
    told.sort_by(|(a, n, _), (b, m, _)| m.cmp(n).then(a.cmp(b)));
    told.truncate(usize::try_from(TOLD).unwrap_or(usize::MAX));
    let charts = charts(c, told.iter().map(|(id, ..)| *id)).await?;
    let shown = |(id, repositories, over_time): (i64, i64, Vec<ChartAdoption>)| {
        let chart = charts.get(&id)?;
        Some(ChartAlternative { key: chart.key.clone(), name: chart.name.clone(), repositories, over_time })
    };
    Ok(told.into_iter().filter_map(shown).collect())
}

/// All uses there were of these charts.
async fn by_chart(c: &impl ConnectionTrait, charts: Vec<i64>) -> Result<BTreeMap<i64, Vec<Use>>> {
    use chart_use::Column::{ChartId, FromTime, ReleaseId, RepositoryId, ToTime};
    let uses = chart_use::Entity::find().filter(is_any(ChartId.into_expr(), charts)).filter(is_counted(RepositoryId));
    let uses = uses.select_only().columns([ChartId, RepositoryId, ReleaseId, FromTime, ToTime]);
    Ok(grouped(uses.into_tuple::<UseRow>().all(c).await?))
}

/// All uses there were of other charts by releases that are called as the chart and have the image that is called as it.
async fn by_image(c: &impl ConnectionTrait, of: &chart::Model) -> Result<BTreeMap<i64, Vec<Use>>> {
    use image_use::Column::{ChartId, FromTime, ImageId, ReleaseId, RepositoryId, ToTime};
    // The image of the app is called as the app: others, such as databases beside it, say nothing.
    let images = image::Entity::find().filter(image::Column::Name.ends_with(format!("/{}", of.name)));
    let images: Vec<i64> = images.select_only().column(image::Column::Id).limit(500).into_tuple().all(c).await?;
    let uses = image_use::Entity::find()
        .filter(is_any(ImageId.into_expr(), images))
        .filter(is_counted(RepositoryId))
        .filter(image_use::COLUMN.release_id.is_not_null())
        .filter(image_use::COLUMN.chart_id.is_not_null().and(image_use::COLUMN.chart_id.ne(of.id)))
        .select_only()
        .columns([ChartId, RepositoryId, ReleaseId, FromTime, ToTime]);
    let uses: Vec<UseRow> = uses.into_tuple().all(c).await?;
    let called = called(c, &of.name, uses.iter().map(|(_, _, release, ..)| *release)).await?;
    Ok(grouped(uses.into_iter().filter(|(_, _, release, ..)| called.contains(release))))
}

/// Those of some releases in whose name an app's is, or once was.
async fn called(c: &impl ConnectionTrait, app: &str, releases: impl Iterator<Item = i64>) -> Result<HashSet<i64>> {
    use chart_use::Column::{Name, ReleaseId, ReleaseName};
    let app = app.to_lowercase();
    let these: HashSet<i64> = releases.collect();
    let uses = chart_use::Entity::find().filter(is_any(ReleaseId.into_expr(), these));
    let uses = uses.select_only().columns([ReleaseId, ReleaseName, Name]).distinct();
    let uses: Vec<(i64, Option<String>, Option<String>)> = uses.into_tuple().all(c).await?;
    let is_called = |name: &str| name.to_lowercase().contains(&app);
    let named =
        uses.into_iter().filter(|(_, release, name)| release.as_deref().or(name.as_deref()).is_some_and(is_called));
    Ok(named.map(|(id, ..)| id).collect())
}

async fn named(c: &impl ConnectionTrait, found: Vec<(i64, i64)>) -> Result<Vec<ChartNeighbour>> {
    let charts = charts(c, found.iter().map(|(id, _)| *id)).await?;
    let neighbour = |(id, repositories): (i64, i64)| {
        let chart = charts.get(&id)?;
        Some(ChartNeighbour { key: chart.key.clone(), name: chart.name.clone(), repositories })
    };
    Ok(found.into_iter().filter_map(neighbour).collect())
}

/// Charts by their ids.
async fn charts(c: &impl ConnectionTrait, ids: impl Iterator<Item = i64>) -> Result<HashMap<i64, chart::Model>> {
    let charts = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), ids)).all(c).await?;
    Ok(charts.into_iter().map(|chart| (chart.id, chart)).collect())
}
