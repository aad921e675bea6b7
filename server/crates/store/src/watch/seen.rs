//! When branches were seen last.

use sea_orm::{EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::hold::hold_watch;
use crate::db::{ConnectionTrait, Result};
use entity::table::branch;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Keeps that the branches that are there were seen by a look then: the repository's last sync, whose time tells it otherwise, is
/// one that failed now. Wants a transaction.
pub async fn keep_last_seen(w: &impl ConnectionTrait, repository: Uuid, at: Timestamp) -> Result<()> {
    if hold_watch(w, repository).await?.is_none() {
        return Ok(());
    }
    let at = StoredTimestamp::from(at);
    let seen = branch::Entity::update_many().set(branch::ActiveModel { last_seen_at: Set(at), ..Default::default() });
    let seen = seen.filter(branch::COLUMN.repository_id.eq(repository)).filter(branch::COLUMN.deleted_at.is_null());
    seen.filter(branch::COLUMN.last_seen_at.lt(at)).exec(w).await?;
    Ok(())
}
