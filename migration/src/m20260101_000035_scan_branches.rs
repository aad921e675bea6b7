use sea_orm_migration::prelude::*;

use super::statements;

/// Branches that are scanned beside a repository's main one are rows of their own, at the same address.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE repository ADD COLUMN scanned_branch TEXT NOT NULL DEFAULT ''",
    "DROP INDEX repository_by_url",
    "CREATE UNIQUE INDEX repository_by_url ON repository (url, scanned_branch)",
];

/// What was read of further branches goes: an address has one row before this step.
const DOWN: &[&str] = &[
    "DELETE FROM repository WHERE scanned_branch <> ''",
    "DROP INDEX repository_by_url",
    "ALTER TABLE repository DROP COLUMN scanned_branch",
    "CREATE UNIQUE INDEX repository_by_url ON repository (url)",
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
        statements::run(manager, DOWN).await
    }
}
