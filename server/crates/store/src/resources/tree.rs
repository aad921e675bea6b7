//! Where resources stand.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result, effective_namespace, is_active};
use entity::table::resource;
use entity::view::ResourceTreeRow;

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

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
