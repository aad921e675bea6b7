use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set};
use uuid::Uuid;

use crate::db::{ConnectionTrait, Result};
use entity::kind::LinkKind;
use entity::table::one_time_link;
use entity::value::StoredTimestamp;
use entity::view::{Timestamp, WaitingAddress};

/// A link that works once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLink {
    pub kind: LinkKind,
    pub account_id: Option<Uuid>,
    /// The address that the account is to have, where it is for that.
    pub email: Option<String>,
}

impl StoredLink {
    /// One that is about no address.
    #[must_use]
    pub const fn of(kind: LinkKind, account_id: Option<Uuid>) -> Self {
        Self { kind, account_id, email: None }
    }
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
        email: Set(link.email),
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
    Ok(works.map(|row| StoredLink { kind: row.kind, account_id: row.account_id, email: row.email }))
}

/// Uses a link up: of two that use it at once, one gets it.
pub async fn take_link(w: &impl ConnectionTrait, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredLink>> {
    let Some(link) = find_link(w, hash, now).await? else { return Ok(None) };
    let taken = one_time_link::Entity::delete_by_id(hash.to_vec()).exec(w).await?.rows_affected > 0;
    Ok(taken.then_some(link))
}

/// The address that an account is to have once a link that still works is opened, and when it was asked for.
pub async fn find_waiting_address(
    c: &impl ConnectionTrait,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<WaitingAddress>> {
    let waiting = one_time_link::Entity::find()
        .filter(one_time_link::COLUMN.account_id.eq(account_id))
        .filter(one_time_link::Column::Kind.eq(LinkKind::Address))
        .filter(one_time_link::COLUMN.expires_at.gt(StoredTimestamp::from(now)))
        .order_by_desc(one_time_link::Column::CreatedAt);
    let found = waiting.one(c).await?;
    Ok(found.and_then(|row| Some(WaitingAddress { email: row.email?, asked_at: row.created_at.into() })))
}

/// Makes the links of an account that are for one thing stop working; whether there were any.
pub async fn remove_links_for(w: &impl ConnectionTrait, account_id: Uuid, kind: LinkKind) -> Result<bool> {
    let links = one_time_link::Entity::delete_many()
        .filter(one_time_link::COLUMN.account_id.eq(account_id))
        .filter(one_time_link::Column::Kind.eq(kind));
    Ok(links.exec(w).await?.rows_affected > 0)
}

/// Makes every link of an account stop working.
pub async fn remove_links(w: &impl ConnectionTrait, account_id: Uuid) -> Result<()> {
    one_time_link::Entity::delete_many().filter(one_time_link::COLUMN.account_id.eq(account_id)).exec(w).await?;
    Ok(())
}
