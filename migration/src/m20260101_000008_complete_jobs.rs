use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

use super::statements;

/// What many processes need to share the work: schedules, workers, logs of jobs, and when each repository's next
/// sync is due. At most one job of a repository runs at a time, as the database itself sees to.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE repository ADD COLUMN host TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE repository ADD COLUMN next_sync_at TIMESTAMPTZ",
    "ALTER TABLE repository ADD COLUMN sync_failures BIGINT NOT NULL DEFAULT 0",
    // Samples never change: one sync is enough for them.
    "UPDATE repository SET next_sync_at = COALESCE(last_sync_at, discovered_at)
        WHERE origin <> 'sample' OR last_sync_at IS NULL",
    "CREATE INDEX repository_due ON repository (next_sync_at)
        WHERE enabled AND sync_status NOT IN ('blocked', 'pending_approval')",
    "ALTER TABLE job ADD COLUMN host TEXT",
    "ALTER TABLE job ADD COLUMN log_lines BIGINT NOT NULL DEFAULT 0",
    // Nothing runs while the schema changes: what a stopped process left is put back.
    "UPDATE job SET state = 'failed', lease_until = NULL, error = 'interrupted; another of its kind waits'
        WHERE state = 'running' AND EXISTS (SELECT 1 FROM job w WHERE w.key = job.key AND w.state = 'queued')",
    "UPDATE job SET state = 'queued', worker = NULL, lease_until = NULL WHERE state = 'running'",
    "CREATE UNIQUE INDEX job_running_repository ON job (repository_id)
        WHERE state = 'running' AND repository_id IS NOT NULL",
    "CREATE INDEX job_running_host ON job (host) WHERE state = 'running' AND host IS NOT NULL",
    "CREATE INDEX job_leases ON job (lease_until) WHERE state = 'running'",
    "CREATE INDEX job_ended ON job (finished_at, kind, state)",
    "CREATE TABLE job_log (
        job_id UUID NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        position BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        level TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (job_id, position)
    )",
    "CREATE TABLE schedule (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        cron TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        last_run_at TIMESTAMPTZ,
        next_run_at TIMESTAMPTZ,
        last_job_id UUID,
        total_runs BIGINT NOT NULL DEFAULT 0
    )",
    "CREATE TABLE worker (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL,
        version TEXT NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        seen_at TIMESTAMPTZ NOT NULL,
        capacity BIGINT NOT NULL,
        disk_limit_bytes BIGINT
    )",
];

const DOWN: &[&str] = &[
    "DROP INDEX IF EXISTS job_ended",
    "DROP INDEX IF EXISTS job_leases",
    "DROP INDEX IF EXISTS job_running_host",
    "DROP INDEX IF EXISTS job_running_repository",
    "ALTER TABLE job DROP COLUMN log_lines",
    "ALTER TABLE job DROP COLUMN host",
    "DROP INDEX IF EXISTS repository_due",
    "ALTER TABLE repository DROP COLUMN sync_failures",
    "ALTER TABLE repository DROP COLUMN next_sync_at",
    "ALTER TABLE repository DROP COLUMN host",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await?;
        let connection = manager.get_connection();
        let backend = manager.get_database_backend();
        let urls = Statement::from_string(backend, "SELECT DISTINCT url FROM repository");
        for row in connection.query_all_raw(urls).await? {
            let url: String = row.try_get_by_index(0)?;
            let host = host_of(&url);
            let update = "UPDATE repository SET host = $1 WHERE url = $2";
            connection.execute_raw(Statement::from_sql_and_values(backend, update, [host.into(), url.into()])).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::drop_tables(manager, &["job_log", "schedule", "worker"]).await?;
        statements::run(manager, DOWN).await
    }
}

/// The machine that an address names, in lower case; empty for folders of this one.
fn host_of(url: &str) -> String {
    let rest = match url.split_once("://") {
        Some(("file", _)) => return String::new(),
        Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
        // `git@host:owner/name`; anything else is a path.
        None => match url.split_once(':') {
            Some((host, _)) if !host.contains('/') => host,
            _ => return String::new(),
        },
    };
    rest.rsplit('@').next().unwrap_or_default().to_lowercase()
}
