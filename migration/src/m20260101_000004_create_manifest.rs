use sea_orm_migration::prelude::*;

use super::statements;

/// Texts of manifests, once each for the whole database, by the name that Git gives them.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &["CREATE TABLE manifest (
        id BYTEA PRIMARY KEY,
        dictionary SMALLINT NOT NULL,
        size BIGINT NOT NULL,
        compressed BYTEA NOT NULL
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
        statements::drop_tables(manager, &["manifest"]).await
    }
}
