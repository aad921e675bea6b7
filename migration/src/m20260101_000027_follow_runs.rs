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
    "ALTER TABLE \"trigger\" ADD COLUMN unconfigured_at TIMESTAMPTZ",
    // Lists of what is watched, and what is read of a repository by each look that finds something new.
    "CREATE INDEX branch_watched_by_change ON branch (changed_at, id) WHERE is_watched AND deleted_at IS NULL",
    "CREATE INDEX branch_standing ON branch (repository_id, is_watched) WHERE deleted_at IS NULL",
    "CREATE INDEX branch_gone ON branch (deleted_at, id) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX branch_event_by_time ON branch_event (noticed_at, id)",
    // A commit of a branch brings Tekton's resources once, however often the branch comes to it.
    "CREATE UNIQUE INDEX branch_event_tekton ON branch_event (branch_id, new_commit) WHERE kind = 'tekton_detected'",
    "CREATE INDEX delivery_failed ON delivery (trigger_id, finished_at, id) WHERE state = 'failed'",
    "CREATE INDEX delivery_by_answer ON delivery (answer_id, id) WHERE answer_id IS NOT NULL",
    "CREATE INDEX delivery_lost ON delivery (lease_until) WHERE state = 'sending'",
];

const DOWN: &[&str] = &[
    "DROP INDEX delivery_lost",
    "DROP INDEX delivery_by_answer",
    "DROP INDEX delivery_failed",
    "DROP INDEX branch_event_tekton",
    "DROP INDEX branch_event_by_time",
    "DROP INDEX branch_gone",
    "DROP INDEX branch_standing",
    "DROP INDEX branch_watched_by_change",
    "ALTER TABLE \"trigger\" DROP COLUMN unconfigured_at",
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
