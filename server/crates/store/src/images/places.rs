//! Places where images stand.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::written::told;
use crate::charts::{commits_at, covers, resources_of, stars_of, time};
use crate::db::select::{count, is_any, is_counted, matching, paged};
use crate::db::{ConnectionTrait, Result};
use entity::kind::Provider;
use entity::table::{chart, chart_use, image, image_use, repository};
use entity::value::{JsonText, ObjectId};
use entity::view::{ImagePlace, ImagePlaceFilter, Listing, file_of, web_url};

#[derive(DerivePartialModel)]
#[sea_orm(entity = "image_use::Entity")]
struct Row {
    #[sea_orm(nested)]
    one: image_use::Model,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository: String,
    #[sea_orm(from_expr = "repository::Column::WebUrl")]
    base: Option<String>,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    provider: Provider,
    #[sea_orm(from_expr = "repository::Column::ScannedCommit")]
    head: Option<ObjectId>,
    #[sea_orm(from_expr = "Expr::col((image::Entity, image::Column::Name))")]
    image: Option<String>,
    #[sea_orm(from_expr = "Expr::col((chart::Entity, chart::Column::Key))")]
    chart_key: Option<String>,
}

/// A release whose values have images.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
struct Release {
    release_id: i64,
    file_path: String,
    name: Option<String>,
    variables: Option<JsonText<BTreeMap<String, String>>>,
}

/// Places, one page of them.
pub async fn list_image_places(c: &impl ConnectionTrait, filter: &ImagePlaceFilter) -> Result<Listing<ImagePlace>> {
    use image_use::Column::{FromTime, Id, Path, ToTime};
    let conditions = Condition::all()
        .add(covers(FromTime, ToTime, filter.at))
        .add_option(filter.image_id.map(|id| image_use::COLUMN.image_id.eq(id)))
        .add(match filter.repository_id {
            Some(id) => image_use::COLUMN.repository_id.eq(id),
            None => is_counted(image_use::Column::RepositoryId),
        })
        .add_option(filter.tag.as_deref().map(|tag| image_use::COLUMN.tag.eq(tag)));
    let uses: Select<image_use::Entity> = matching(conditions);
    let count = count(c, uses.clone()).await?;
    let named = uses.inner_join(repository::Entity).order_by_asc(repository::Column::FullName);
    let page = paged(named.order_by_asc(Path).order_by_asc(Id), filter.page);
    let ids: Vec<i64> = page.select_only().column(Id).into_tuple().all(c).await?;
    let rows = image_use::Entity::find()
        .inner_join(repository::Entity)
        .left_join(image::Entity)
        .left_join(chart::Entity)
        .filter(is_any(Expr::col((image_use::Entity, Id)), ids.iter().copied()));
    let rows: Vec<Row> = rows.into_partial_model().all(c).await?;
    let mut by_id: HashMap<i64, Row> = rows.into_iter().map(|row| (row.one.id, row)).collect();
    let mut rows: Vec<Row> = ids.iter().filter_map(|id| by_id.remove(id)).collect();
    // What stands in values stands where the release does.
    let releases = rows.iter().filter_map(|row| row.one.release_id);
    let places = chart_use::Entity::find()
        .filter(is_any(chart_use::Column::ReleaseId.into_expr(), releases))
        .filter(covers(chart_use::Column::FromTime, chart_use::Column::ToTime, filter.at))
        .into_partial_model::<Release>();
    let releases: HashMap<i64, Release> =
        places.all(c).await?.into_iter().map(|release| (release.release_id, release)).collect();
    for row in &mut rows {
        if let Some(release) = row.one.release_id.and_then(|id| releases.get(&id)) {
            row.one.file_path.clone_from(&release.file_path);
            row.one.name.clone_from(&release.name);
        }
    }
    let repositories: Vec<_> = rows.iter().map(|row| row.one.repository_id).collect();
    let stars = stars_of(c, &repositories).await?;
    let resources = resources_of(c, rows.iter().map(|row| (row.one.repository_id, row.one.file_path.as_str()))).await?;
    let commits = match filter.at {
        Some(at) => commits_at(c, repositories.into_iter().collect(), at).await?,
        None => HashMap::new(),
    };
    let shown = |Row { one, repository, base, provider, head, image, chart_key }: Row| {
        let head = if filter.at.is_some() { commits.get(&one.repository_id).copied() } else { head };
        let file = file_of(&one.file_path);
        let release = one.release_id.and_then(|id| releases.get(&id));
        let of_release = release.and_then(|release| release.variables.as_ref());
        ImagePlace {
            variables: told(one.written.as_deref(), one.variables, of_release),
            written: one.written,
            stars: stars.get(&one.repository_id).copied(),
            web_url: head.and_then(|head| web_url(provider, base.as_deref(), &head.to_string(), Some(file), None)),
            resource_id: resources.get(&(one.repository_id, one.file_path.clone())).copied(),
            repository_id: one.repository_id,
            repository,
            place: one.place,
            image,
            tag: one.tag,
            digest: one.digest,
            path: one.path,
            file_path: one.file_path,
            kind: one.kind,
            name: one.name,
            chart_key,
            since: time(one.from_time),
        }
    };
    Ok(Listing { data: rows.into_iter().map(shown).collect(), count })
}
