use sea_orm_migration::prelude::*;

use super::statements;

/// When processes read their configuration again, for all of them to tell.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // A few hundred rows at most. Lists are JSON that only the program itself reads.
    "CREATE TABLE config_reload (
        id UUID PRIMARY KEY,
        worker TEXT NOT NULL,
        host TEXT NOT NULL,
        read_at TIMESTAMPTZ NOT NULL,
        cause TEXT NOT NULL,
        outcome TEXT NOT NULL,
        asked_by TEXT,
        applied TEXT NOT NULL,
        needs_restart TEXT NOT NULL,
        error_count INTEGER NOT NULL,
        errors TEXT NOT NULL
    )",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::drop_tables(manager, &["config_reload"]).await
    }
}
