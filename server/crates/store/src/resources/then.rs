//! What a resource was at a time: the state that events had left of it, and what spans say of where it stood.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::versions::find_version_before;
use super::{ConnectionTrait, Result};
use crate::{charts, images};
use entity::kind::{EventType, ResourceStatus};
use entity::table::{commit, resource};
use entity::value::StoredTimestamp;
use entity::view::{ResourceThen, Timestamp};

/// What a resource was at a time; nothing where there is no such resource.
pub async fn find_resource_then(c: &impl ConnectionTrait, id: Uuid, at: Timestamp) -> Result<Option<ResourceThen>> {
    let known = resource::Entity::find_by_id(id).select_only().column(resource::Column::RepositoryId);
    let Some(repository) = known.into_tuple::<Uuid>().one(c).await? else { return Ok(None) };
    let (charts, images, written) = (Vec::new(), Vec::new(), Vec::new());
    let mut then = ResourceThen { at, status: None, version: None, charts, images, written };
    let later = first_after(c, repository, at).await?;
    let Some(version) = find_version_before(c, id, later).await? else { return Ok(Some(then)) };
    then.status = Some(ResourceStatus::Deleted);
    if version.event.event_type != EventType::Deleted {
        then.status = Some(ResourceStatus::Active);
        then.charts = charts::installed_at(c, repository, &version.event.file_path, Some(at)).await?;
        then.images = images::named_at(c, repository, &version.event.file_path, Some(at)).await?;
        then.written = images::written_at(c, repository, &version.event.file_path, Some(at)).await?;
    }
    then.version = Some(version);
    Ok(Some(then))
}

/// The place on a repository's line of the first commit that was made after a time. What comes behind it counts as later too,
/// though its clock may say otherwise: so spans have it.
pub(super) async fn first_after(c: &impl ConnectionTrait, repository: Uuid, at: Timestamp) -> Result<Option<i64>> {
    use commit::Column::{CommittedAt, RepositoryId, Sequence};
    let later =
        commit::Entity::find().filter(RepositoryId.eq(repository)).filter(CommittedAt.gt(StoredTimestamp::from(at)));
    Ok(later.select_only().column(Sequence).order_by_asc(Sequence).into_tuple().one(c).await?)
}
