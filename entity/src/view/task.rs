use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Job;
use crate::kind::JobKind;

/// A process that works on jobs, and what it does now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worker {
    /// The name that stands in the jobs it holds.
    pub id: String,
    /// `web`, `worker` or `all`.
    pub role: String,
    pub host: String,
    pub pid: i64,
    pub version: String,
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub seen_at: DateTime<Utc>,
    /// Jobs that it takes at once.
    pub capacity: i64,
    /// Whether it was heard of within a lease.
    pub alive: bool,
    pub running: Vec<Job>,
}

/// How many jobs of a kind there are, by what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueDepth {
    pub kind: JobKind,
    /// Could run now.
    pub ready: i64,
    /// Wait for their time: a retry, or a rate limit that resets.
    pub waiting: i64,
    pub running: i64,
    pub succeeded_last_24_h: i64,
    pub failed_last_24_h: i64,
}

impl QueueDepth {
    /// Of a kind that has no jobs.
    #[must_use]
    pub const fn none(kind: JobKind) -> Self {
        Self { kind, ready: 0, waiting: 0, running: 0, succeeded_last_24_h: 0, failed_last_24_h: 0 }
    }
}

/// What asks for jobs at set times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schedule {
    /// The contract's name, such as `discover-repositories`.
    pub name: String,
    pub kind: JobKind,
    /// A cron expression of five fields.
    pub cron: String,
    pub enabled: bool,
    pub last_run_at: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub total_runs: i64,
    /// The job that it asked for last, while that is kept.
    pub last_job: Option<Job>,
}

/// A line that a job said while it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct JobLogLine {
    pub at: DateTime<Utc>,
    /// `info`, `warn` or `error`.
    pub level: String,
    pub text: String,
}

/// A job with everything that it said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobDetail {
    pub job: Job,
    pub log: Vec<JobLogLine>,
    /// Lines beyond the limit, which were not kept.
    pub log_lines_dropped: i64,
}

/// What a forge lets us ask, as its answers say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct ForgeBudget {
    pub host: String,
    /// The part of the forge that counts by itself, such as `core`, `search`, `graphql`.
    pub resource: String,
    /// Requests, or points, in a window; unknown where the forge does not say.
    pub quota: Option<i64>,
    pub remaining: Option<i64>,
    pub resets_at: Option<DateTime<Utc>>,
    /// Nothing is asked before this time.
    pub blocked_until: Option<DateTime<Utc>>,
    /// Spent in the last 24 hours; the next day is expected to need as much.
    pub spent_last_24_h: i64,
    pub seen_at: DateTime<Utc>,
}

/// Disk that clones take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiskUse {
    pub clones: i64,
    pub bytes: i64,
    /// `app.max_disk_mb` in bytes, where it is set.
    pub limit_bytes: Option<i64>,
}

/// Everything that is going on, for the page and for REST.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tasks {
    pub workers: Vec<Worker>,
    pub queue: Vec<QueueDepth>,
    pub schedules: Vec<Schedule>,
    pub budgets: Vec<ForgeBudget>,
    pub disk: DiskUse,
}
