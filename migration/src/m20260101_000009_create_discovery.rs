use sea_orm_migration::prelude::*;

use super::statements;

/// What forges know of repositories, what searches found and left out, and what forges let us ask.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // The forge's number is one forge's only: an Enterprise server counts anew.
    "DROP INDEX IF EXISTS repository_by_github_id",
    "ALTER TABLE repository ADD COLUMN forge_host TEXT",
    "ALTER TABLE repository ADD COLUMN forge_id BIGINT",
    "ALTER TABLE repository ADD COLUMN forge_node_id TEXT",
    "ALTER TABLE repository ADD COLUMN is_archived BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE repository ADD COLUMN approved_at TIMESTAMPTZ",
    "ALTER TABLE repository ADD COLUMN gone_at TIMESTAMPTZ",
    "ALTER TABLE repository ADD COLUMN facts_at TIMESTAMPTZ",
    "CREATE UNIQUE INDEX repository_by_forge_id ON repository (forge_host, forge_id) WHERE forge_id IS NOT NULL",
    "CREATE INDEX repository_by_facts ON repository (facts_at)",
    "CREATE TABLE tombstone (
        id UUID PRIMARY KEY,
        url TEXT NOT NULL,
        full_name TEXT NOT NULL,
        forge_host TEXT,
        forge_id BIGINT,
        deleted_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX tombstone_by_url ON tombstone (url)",
    "CREATE INDEX tombstone_by_forge_id ON tombstone (forge_host, forge_id)",
    "CREATE TABLE forge_answer (
        key TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        etag TEXT NOT NULL,
        body BYTEA NOT NULL,
        next TEXT,
        used_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX forge_answer_by_use ON forge_answer (used_at)",
    "CREATE TABLE forge_budget (
        host TEXT NOT NULL,
        token TEXT NOT NULL,
        resource TEXT NOT NULL,
        quota BIGINT,
        remaining BIGINT,
        resets_at TIMESTAMPTZ,
        blocked_until TIMESTAMPTZ,
        seen_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (host, token, resource)
    )",
    "CREATE TABLE forge_spending (
        host TEXT NOT NULL,
        token TEXT NOT NULL,
        resource TEXT NOT NULL,
        hour TIMESTAMPTZ NOT NULL,
        spent BIGINT NOT NULL,
        PRIMARY KEY (host, token, resource, hour)
    )",
    "CREATE TABLE discovery_run (
        id UUID PRIMARY KEY,
        started_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ,
        searches TEXT NOT NULL,
        requests BIGINT NOT NULL DEFAULT 0,
        unchanged BIGINT NOT NULL DEFAULT 0,
        found BIGINT NOT NULL DEFAULT 0,
        known BIGINT NOT NULL DEFAULT 0,
        accepted BIGINT NOT NULL DEFAULT 0,
        set_aside BIGINT NOT NULL DEFAULT 0,
        rejected BIGINT NOT NULL DEFAULT 0
    )",
    "CREATE INDEX discovery_run_by_time ON discovery_run (started_at)",
    "CREATE TABLE discovery_reject (
        host TEXT NOT NULL,
        forge_id BIGINT NOT NULL,
        full_name TEXT NOT NULL,
        web_url TEXT,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        stars BIGINT NOT NULL,
        pushed_at TIMESTAMPTZ,
        search TEXT NOT NULL,
        seen_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (host, forge_id)
    )",
    "CREATE INDEX discovery_reject_by_reason ON discovery_reject (reason, stars)",
    "CREATE TABLE discovery_seen (
        run_id UUID NOT NULL REFERENCES discovery_run (id) ON DELETE CASCADE,
        host TEXT NOT NULL,
        forge_id BIGINT NOT NULL,
        PRIMARY KEY (run_id, host, forge_id)
    )",
];

const DOWN: &[&str] = &[
    "DROP INDEX IF EXISTS repository_by_facts",
    "DROP INDEX IF EXISTS repository_by_forge_id",
    "ALTER TABLE repository DROP COLUMN facts_at",
    "ALTER TABLE repository DROP COLUMN gone_at",
    "ALTER TABLE repository DROP COLUMN approved_at",
    "ALTER TABLE repository DROP COLUMN is_archived",
    "ALTER TABLE repository DROP COLUMN forge_node_id",
    "ALTER TABLE repository DROP COLUMN forge_id",
    "ALTER TABLE repository DROP COLUMN forge_host",
    // Two forges may have given the same number; the index of old would not stand then.
    "UPDATE repository SET github_id = NULL WHERE github_id IN
        (SELECT github_id FROM repository GROUP BY github_id HAVING COUNT(*) > 1)",
    "CREATE UNIQUE INDEX repository_by_github_id ON repository (github_id) WHERE github_id IS NOT NULL",
];

const TABLES: &[&str] = &[
    "discovery_seen",
    "discovery_reject",
    "discovery_run",
    "forge_spending",
    "forge_budget",
    "forge_answer",
    "tombstone",
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
        statements::drop_tables(manager, TABLES).await?;
        statements::run(manager, DOWN).await
    }
}
