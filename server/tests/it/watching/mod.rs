//! Watched branches, from a push to a receiver that counts: looks, webhooks, decisions, deliveries.

mod access;
pub mod away;
mod branches;
mod closed;
mod forges;
mod patterns;
mod pushes;
mod receiver;
mod webhooks;

use store::db::{ConnectionTrait as _, Db};

/// As if all that was noticed so far had been noticed two minutes ago: lists that show branches otherwise are believed.
pub async fn a_while_later(db: &Db) {
    let then = (server::clock::now() - chrono::TimeDelta::minutes(2)).to_rfc3339();
    for column in ["branch_event SET noticed_at", "branch SET changed_at"] {
        db.write.execute_unprepared(&format!("UPDATE {column} = '{then}'")).await.unwrap();
    }
}
