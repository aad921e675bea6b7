//! What came of what people asked for on pages.

use sea_orm::{EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use crate::db::{ConnectionTrait, Result, new_id};
use entity::table::outcome;
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{Outcome, OutcomeOf, Timestamp};

/// Nobody comes back to read it after so many hours.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Keeps an outcome and gives the id that a page's address names it by. Old ones go.
pub async fn record_outcome(w: &impl ConnectionTrait, of: &OutcomeOf, now: Timestamp) -> Result<Uuid> {
    let old = outcome::COLUMN.made_at.lt(StoredTimestamp::from(now - KEPT));
    outcome::Entity::delete_many().filter(old).exec(w).await?;
    let id = new_id(now);
    let row = outcome::ActiveModel { id: Set(id), made_at: Set(now.into()), body: Set(JsonText(of.clone())) };
    outcome::Entity::insert(row).exec_without_returning(w).await?;
    Ok(id)
}

/// An outcome, while it is kept. What another version of the program wrote counts as not there.
pub async fn find_outcome(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Outcome>> {
    let body = outcome::Entity::find_by_id(id).select_only().column(outcome::Column::Body);
    let body: Option<String> = body.into_tuple().one(c).await?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()).map(|of| Outcome { id, of }))
}
