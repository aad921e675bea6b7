//! What came of what people asked for on pages.

use uuid::Uuid;

use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, Result, new_id};
use crate::row::{json, to_json};
use crate::view::{Outcome, OutcomeOf, Timestamp};

/// Nobody comes back to read it after so many hours.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Keeps an outcome and gives the id that a page's address names it by. Old ones go.
pub async fn record_outcome(w: &impl ConnectionTrait, of: &OutcomeOf, now: Timestamp) -> Result<Uuid> {
    let mut old = Sql::new("DELETE FROM outcome WHERE made_at < ");
    old.bind(stored_time(now - KEPT));
    old.run(w).await?;
    let id = new_id(now);
    let mut sql = Sql::new("INSERT INTO outcome (id, made_at, body) VALUES (");
    sql.bind(id).push(", ").bind(stored_time(now)).push(", ").bind(to_json("outcome.body", of)?).push(")");
    sql.run(w).await?;
    Ok(id)
}

/// An outcome, while it is kept. What another version of the program wrote counts as not there.
pub async fn find_outcome(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Outcome>> {
    let mut sql = Sql::new("SELECT body FROM outcome WHERE id = ");
    sql.bind(id);
    let body: Option<String> = sql.row(c).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(body.and_then(|body| json("outcome.body", &body).ok()).map(|of| Outcome { id, of }))
}
