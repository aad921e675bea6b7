//! Where resources stand.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::then::first_after;
use super::{ConnectionTrait, Result, effective_namespace, is_active};
use crate::scans::leaves_at;
use entity::table::resource;
use entity::view::{ResourceTreeRow, Timestamp};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// Resources of a repository that stand at its head, or stood at a time, by path; at most [`MAX_TREE`].
pub async fn list_tree(
    c: &impl ConnectionTrait,
    repository: Uuid,
    at: Option<Timestamp>,
) -> Result<Vec<ResourceTreeRow>> {
    use resource::Column::{FilePath, Id, Kind, Name, Version};
    if let Some(at) = at {
        let last = first_after(c, repository, at).await?.map_or(i64::MAX, |later| later - 1);
        return leaves_at(c, repository, last, MAX_TREE).await;
    }
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
