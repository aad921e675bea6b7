use sea_orm_migration::prelude::*;

use super::statements;

/// Files at the head that could not be read as they should.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE problem (
        id UUID PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        file_path TEXT NOT NULL,
        line INTEGER,
        column_number INTEGER,
        class TEXT NOT NULL,
        message TEXT NOT NULL,
        commit_sha BYTEA NOT NULL,
        since TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX problem_of_file ON problem (repository_id, file_path, line, id)",
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
        statements::drop_tables(manager, &["problem"]).await
    }
}
