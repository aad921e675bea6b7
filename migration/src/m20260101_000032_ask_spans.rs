use sea_orm_migration::prelude::*;

use super::statements;

/// Spans of uses tell which charts resources install, at any time: what stood beside them for the head alone goes. They are found
/// by their time, for what changed last, and by the chart's name, for who installs it.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "DROP TABLE resource_chart",
    "CREATE INDEX chart_use_by_time ON chart_use (from_time, id)",
    // Days were counted by the charts that resources had later. Marks may be there from a step before; who reads them knows that
    // the calendar starts later.
    "DELETE FROM stale_day WHERE id IN (SELECT id FROM repository)",
    "INSERT INTO stale_day SELECT id, '0001-01-01' FROM repository WHERE scanned_sequence IS NOT NULL",
];

/// Names may be longer than PostgreSQL's usual indexes hold.
const BY_NAME_SQLITE: &str = "CREATE INDEX chart_use_by_name ON chart_use (chart_name, to_time)";
const BY_NAME_POSTGRES: &str = "CREATE INDEX chart_use_by_name ON chart_use USING hash (chart_name)";

/// The table is empty: the program that reads it scans every repository anew for it.
const DOWN: &[&str] = &[
    "DROP INDEX chart_use_by_name",
    "DROP INDEX chart_use_by_time",
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
    "CREATE INDEX resource_chart_by_chart ON resource_chart (name, resource_id)",
    "UPDATE repository SET scan_format = 0",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await?;
        let by_name = if statements::is_sqlite(manager) { BY_NAME_SQLITE } else { BY_NAME_POSTGRES };
        statements::run(manager, &[by_name]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, DOWN).await
    }
}
