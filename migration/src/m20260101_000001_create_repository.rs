use sea_orm_migration::prelude::*;

use super::statements;

/// Repositories, forges' figures of them, what they hold by kind, and their scans.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE repository (
        id UUID PRIMARY KEY,
        github_id BIGINT,
        url TEXT NOT NULL,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        full_name TEXT NOT NULL,
        description TEXT,
        search TEXT NOT NULL,
        language TEXT,
        topics TEXT NOT NULL,
        license_name TEXT,
        default_branch TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        discovery_tags TEXT NOT NULL,
        discovered_at TIMESTAMPTZ NOT NULL,
        last_sync_at TIMESTAMPTZ,
        sync_status TEXT NOT NULL,
        sync_error TEXT,
        last_scan_at TIMESTAMPTZ,
        scan_status TEXT NOT NULL,
        scan_error TEXT,
        web_url TEXT,
        provider TEXT NOT NULL,
        origin TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        branch_regex TEXT,
        polling_interval_seconds BIGINT,
        gitops_tool TEXT NOT NULL,
        head_commit BYTEA,
        head_committed_at TIMESTAMPTZ,
        scanned_commit BYTEA,
        scanned_sequence BIGINT,
        scanned_committed_at TIMESTAMPTZ,
        commits BIGINT NOT NULL DEFAULT 0,
        active_resources BIGINT NOT NULL DEFAULT 0,
        deleted_resources BIGINT NOT NULL DEFAULT 0,
        events BIGINT NOT NULL DEFAULT 0,
        helm_releases BIGINT NOT NULL DEFAULT 0,
        charts BIGINT NOT NULL DEFAULT 0,
        images BIGINT NOT NULL DEFAULT 0,
        problems BIGINT NOT NULL DEFAULT 0,
        yaml_files BIGINT NOT NULL DEFAULT 0,
        clone_bytes BIGINT NOT NULL DEFAULT 0
    )",
    "CREATE UNIQUE INDEX repository_by_url ON repository (url)",
    "CREATE UNIQUE INDEX repository_by_github_id ON repository (github_id) WHERE github_id IS NOT NULL",
    "CREATE INDEX repository_by_name ON repository (full_name)",
    "CREATE TABLE repositorymetrics (
        id UUID PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        stars_count BIGINT NOT NULL,
        forks_count BIGINT NOT NULL,
        watchers_count BIGINT NOT NULL,
        open_issues_count BIGINT NOT NULL,
        size BIGINT NOT NULL,
        kubernetes_resources_count BIGINT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        pushed_at TIMESTAMPTZ,
        recorded_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX repositorymetrics_by_time ON repositorymetrics (repository_id, recorded_at)",
    "CREATE TABLE repository_facet (
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        facet TEXT NOT NULL,
        value TEXT NOT NULL,
        active BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        PRIMARY KEY (repository_id, facet, value)
    )",
    "CREATE INDEX repository_facet_by_value ON repository_facet (facet, value, active, deleted)",
    "CREATE TABLE scan_run (
        id UUID PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        started_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ,
        from_commit BYTEA,
        to_commit BYTEA,
        commits BIGINT NOT NULL,
        events BIGINT NOT NULL,
        error TEXT
    )",
    "CREATE INDEX scan_run_by_time ON scan_run (repository_id, started_at, id)",
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
        statements::drop_tables(manager, &["scan_run", "repository_facet", "repositorymetrics", "repository"]).await
    }
}
