//! The order in which PostgreSQL's rows are held, so that nobody waits for one who waits for them: repository, watch, branch,
//! trigger, delivery, event. Whoever writes of one branch holds all that stands before what they write; whoever removes many
//! rows takes only those that nobody holds. SQLite has one writer, and no such locks.

use std::collections::HashSet;

use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::kind::Origin;
use entity::table::{branch, repository, trigger, watch};

/// Nobody removes the repository meanwhile; whether it is there.
pub(crate) async fn hold_repository(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    let row = repository::Entity::find_by_id(id).select_only().column(repository::Column::Id);
    Ok(row.lock(LockType::KeyShare).into_tuple::<Uuid>().one(w).await?.is_some())
}

/// Nobody changes or removes the repository meanwhile; where it came from.
pub(crate) async fn hold_origin(w: &impl ConnectionTrait, id: Uuid) -> Result<Option<Origin>> {
    let row = repository::Entity::find_by_id(id).select_only().column(repository::Column::Origin);
    Ok(row.lock(LockType::NoKeyUpdate).into_tuple::<Origin>().one(w).await?)
}

/// Nobody else writes of the repository's branches meanwhile; its watch, where its branches are watched.
pub(crate) async fn hold_watch(w: &impl ConnectionTrait, repository: Uuid) -> Result<Option<watch::Model>> {
    if !hold_repository(w, repository).await? {
        return Ok(None);
    }
    let row = watch::Entity::find_by_id(repository).filter(watch::COLUMN.is_enabled.eq(true));
    Ok(row.lock(LockType::NoKeyUpdate).one(w).await?)
}

/// Nobody else adds or ends deliveries of the branch meanwhile, so that none of them stays behind one that has ended; its name.
pub(crate) async fn hold_branch(w: &impl ConnectionTrait, repository: Uuid, id: Uuid) -> Result<Option<String>> {
    if !hold_repository(w, repository).await? {
        return Ok(None);
    }
    let row = branch::Entity::find_by_id(id).select_only().column(branch::Column::Name);
    Ok(row.lock(LockType::NoKeyUpdate).into_tuple().one(w).await?)
}

/// Nobody removes these triggers meanwhile; those that are there.
pub(crate) async fn hold_triggers(w: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    use trigger::Column::Id;
    let rows = trigger::Entity::find().select_only().column(Id);
    let rows = rows.filter(is_any(Id.into_expr(), ids.iter().copied())).order_by_asc(Id);
    Ok(rows.lock(LockType::KeyShare).into_tuple().all(w).await?.into_iter().collect())
}
