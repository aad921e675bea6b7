use sea_orm_migration::prelude::*;

use super::statements;

/// HelmReleases by day as a number of their own, so that a line over years reads no map of each day; and lists of what
/// discovery left out in their order.
#[derive(DeriveMigrationName)]
pub struct Migration;

const SERIES: &str = "CREATE INDEX ecosystemstats_series ON ecosystemstats
    (day, total_repositories, active_repositories, active_resources, total_resource_events,
    daily_created_resources, daily_modified_resources, daily_deleted_resources, daily_resurrected_resources,
    measured_repositories, total_stars, calculated_at)";

const SERIES_WITH_RELEASES: &str = "CREATE INDEX ecosystemstats_series ON ecosystemstats
    (day, total_repositories, active_repositories, active_resources, active_helm_releases, total_resource_events,
    daily_created_resources, daily_modified_resources, daily_deleted_resources, daily_resurrected_resources,
    measured_repositories, total_stars, calculated_at)";

/// Days that are kept tell the number in their map of kinds.
const FILL_SQLITE: &str = "UPDATE ecosystemstats SET active_helm_releases =
    COALESCE(json_extract(resource_type_breakdown, '$.HelmRelease'), 0)";
const FILL_POSTGRES: &str = "UPDATE ecosystemstats SET active_helm_releases =
    COALESCE((resource_type_breakdown::json ->> 'HelmRelease')::bigint, 0)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let fill = if statements::is_sqlite(manager) { FILL_SQLITE } else { FILL_POSTGRES };
        let up = [
            "ALTER TABLE ecosystemstats ADD COLUMN active_helm_releases BIGINT NOT NULL DEFAULT 0",
            fill,
            "DROP INDEX IF EXISTS ecosystemstats_series",
            SERIES_WITH_RELEASES,
            "DROP INDEX IF EXISTS discovery_reject_by_reason",
            "CREATE INDEX discovery_reject_by_reason ON discovery_reject (reason, stars DESC, full_name, host, forge_id)",
            "CREATE INDEX discovery_reject_by_stars ON discovery_reject (stars DESC, full_name, host, forge_id)",
        ];
        statements::run(manager, &up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let down = [
            "DROP INDEX IF EXISTS discovery_reject_by_stars",
            "DROP INDEX IF EXISTS discovery_reject_by_reason",
            "CREATE INDEX discovery_reject_by_reason ON discovery_reject (reason, stars)",
            "DROP INDEX IF EXISTS ecosystemstats_series",
            "ALTER TABLE ecosystemstats DROP COLUMN active_helm_releases",
            SERIES,
        ];
        statements::run(manager, &down).await
    }
}
