use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CommitSummary, Event, Job, NamedCount};

/// What the first page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    pub repositories: i64,
    /// Repositories with an event in the last 90 days.
    pub active_repositories: i64,
    pub resources: i64,
    pub helm_releases: i64,
    pub events: i64,
    pub events_last_7_days: i64,
    pub problems: i64,
    /// Whether every repository here is one of the program's samples.
    pub only_samples: bool,
    pub kinds: Vec<NamedCount>,
    /// Newest first.
    pub version_changes: Vec<Event>,
    pub commits: Vec<CommitSummary>,
    pub system: SystemState,
}

/// The line about the system that stands on every page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemState {
    pub repositories: i64,
    pub failing_repositories: i64,
    pub queued_jobs: i64,
    pub running_jobs: i64,
    pub last_sync_at: Option<DateTime<Utc>>,
}

/// Work going on now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningWork {
    pub running: Vec<Job>,
    pub queued: i64,
    /// Finished last, newest first.
    pub finished: Vec<Job>,
}
