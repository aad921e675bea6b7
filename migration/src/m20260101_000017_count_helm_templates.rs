use sea_orm_migration::prelude::*;

use super::statements;

/// Templates of Helm charts are no problems: they are counted apart.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &["ALTER TABLE repository ADD COLUMN helm_templates BIGINT NOT NULL DEFAULT 0"];

const DOWN: &[&str] = &["ALTER TABLE repository DROP COLUMN helm_templates"];

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
