//! What stays text.

use std::path::Path;

use sea_orm::{DbBackend, Statement};

use crate::db::{ConnectionTrait, Result};

/// SQLite alone, which has no other word for it, and SeaORM none.
#[expect(clippy::disallowed_methods, reason = "told above")]
pub(super) async fn vacuum_into(c: &impl ConnectionTrait, file: &Path) -> Result<()> {
    let name = file.to_string_lossy().into_owned();
    c.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()])).await?;
    Ok(())
}

/// PostgreSQL alone. The index of names is made of it, and a backup of our tables does not bring it.
#[expect(clippy::disallowed_methods, reason = "told above")]
pub(super) async fn create_trigrams(c: &impl ConnectionTrait) -> Result<()> {
    c.execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_trgm").await?;
    Ok(())
}
