//! What resources use: charts, images; and where they stand.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result, effective_namespace, is_active};
use crate::db::select::{count, paged};
use entity::table::{resource, resource_chart, resource_image};
use entity::view::{ChartUse, ImageUse, Listing, PageQuery, ResourceTreeRow};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// Charts that a repository installs, by name.
pub async fn list_charts(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ChartUse>> {
    use resource_chart::Column::{Name, Position, ResourceId, Url, Version};
    let uses = resource_chart::Entity::find()
        .inner_join(resource::Entity)
        .filter(is_active(resource::Entity))
        .filter(resource_chart::COLUMN.repository_id.eq(repository));
    let count = count(c, uses.clone()).await?;
    let rows = uses
        .select_only()
        .column_as(resource::Column::Id, "resource_id")
        .column(resource::Column::Kind)
        .column_as(resource::Column::Name, "resource_name")
        .column_as(effective_namespace(resource::Entity), "namespace")
        .column_as(Name, "chart_name")
        .column_as(Url, "chart_url")
        .column(Version)
        .column(resource::Column::UpdatedAt)
        .order_by_asc(Name)
        .order_by_asc(ResourceId)
        .order_by_asc(Position);
    Ok(Listing { data: paged(rows, page).into_model().all(c).await?, count })
}

/// Images that a repository runs, by name.
pub async fn list_images(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ImageUse>> {
    use resource_image::Column::{Digest, FieldPath, Image, Position, ResourceId, Tag};
    let uses = resource_image::Entity::find()
        .inner_join(resource::Entity)
        .filter(is_active(resource::Entity))
        .filter(resource_image::COLUMN.repository_id.eq(repository));
    let count = count(c, uses.clone()).await?;
    let rows = uses
        .select_only()
        .column_as(resource::Column::Id, "resource_id")
        .column(resource::Column::Kind)
        .column_as(resource::Column::Name, "resource_name")
        .columns([Image, Tag, Digest, FieldPath])
        .order_by_asc(Image)
        .order_by_asc(Tag)
        .order_by_asc(ResourceId)
        .order_by_asc(Position);
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
