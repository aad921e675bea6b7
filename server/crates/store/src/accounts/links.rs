use sea_orm::{EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use crate::db::{ConnectionTrait, Result};
use entity::kind::LinkKind;
use entity::table::one_time_link;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// A link that works once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLink {
    pub kind: LinkKind,
    pub account_id: Option<Uuid>,
}

/// Keeps a link by its hash; those whose time is over go. Others of its account go on working until one is used: whoever asks
/// for a link without being known must not end what somebody else holds.
pub async fn add_link(
    w: &impl ConnectionTrait,
    hash: &[u8; 32],
    link: StoredLink,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let over = one_time_link::COLUMN.expires_at.lte(StoredTimestamp::from(now));
    one_time_link::Entity::delete_many().filter(over).exec(w).await?;
    let row = one_time_link::ActiveModel {
        token_hash: Set(hash.to_vec()),
        kind: Set(link.kind),
        account_id: Set(link.account_id),
        created_at: Set(now.into()),
        expires_at: Set(expires_at.into()),
    };
    one_time_link::Entity::insert(row).exec_without_returning(w).await?;
    Ok(())
}

/// A link that still works; it goes on working.
pub async fn find_link(c: &impl ConnectionTrait, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredLink>> {
    let found = one_time_link::Entity::find_by_id(hash.to_vec()).one(c).await?;
    let works = found.filter(|row| Timestamp::from(row.expires_at) > now);
    Ok(works.map(|row| StoredLink { kind: row.kind, account_id: row.account_id }))
}

/// Uses a link up: of two that use it at once, one gets it.
pub async fn take_link(w: &impl ConnectionTrait, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredLink>> {
    let Some(link) = find_link(w, hash, now).await? else { return Ok(None) };
    let taken = one_time_link::Entity::delete_by_id(hash.to_vec()).exec(w).await?.rows_affected > 0;
    Ok(taken.then_some(link))
}

/// Makes every link of an account stop working.
pub async fn remove_links(w: &impl ConnectionTrait, account_id: Uuid) -> Result<()> {
    one_time_link::Entity::delete_many().filter(one_time_link::COLUMN.account_id.eq(account_id)).exec(w).await?;
    Ok(())
}
