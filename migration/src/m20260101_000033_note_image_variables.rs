use sea_orm_migration::prelude::*;

use super::statements;

/// Images in which variables stand: what is written, and what the variables stand for where a resource names it.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] =
    &["ALTER TABLE image_use ADD COLUMN written TEXT", "ALTER TABLE image_use ADD COLUMN variables TEXT"];

const DOWN: &[&str] = &["ALTER TABLE image_use DROP COLUMN variables", "ALTER TABLE image_use DROP COLUMN written"];

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
