use sea_orm_migration::prelude::*;

use super::statements;

/// Of how many repositories the day's number of open issues is: not every forge tells it of every repository.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE ecosystemstats ADD COLUMN repositories_with_known_issues BIGINT NOT NULL DEFAULT 0",
    // At most; a day that is computed anew has it exactly.
    "UPDATE ecosystemstats SET repositories_with_known_issues = measured_repositories",
];

const DOWN: &[&str] = &["ALTER TABLE ecosystemstats DROP COLUMN repositories_with_known_issues"];

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
