use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One scan of a repository, also a failed one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct ScanRun {
    /// The events' `sync_run_id`.
    pub id: Uuid,
    pub repository_id: Uuid,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub from_commit: Option<String>,
    pub to_commit: Option<String>,
    pub commits: i64,
    pub events: i64,
    pub error: Option<String>,
}
