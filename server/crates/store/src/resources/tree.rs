//! Where resources stand.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::then::first_after;
use super::{ConnectionTrait, Result, effective_namespace, is_active};
use crate::db::select::listed;
use crate::scans::leaves_at;
use entity::table::resource;
use entity::view::{Listing, ResourceTreeRow, Timestamp};

/// More leaves of a tree are not told at once.
pub const MAX_TREE: u64 = 20_000;

/// Resources of a repository that stand at its head, or stood at a time, by path: the first of them, and how many there are.
pub async fn list_tree(
    c: &impl ConnectionTrait,
    repository: Uuid,
    at: Option<Timestamp>,
    most: u64,
) -> Result<Listing<ResourceTreeRow>> {
    use resource::Column::{FilePath, Id, Kind, Name, Version};
    if let Some(at) = at {
        let last = first_after(c, repository, at).await?.map_or(i64::MAX, |later| later - 1);
        return leaves_at(c, repository, last, most).await;
    }
    let standing = resource::Entity::find()
        .filter(is_active(resource::Entity))
        .filter(resource::COLUMN.repository_id.eq(repository));
    let leaves = standing
        .clone()
        .select_only()
        .columns([Id, FilePath, Kind, Name, Version])
        .column_as(effective_namespace(resource::Entity), "namespace")
        .order_by_asc(FilePath)
        .order_by_asc(Kind)
        .order_by_asc(Name)
        .order_by_asc(Id);
    let leaves = leaves.limit(most).into_model::<ResourceTreeRow>().all(c).await?;
    listed(c, leaves, most, standing).await
}
