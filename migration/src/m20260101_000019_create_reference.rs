use sea_orm_migration::prelude::*;

use super::m20260101_000002_create_resource::REFERENCES;
use super::statements;

/// References as spans, found in the builds that reach their documents. Every repository is scanned anew for them.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "DROP TABLE resource_reference",
    "CREATE TABLE reference (
        id BIGINT PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        key BIGINT NOT NULL,
        file_path TEXT NOT NULL,
        from_kind TEXT NOT NULL,
        from_name TEXT NOT NULL,
        field TEXT NOT NULL,
        kind TEXT NOT NULL,
        namespace TEXT,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        from_sequence BIGINT NOT NULL,
        from_time BIGINT NOT NULL,
        to_sequence BIGINT,
        to_time BIGINT
    )",
    "CREATE INDEX reference_by_repository ON reference (repository_id, from_sequence)",
    // What stands now is asked for most, and history is mostly what went.
    "CREATE INDEX reference_by_target ON reference (repository_id, kind, name) WHERE to_sequence IS NULL",
    "CREATE INDEX reference_by_document ON reference (repository_id, from_kind, from_name) WHERE to_sequence IS NULL",
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
        statements::drop_tables(manager, &["reference"]).await?;
        statements::run(manager, REFERENCES).await
    }
}
