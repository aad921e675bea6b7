//! Webhooks that came in: each is taken once.

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait as _, QueryFilter as _, QueryTrait as _, Set};
use uuid::Uuid;

use super::hold::hold_repository;
use crate::db::{ConnectionTrait, DataError, Result};
use crate::repositories::shorten;
use entity::table::webhook_receipt;
use entity::view::Timestamp;

/// Longer ids are kept as their hashes. Forges take 36 characters.
const MAX_ID_BYTES: usize = 200;

/// Whether a webhook was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    First,
    /// The same one was taken before.
    Again,
}

/// Takes a webhook, unless the same one was taken before. In the transaction that does what it asks for, so that one that
/// fails in the middle can come again.
pub async fn take_receipt(
    w: &impl ConnectionTrait,
    repository: Uuid,
    delivery_id: &str,
    event: &str,
    now: Timestamp,
) -> Result<Took> {
    if !hold_repository(w, repository).await? {
        return Err(DataError::NotFound { what: "repository", id: repository });
    }
    let row = webhook_receipt::ActiveModel {
        repository_id: Set(repository),
        delivery_id: Set(kept_id(delivery_id)),
        received_at: Set(now.into()),
        event: Set(shorten(event)),
        result: Set(String::new()),
    };
    let mut insert = webhook_receipt::Entity::insert(row).into_query();
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    let taken = w.execute(&insert).await?.rows_affected();
    Ok(if taken == 0 { Took::Again } else { Took::First })
}

/// Says what came of a webhook that was taken.
pub async fn tell_receipt(w: &impl ConnectionTrait, repository: Uuid, delivery_id: &str, result: &str) -> Result<()> {
    let row = webhook_receipt::ActiveModel { result: Set(shorten(result)), ..Default::default() };
    let told = webhook_receipt::Entity::update_many().set(row);
    let told = told.filter(webhook_receipt::COLUMN.repository_id.eq(repository));
    told.filter(webhook_receipt::COLUMN.delivery_id.eq(kept_id(delivery_id))).exec(w).await?;
    Ok(())
}

/// What a webhook is known by: two of different ids are never taken for one, however long these are.
fn kept_id(id: &str) -> String {
    match id.len() <= MAX_ID_BYTES && !id.contains('\0') {
        true => id.to_owned(),
        false => format!("blake3:{}", blake3::hash(id.as_bytes()).to_hex()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_stay_apart() {
        let long = "x".repeat(MAX_ID_BYTES);
        assert_eq!(kept_id(&long), long);
        let (one, other) = (kept_id(&format!("{long}1")), kept_id(&format!("{long}2")));
        assert_ne!(one, other);
        assert!(one.len() < MAX_ID_BYTES && one.starts_with("blake3:"), "{one}");
        assert!(!kept_id("a\0").contains('\0'), "PostgreSQL takes none");
    }
}
