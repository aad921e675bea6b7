use sea_orm_migration::prelude::*;

use super::statements;

/// Which events wait for their commits to be read.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE branch_event ADD COLUMN facts_due_at TIMESTAMPTZ",
    "CREATE INDEX branch_event_unread ON branch_event (facts_due_at, repository_id) WHERE facts_due_at IS NOT NULL",
    "CREATE INDEX branch_event_unread_of_branch ON branch_event (branch_id, sequence) WHERE facts_due_at IS NOT NULL",
    "CREATE INDEX branch_event_to_read ON branch_event (repository_id, sequence, id) WHERE facts_due_at IS NOT NULL",
    "CREATE INDEX branch_event_to_decide ON branch_event (repository_id, sequence, id) WHERE due_at IS NOT NULL",
];

const DOWN: &[&str] = &[
    "DROP INDEX branch_event_to_decide",
    "DROP INDEX branch_event_to_read",
    "DROP INDEX branch_event_unread_of_branch",
    "DROP INDEX branch_event_unread",
    "ALTER TABLE branch_event DROP COLUMN facts_due_at",
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
