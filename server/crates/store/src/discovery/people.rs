//! What people decide about repositories: approve, block, delete for good.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set, UpdateMany,
};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use crate::repositories::{find_repository, ids_beside, remove_repository};
use entity::address::{Address, Scheme};
use entity::kind::SyncStatus;
use entity::table::{repository, tombstone};
use entity::value::is_uncounted;
use entity::view::{Repository, Timestamp};

/// What a decision came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// The repository as it was before.
    Done(Box<Repository>),
    /// There is nothing to decide in this state.
    NotNow(SyncStatus),
    NotFound,
}

/// A repository that was deleted here, so that searches do not bring it back.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "tombstone::Entity")]
pub struct Tombstone {
    pub url: String,
    pub full_name: String,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub deleted_at: Timestamp,
}

impl Tombstone {
    /// Lies in a folder, as samples do: it comes from the configuration alone, and has no address to be added by.
    #[must_use]
    pub fn is_local(&self) -> bool {
        Address::read(&self.url).is_ok_and(|address| *address.scheme() == Scheme::File)
    }
}

/// Lets a repository that is blocked or waits for approval in, and those of its branches that are scanned beside it and wait too. It
/// stays approved, whatever its size. The caller asks for syncs in the same transaction.
pub async fn approve(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<Decided> {
    let Some(repository) = find_repository(w, id).await? else { return Ok(Decided::NotFound) };
    let approved = repository::ActiveModel {
        sync_status: Set(SyncStatus::Pending),
        sync_error: Set(None),
        gone_at: Set(None),
        approved_at: Set(Some(now.into())),
        next_sync_at: Set(Some(now.into())),
        ..Default::default()
    };
    let waits = repository::Column::SyncStatus.is_in([SyncStatus::Blocked, SyncStatus::PendingApproval]);
    let approved = repository::Entity::update_many().set(approved).filter(waits);
    if approved.clone().filter(repository::COLUMN.id.eq(id)).exec(w).await?.rows_affected == 0 {
        return Ok(Decided::NotNow(repository.sync_status));
    }
    of_branches(w, id, approved).await?;
    Ok(Decided::Done(Box::new(repository)))
}

/// Keeps a repository from being synced until it is approved, and its branches that are scanned beside it; what was found in it stays
/// readable.
pub async fn block(w: &impl ConnectionTrait, id: Uuid, reason: &str) -> Result<Decided> {
    let Some(repository) = find_repository(w, id).await? else { return Ok(Decided::NotFound) };
    let blocked = repository::ActiveModel {
        sync_status: Set(SyncStatus::Blocked),
        sync_error: Set(Some(reason.to_owned())),
        gone_at: Set(None),
        approved_at: Set(None),
        ..Default::default()
    };
    let blocked = repository::Entity::update_many().set(blocked);
    if blocked.clone().filter(repository::COLUMN.id.eq(id)).exec(w).await?.rows_affected == 0 {
        return Ok(Decided::NotFound);
    }
    of_branches(w, id, blocked).await?;
    Ok(Decided::Done(Box::new(repository)))
}

/// Does the same to the branches that are scanned beside a repository: they are fetched from the same place.
async fn of_branches(w: &impl ConnectionTrait, main: Uuid, decision: UpdateMany<repository::Entity>) -> Result<()> {
    let beside = ids_beside(w, main).await?;
    if !beside.is_empty() {
        decision.filter(is_any(repository::Column::Id.into_expr(), beside)).exec(w).await?;
    }
    Ok(())
}

/// Deletes a repository with all that was found in it, and remembers that it is not wanted.
pub async fn remove_repository_for_good(
    w: &impl ConnectionTrait,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Repository>> {
    let Some(repository) = find_repository(w, id).await? else { return Ok(None) };
    let Some(stored) = repository::Entity::find_by_id(id).one(w).await? else { return Ok(None) };
    // Of its repository, which stays, a branch says nothing.
    if is_uncounted(id) {
        remove_repository(w, id).await?;
        return Ok(Some(repository));
    }
    // The repository's own id names its tombstone: deleting twice is deleting once.
    let stone = tombstone::ActiveModel {
        id: Set(id),
        url: Set(stored.url),
        full_name: Set(stored.full_name),
        forge_host: Set(stored.forge_host),
        forge_id: Set(stored.forge_id),
        deleted_at: Set(now.into()),
    };
    let once = OnConflict::column(tombstone::Column::Id).do_nothing().to_owned();
    tombstone::Entity::insert(stone).on_conflict(once).exec_without_returning(w).await?;
    remove_repository(w, id).await?;
    Ok(Some(repository))
}

/// Every deleted repository.
pub async fn list_tombstones(c: &impl ConnectionTrait) -> Result<Vec<Tombstone>> {
    use tombstone::Column::{DeletedAt, Id};
    let stones = tombstone::Entity::find().order_by_asc(DeletedAt).order_by_asc(Id);
    Ok(stones.into_partial_model().all(c).await?)
}

/// Somebody adds deleted repositories again: they may come back.
pub async fn lift_tombstones<'a>(
    w: &impl ConnectionTrait,
    stones: impl Iterator<Item = &'a Tombstone> + Send,
) -> Result<()> {
    for stone in stones {
        let this = tombstone::COLUMN.url.eq(stone.url.as_str());
        tombstone::Entity::delete_many().filter(this).exec(w).await?;
    }
    Ok(())
}
