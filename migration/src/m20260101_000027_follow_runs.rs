use sea_orm_migration::prelude::*;

use super::statements;

/// What events bring of Tekton's, what became of what deliveries began, and indexes for looking after all of it.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE branch_event ADD COLUMN matches INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE branch_event ADD COLUMN tekton TEXT",
    "ALTER TABLE delivery ADD COLUMN run_state TEXT",
    "ALTER TABLE delivery ADD COLUMN run_name TEXT",
    "ALTER TABLE delivery ADD COLUMN run_at TIMESTAMPTZ",
];

const DOWN: &[&str] = &[
    "ALTER TABLE delivery DROP COLUMN run_at",
    "ALTER TABLE delivery DROP COLUMN run_name",
    "ALTER TABLE delivery DROP COLUMN run_state",
    "ALTER TABLE branch_event DROP COLUMN tekton",
    "ALTER TABLE branch_event DROP COLUMN matches",
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
