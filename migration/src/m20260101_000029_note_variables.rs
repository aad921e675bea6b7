use sea_orm_migration::prelude::*;

use super::statements;

/// What the variables stand for that a release's values name.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &["ALTER TABLE chart_use ADD COLUMN variables TEXT"];

const DOWN: &[&str] = &["ALTER TABLE chart_use DROP COLUMN variables"];

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
