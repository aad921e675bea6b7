use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PageQuery;
use crate::kind::{JobKind, JobState, RequestedBy};

/// A job as people and clients watch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::DerivePartialModel), sea_orm(entity = "crate::table::job::Entity"))]
pub struct Job {
    pub id: Uuid,
    pub kind: JobKind,
    pub state: JobState,
    pub repository_id: Option<Uuid>,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::repository::Column::FullName"))]
    pub repository_full_name: Option<String>,
    pub requested_by: RequestedBy,
    pub attempts: i32,
    /// What is being done, in words.
    pub progress_text: Option<String>,
    pub progress_done: Option<i64>,
    pub progress_total: Option<i64>,
    /// What came of it, in words.
    pub result: Option<String>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub worker: Option<String>,
}

impl Job {
    /// Progress in per cent where both ends are known.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let (done, total) = (self.progress_done?, self.progress_total?);
        (total > 0).then(|| u8::try_from((done.clamp(0, total) * 100) / total).unwrap_or(100))
    }
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    pub kind: Option<JobKind>,
    pub state: Option<JobState>,
    /// Only queued and running ones.
    pub unfinished: bool,
    pub repository_id: Option<Uuid>,
    pub requested_by: Option<RequestedBy>,
    /// Only queued ones that were tried already, or only queued ones that were not.
    pub retrying: Option<bool>,
    /// Only those that ended at or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Only those that ended before this time.
    pub until: Option<DateTime<Utc>>,
    /// Part of the repository's name, or of the result or error of one of the 20,000 newest jobs; any case.
    pub text: Option<String>,
    pub page: PageQuery,
}
