use sea_orm_migration::prelude::*;

use super::statements;

/// The queue. At most one queued and one running job per key, as the database itself sees to.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE job (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        key TEXT NOT NULL,
        priority INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        requested_by TEXT NOT NULL,
        repository_id UUID REFERENCES repository (id) ON DELETE CASCADE,
        created_at TIMESTAMPTZ NOT NULL,
        run_at TIMESTAMPTZ NOT NULL,
        started_at TIMESTAMPTZ,
        finished_at TIMESTAMPTZ,
        worker TEXT,
        lease_until TIMESTAMPTZ,
        progress_text TEXT,
        progress_done BIGINT,
        progress_total BIGINT,
        result TEXT,
        error TEXT
    )",
    "CREATE UNIQUE INDEX job_queued_key ON job (key) WHERE state = 'queued'",
    "CREATE UNIQUE INDEX job_running_key ON job (key) WHERE state = 'running'",
    "CREATE INDEX job_to_claim ON job (state, priority DESC, run_at, id)",
    "CREATE INDEX job_by_state ON job (state, id)",
    "CREATE INDEX job_by_kind ON job (kind, id)",
    "CREATE INDEX job_of_repository ON job (repository_id, id)",
    "CREATE INDEX job_by_end ON job (finished_at, id)",
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
        statements::drop_tables(manager, &["job"]).await
    }
}
