//! Secrets that people entered, sealed: the database never sees what they are.

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait as _, QueryOrder as _, QuerySelect as _, Set};

use crate::db::{ConnectionTrait, Result};
use entity::table::sealed_secret;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Keeps a secret under its name, in place of the one before.
pub async fn put_secret(w: &impl ConnectionTrait, name: &str, sealed: Vec<u8>, now: Timestamp) -> Result<()> {
    use sealed_secret::Column::{ChangedAt, Name, Sealed};
    let row =
        sealed_secret::ActiveModel { name: Set(name.to_owned()), sealed: Set(sealed), changed_at: Set(now.into()) };
    let replace = OnConflict::column(Name).update_columns([Sealed, ChangedAt]).to_owned();
    sealed_secret::Entity::insert(row).on_conflict(replace).exec_without_returning(w).await?;
    Ok(())
}

/// A sealed secret.
pub async fn find_secret(c: &impl ConnectionTrait, name: &str) -> Result<Option<Vec<u8>>> {
    let found = sealed_secret::Entity::find_by_id(name).select_only().column(sealed_secret::Column::Sealed);
    Ok(found.into_tuple().one(c).await?)
}

/// Names of all secrets and when each was changed.
pub async fn list_secrets(c: &impl ConnectionTrait) -> Result<Vec<(String, Timestamp)>> {
    use sealed_secret::Column::{ChangedAt, Name};
    let all = sealed_secret::Entity::find().select_only().columns([Name, ChangedAt]).order_by_asc(Name);
    let rows: Vec<(String, StoredTimestamp)> = all.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(name, at)| (name, at.into())).collect())
}

/// Forgets a secret.
pub async fn remove_secret(w: &impl ConnectionTrait, name: &str) -> Result<bool> {
    Ok(sealed_secret::Entity::delete_by_id(name).exec(w).await?.rows_affected > 0)
}
