use sea_orm_migration::prelude::*;

use super::statements;

/// Totals over all repositories, kept so that lists need no counting, and the statistics of each day.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE day_total (
        day TEXT PRIMARY KEY,
        created BIGINT NOT NULL,
        modified BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        resurrected BIGINT NOT NULL,
        commits BIGINT NOT NULL,
        version_changes BIGINT NOT NULL
    )",
    "INSERT INTO day_total SELECT day, SUM(created), SUM(modified), SUM(deleted), SUM(resurrected), SUM(commits),
        SUM(version_changes) FROM repository_day GROUP BY day",
    "CREATE TABLE facet_total (
        facet TEXT NOT NULL,
        value TEXT NOT NULL,
        active BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        PRIMARY KEY (facet, value)
    )",
    "CREATE INDEX facet_total_by_active ON facet_total (facet, active DESC, value)",
    "INSERT INTO facet_total SELECT facet, value, SUM(active), SUM(deleted) FROM repository_facet
        GROUP BY facet, value HAVING SUM(active) <> 0 OR SUM(deleted) <> 0",
    // Resources of one kind and name, wherever they stand.
    "CREATE TABLE group_total (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        active BIGINT NOT NULL,
        deleted BIGINT NOT NULL,
        PRIMARY KEY (kind, name)
    )",
    "CREATE INDEX group_total_by_active ON group_total (active DESC, kind, name)",
    "CREATE INDEX group_total_by_count ON group_total ((active + deleted) DESC, kind, name)",
    "INSERT INTO group_total SELECT kind, name, COUNT(CASE WHEN status = 'ACTIVE' THEN 1 END),
        COUNT(CASE WHEN status <> 'ACTIVE' THEN 1 END) FROM kubernetesresource GROUP BY kind, name",
    // What came and went, by time: a day's state is the next day's without what came that day.
    "CREATE INDEX kubernetesresourceevent_lifecycle ON kubernetesresourceevent
        (event_timestamp, event_type, resource_kind, resource_id) WHERE event_type <> 'MODIFIED'",
    // Snapshots of a day are few against all there are.
    "CREATE INDEX repositorymetrics_by_recording ON repositorymetrics (recorded_at)",
    // A mark: what happened changes the statistics of this day and of all after it.
    "CREATE TABLE stale_day (
        id UUID PRIMARY KEY,
        day TEXT NOT NULL
    )",
    // Maps are JSON, as the API gives them. Where something was not known on that day, it is NULL.
    "CREATE TABLE ecosystemstats (
        id UUID PRIMARY KEY,
        day TEXT NOT NULL UNIQUE,
        total_repositories BIGINT NOT NULL,
        active_repositories BIGINT NOT NULL,
        repositories_with_resources BIGINT NOT NULL,
        measured_repositories BIGINT NOT NULL,
        total_resources BIGINT NOT NULL,
        active_resources BIGINT NOT NULL,
        total_resource_events BIGINT NOT NULL,
        daily_created_resources BIGINT NOT NULL,
        daily_modified_resources BIGINT NOT NULL,
        daily_deleted_resources BIGINT NOT NULL,
        daily_resurrected_resources BIGINT NOT NULL,
        total_stars BIGINT NOT NULL,
        total_forks BIGINT NOT NULL,
        total_watchers BIGINT NOT NULL,
        total_open_issues BIGINT NOT NULL,
        repository_growth BIGINT NOT NULL,
        resource_growth BIGINT NOT NULL,
        star_growth BIGINT NOT NULL,
        resource_type_breakdown TEXT NOT NULL,
        popular_helm_charts TEXT NOT NULL,
        language_breakdown TEXT,
        popular_topics TEXT,
        calculated_at TIMESTAMPTZ NOT NULL,
        calculation_duration_seconds DOUBLE PRECISION NOT NULL
    )",
    // Trend lines over years read narrow rows.
    "CREATE INDEX ecosystemstats_series ON ecosystemstats
        (day, total_repositories, active_repositories, active_resources, total_resource_events,
        daily_created_resources, daily_modified_resources, daily_deleted_resources, daily_resurrected_resources,
        measured_repositories, total_stars, calculated_at)",
    // Everything that is here makes days stale; who reads the marks knows that the calendar starts later.
    "INSERT INTO stale_day SELECT id, '0001-01-01' FROM repository WHERE scanned_sequence IS NOT NULL",
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
        let indexes = [
            "DROP INDEX IF EXISTS repositorymetrics_by_recording",
            "DROP INDEX IF EXISTS kubernetesresourceevent_lifecycle",
        ];
        statements::run(manager, &indexes).await?;
        let tables = ["ecosystemstats", "stale_day", "group_total", "facet_total", "day_total"];
        statements::drop_tables(manager, &tables).await
    }
}
