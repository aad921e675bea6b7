//! What resources use: charts, images; and where they stand.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result, effective_namespace, is_active};
use crate::charts::{covers, uses_at};
use crate::db::select::{count, paged};
use entity::table::{chart_use, image, image_use, resource};
use entity::view::{ChartUse, ImageUse, Listing, PageQuery, ResourceTreeRow};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// The resource that stands where a use does. Names say nothing: a chart of a kustomization is called otherwise than it.
fn stands_at(place: Expr) -> Condition {
    let path = Expr::col((resource::Entity, resource::Column::FilePath));
    Condition::all().add(is_active(resource::Entity)).add(path.eq(place))
}

/// Charts that a repository's resources install, by name.
pub async fn list_charts(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ChartUse>> {
    use chart_use::Column::{ChartName, FilePath, Id, RepositoryId, SourceUrl, Version};
    let of_use = |column: chart_use::Column| Expr::col((chart_use::Entity, column));
    let mut uses = chart_use::Entity::find()
        .filter(chart_use::COLUMN.repository_id.eq(repository))
        .filter(uses_at(None))
        .filter(ChartName.is_not_null());
    let of_repository = Expr::col((resource::Entity, resource::Column::RepositoryId)).eq(of_use(RepositoryId));
    let there = stands_at(of_use(FilePath)).add(of_repository);
    sea_orm::QuerySelect::query(&mut uses).inner_join(resource::Entity, there);
    let count = count(c, uses.clone()).await?;
    let rows = uses
        .select_only()
        .column_as(resource::Column::Id, "resource_id")
        .column_as(resource::Column::Kind, "kind")
        .column_as(resource::Column::Name, "resource_name")
        .column_as(effective_namespace(resource::Entity), "namespace")
        .column_as(ChartName, "chart_name")
        .column_as(SourceUrl, "chart_url")
        .column_as(Version, "version")
        .column_as(resource::Column::UpdatedAt, "updated_at")
        .order_by_asc(ChartName)
        .order_by_asc(resource::Column::Id)
        .order_by_asc(Id);
    Ok(Listing { data: paged(rows, page).into_model().all(c).await?, count })
}

/// Images that a repository's resources run, by name.
pub async fn list_images(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ImageUse>> {
    use image_use::Column::{Digest, FilePath, FromTime, Id, Path, ReleaseId, RepositoryId, Tag, ToTime};
    let of_use = |column: image_use::Column| Expr::col((image_use::Entity, column));
    let of_release = |column: chart_use::Column| Expr::col((chart_use::Entity, column));
    // What stands in values stands where the release does.
    let release = Condition::all()
        .add(of_release(chart_use::Column::ReleaseId).eq(of_use(ReleaseId)))
        .add(of_release(chart_use::Column::ToTime).is_null());
    let place = Func::coalesce([of_release(chart_use::Column::FilePath), of_use(FilePath)]);
    let of_repository = Expr::col((resource::Entity, resource::Column::RepositoryId)).eq(of_use(RepositoryId));
    let mut uses = image_use::Entity::find()
        .inner_join(image::Entity)
        .filter(image_use::COLUMN.repository_id.eq(repository))
        .filter(covers(FromTime, ToTime, None));
    sea_orm::QuerySelect::query(&mut uses)
        .left_join(chart_use::Entity, release)
        .inner_join(resource::Entity, stands_at(place.into()).add(of_repository));
    let count = count(c, uses.clone()).await?;
    let rows = uses
        .select_only()
        .column_as(resource::Column::Id, "resource_id")
        .column_as(resource::Column::Kind, "kind")
        .column_as(resource::Column::Name, "resource_name")
        .column_as(image::Column::Name, "image")
        .column_as(Tag, "tag")
        .column_as(Digest, "digest")
        .column_as(Path, "field_path")
        .order_by_asc(image::Column::Name)
        .order_by_asc(Tag)
        .order_by_asc(resource::Column::Id)
        .order_by_asc(Id);
    Ok(Listing { data: paged(rows, page).into_model().all(c).await?, count })
}

/// Active resources of a repository by path, at most [`MAX_TREE`].
pub async fn list_tree(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<ResourceTreeRow>> {
    use resource::Column::{FilePath, Id, Kind, Name, Version};
    let leaves = resource::Entity::find()
        .filter(is_active(resource::Entity))
        .filter(resource::COLUMN.repository_id.eq(repository))
        .select_only()
        .columns([Id, FilePath, Kind, Name, Version])
        .column_as(effective_namespace(resource::Entity), "namespace")
        .order_by_asc(FilePath)
        .order_by_asc(Kind)
        .order_by_asc(Name)
        .order_by_asc(Id);
    Ok(leaves.limit(MAX_TREE).into_model().all(c).await?)
}
