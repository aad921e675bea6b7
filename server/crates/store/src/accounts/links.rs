use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, Set};
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

/// Keeps a link by its hash. Others of its kind and account, and those whose time is over, stop working.
pub async fn add_link(
    w: &impl ConnectionTrait,
    hash: &[u8; 32],
    link: StoredLink,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let account = match link.account_id {
        Some(id) => one_time_link::Column::AccountId.eq(id),
        None => one_time_link::Column::AccountId.is_null(),
    };
    let others = Condition::all().add(account).add(one_time_link::Column::Kind.eq(link.kind));
    let over = one_time_link::COLUMN.expires_at.lte(StoredTimestamp::from(now));
    // Each process of a first start shows a link of its own; the first account makes all of them dead.
    let gone = match link.kind {
        LinkKind::SetUp => Condition::any().add(over),
        LinkKind::Invite | LinkKind::Reset => Condition::any().add(others).add(over),
    };
    one_time_link::Entity::delete_many().filter(gone).exec(w).await?;
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
