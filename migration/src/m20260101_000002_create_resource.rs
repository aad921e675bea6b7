use sea_orm_migration::prelude::*;

use super::statements;

/// Resources as they stand, with what they use and name.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// SQLite gets a number of its own for each row, as the search index points to rows and
/// `VACUUM` may renumber those of a table without one.
const RESOURCE: &str = "CREATE TABLE kubernetesresource (
        {key},
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        api_version TEXT NOT NULL,
        api_group TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        namespace TEXT,
        namespace_inherited TEXT,
        file_path TEXT NOT NULL,
        search TEXT NOT NULL,
        file_hash TEXT NOT NULL,
        version TEXT,
        status TEXT NOT NULL,
        blob BYTEA NOT NULL,
        line_start INTEGER NOT NULL,
        line_end INTEGER NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        deleted_at TIMESTAMPTZ,
        first_sequence BIGINT NOT NULL,
        commit_sha BYTEA NOT NULL,
        source_kind TEXT,
        source_name TEXT,
        source_namespace TEXT,
        chart_name TEXT,
        chart_url TEXT,
        events BIGINT NOT NULL
    )";

const UP: &[&str] = &[
    // One active resource per place and identity; also finds the resources of a file.
    "CREATE UNIQUE INDEX kubernetesresource_active_place ON kubernetesresource
        (repository_id, file_path, api_group, kind, (COALESCE(namespace, '')), name) WHERE status = 'ACTIVE'",
    "CREATE INDEX kubernetesresource_by_key ON kubernetesresource (repository_id, kind, name, namespace)",
    "CREATE INDEX kubernetesresource_by_first ON kubernetesresource (repository_id, first_sequence)",
    "CREATE INDEX kubernetesresource_by_source ON kubernetesresource (repository_id, source_kind, source_name)
        WHERE source_name IS NOT NULL",
    // Lists over all repositories: the sort, a tie-break, and what makes counting need no row.
    "CREATE INDEX kubernetesresource_by_updated ON kubernetesresource (updated_at, id, status)",
    "CREATE INDEX kubernetesresource_by_created ON kubernetesresource (created_at, id, status)",
    "CREATE INDEX kubernetesresource_by_name ON kubernetesresource (name, id, status)",
    "CREATE INDEX kubernetesresource_by_kind_name ON kubernetesresource (kind, name, id, status, repository_id)",
    "CREATE INDEX kubernetesresource_by_kind ON kubernetesresource (kind, updated_at, id, status)",
    "CREATE INDEX kubernetesresource_by_api_version ON kubernetesresource (api_version, updated_at, id, status)",
    "CREATE INDEX kubernetesresource_by_namespace ON kubernetesresource (namespace, updated_at, id, status)",
    "CREATE INDEX kubernetesresource_by_inherited ON kubernetesresource (namespace_inherited, updated_at, id, status)
        WHERE namespace_inherited IS NOT NULL",
    "CREATE INDEX kubernetesresource_of_repository ON kubernetesresource (repository_id, updated_at, id, status)",
    // Apart from the resource, so that lists read narrow rows.
    "CREATE TABLE resource_data (
        resource_id UUID PRIMARY KEY REFERENCES kubernetesresource (id) ON DELETE CASCADE,
        data TEXT NOT NULL
    )",
    "CREATE TABLE resource_chart (
        resource_id UUID NOT NULL REFERENCES kubernetesresource (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        repository_id UUID NOT NULL,
        name TEXT NOT NULL,
        url TEXT,
        version TEXT,
        PRIMARY KEY (resource_id, position)
    )",
    "CREATE INDEX resource_chart_by_name ON resource_chart (repository_id, name, resource_id)",
    "CREATE TABLE resource_image (
        resource_id UUID NOT NULL REFERENCES kubernetesresource (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        repository_id UUID NOT NULL,
        image TEXT NOT NULL,
        tag TEXT,
        digest TEXT,
        field_path TEXT NOT NULL,
        PRIMARY KEY (resource_id, position)
    )",
    "CREATE INDEX resource_image_by_name ON resource_image (repository_id, image, tag, resource_id)",
];

/// What a later step takes away, and gives back where it is undone.
pub(super) const REFERENCES: &[&str] = &[
    "CREATE TABLE resource_reference (
        resource_id UUID NOT NULL REFERENCES kubernetesresource (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        repository_id UUID NOT NULL,
        relation TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        namespace TEXT,
        PRIMARY KEY (resource_id, position)
    )",
    "CREATE INDEX resource_reference_by_target ON resource_reference (repository_id, kind, name)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let key = if statements::is_sqlite(manager) {
            "number INTEGER PRIMARY KEY, id UUID NOT NULL UNIQUE"
        } else {
            "id UUID PRIMARY KEY"
        };
        statements::run(manager, &[&RESOURCE.replace("{key}", key)]).await?;
        statements::run(manager, UP).await?;
        statements::run(manager, REFERENCES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["resource_reference", "resource_image", "resource_chart", "resource_data", "kubernetesresource"];
        statements::drop_tables(manager, &tables).await
    }
}
