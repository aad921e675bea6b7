use sea_orm_migration::prelude::*;

use super::statements;

/// Commits with events, the events, and their numbers by day.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // Only commits with events; the sequence is the place on the first-parent line.
    "CREATE TABLE \"commit\" (
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        sequence BIGINT NOT NULL,
        sha BYTEA NOT NULL,
        committed_at TIMESTAMPTZ NOT NULL,
        author_name TEXT NOT NULL,
        subject TEXT NOT NULL,
        created BIGINT NOT NULL,
        modified BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        resurrected BIGINT NOT NULL,
        PRIMARY KEY (repository_id, sequence)
    )",
    "CREATE UNIQUE INDEX commit_by_sha ON \"commit\" (repository_id, sha)",
    "CREATE INDEX commit_by_hash ON \"commit\" (sha)",
    "CREATE INDEX commit_by_time ON \"commit\" (committed_at, repository_id, sequence)",
    // Ids begin with the time of the commit: ordered by id is ordered by time.
    "CREATE TABLE kubernetesresourceevent (
        id UUID PRIMARY KEY,
        resource_id UUID NOT NULL REFERENCES kubernetesresource (id) ON DELETE CASCADE,
        repository_id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        sync_run_id UUID NOT NULL,
        event_type TEXT NOT NULL,
        event_timestamp TIMESTAMPTZ NOT NULL,
        resource_api_version TEXT NOT NULL,
        resource_kind TEXT NOT NULL,
        resource_name TEXT NOT NULL,
        resource_namespace TEXT,
        file_path TEXT NOT NULL,
        file_path_before TEXT,
        file_hash_before TEXT,
        file_hash_after TEXT,
        version_before TEXT,
        version_after TEXT,
        version_changed BOOLEAN NOT NULL,
        changes_detected TEXT NOT NULL,
        changes TEXT NOT NULL,
        changes_total BIGINT NOT NULL,
        blob BYTEA,
        line_start INTEGER,
        line_end INTEGER,
        caused_by_resource_id UUID
    )",
    "CREATE INDEX kubernetesresourceevent_of_repository ON kubernetesresourceevent
        (repository_id, sequence, id, event_type, resource_kind, resource_namespace)",
    "CREATE INDEX kubernetesresourceevent_of_resource ON kubernetesresourceevent (resource_id, sequence, id)",
    "CREATE INDEX kubernetesresourceevent_version_changes ON kubernetesresourceevent (id) WHERE version_changed",
    "CREATE INDEX kubernetesresourceevent_version_changes_of_repository ON kubernetesresourceevent
        (repository_id, sequence, id) WHERE version_changed",
    "CREATE TABLE repository_day (
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        day TEXT NOT NULL,
        created BIGINT NOT NULL,
        modified BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        resurrected BIGINT NOT NULL,
        commits BIGINT NOT NULL,
        version_changes BIGINT NOT NULL,
        PRIMARY KEY (repository_id, day)
    )",
    "CREATE INDEX repository_day_by_day ON repository_day
        (day, repository_id, created, modified, deleted, resurrected, commits, version_changes)",
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
        statements::drop_tables(manager, &["repository_day", "kubernetesresourceevent", "\"commit\""]).await
    }
}
