use sea_orm_migration::prelude::*;

use super::statements;

/// What came of what people asked for on pages, for as long as they read it.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // The body is JSON that only the program itself reads.
    "CREATE TABLE outcome (
        id UUID PRIMARY KEY,
        made_at TIMESTAMPTZ NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE INDEX outcome_by_time ON outcome (made_at)",
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
        statements::drop_tables(manager, &["outcome"]).await
    }
}
