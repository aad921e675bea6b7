//! What stays text.

use crate::db::{ConnectionTrait, Result};

/// PostgreSQL alone: waits for who writes texts and keeps others from it until the transaction ends. SeaORM has no locks of
/// whole tables.
#[expect(clippy::disallowed_methods, reason = "told above")]
pub(super) async fn lock_manifests(w: &impl ConnectionTrait) -> Result<()> {
    w.execute_unprepared("LOCK TABLE manifest IN SHARE ROW EXCLUSIVE MODE").await?;
    Ok(())
}
