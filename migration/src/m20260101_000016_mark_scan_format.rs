use sea_orm_migration::prelude::*;

use super::statements;

/// By which rules a repository's texts, changes and facts were taken from its files. Those that were stored before secrets
/// were masked wherever they stand have format 0 and are scanned anew.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE repository ADD COLUMN scan_format BIGINT NOT NULL DEFAULT 0",
    // What people were told of what they did may hold addresses with their tokens; nobody needs it any more.
    "DELETE FROM outcome",
];

const DOWN: &[&str] = &["ALTER TABLE repository DROP COLUMN scan_format"];

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
        statements::run(manager, DOWN).await
    }
}
