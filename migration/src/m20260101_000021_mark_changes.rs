use sea_orm_migration::prelude::*;

use super::statements;

/// When what is stored of each repository changed last, so that answers may be kept until then.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &["CREATE TABLE repository_change (
        repository_id UUID PRIMARY KEY REFERENCES repository (id) ON DELETE CASCADE,
        changed BIGINT NOT NULL
    )"];

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
        statements::drop_tables(manager, &["repository_change"]).await
    }
}
