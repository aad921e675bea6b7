use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words;

words! {
    /// What a job does; one handler each.
    JobKind {
        SyncRepository = "sync_repository",
        ScanRepository = "scan_repository",
        DiscoverRepositories = "discover_repositories",
        RefreshMetrics = "refresh_metrics",
        SyncAllRepositories = "sync_all_repositories",
        AggregateDailyEcosystemStats = "aggregate_daily_ecosystem_stats",
        CleanupRepositoryWorkdirs = "cleanup_repository_workdirs",
        Prune = "prune",
    }
}

impl JobKind {
    /// Tries after the first before a job has failed for good. What a schedule asks for again soon is not tried again
    /// before that.
    #[must_use]
    pub const fn max_retries(self) -> i32 {
        match self {
            Self::SyncRepository | Self::ScanRepository => 3,
            Self::RefreshMetrics | Self::AggregateDailyEcosystemStats => 2,
            Self::DiscoverRepositories | Self::SyncAllRepositories | Self::CleanupRepositoryWorkdirs | Self::Prune => 0,
        }
    }
}

words! {
    /// Where a job is in its life.
    JobState {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing more will happen to the job.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Who asked for a job.
    RequestedBy {
        Start = "start",
        Page = "page",
        Api = "api",
        Cli = "cli",
        Schedule = "schedule",
        /// Another job, as a sync asks for a scan.
        Job = "job",
    }
}

words! {
    /// How much a line of a job's log matters.
    LogLevel {
        Info = "info",
        Warn = "warn",
        Error = "error",
    }
}

/// What goes first: larger is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "db", derive(sea_orm::DeriveValueType))]
pub struct Priority(pub i32);

impl Priority {
    /// Work that a schedule or the start asked for.
    pub const ROUTINE: Self = Self(0);
    /// Work that follows from a job already running.
    pub const FOLLOW_UP: Self = Self(50);
    /// Work that a person waits for.
    pub const CLICK: Self = Self(100);
}

/// A job with its arguments, as stored in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobRequest {
    /// List the remote's refs, fetch if something moved, ask for a scan if the head did.
    SyncRepository {
        /// The repository.
        repository_id: Uuid,
    },
    /// Replay the commits that are fetched but not yet scanned.
    ScanRepository {
        /// The repository.
        repository_id: Uuid,
    },
    /// Search the forges for repositories that are not here yet.
    DiscoverRepositories,
    /// Ask the forges for stars, topics and what else they know of all repositories.
    RefreshMetrics,
    /// Ask for a sync of every repository that is switched on and not set aside.
    SyncAllRepositories,
    /// Compute the statistics of every day that is stale, and of today.
    AggregateDailyEcosystemStats,
    /// Delete clones that nobody needs, and the oldest ones where they take too much disk.
    CleanupRepositoryWorkdirs,
    /// Delete what is kept for a time only: finished jobs, their logs, vanished workers.
    Prune,
}

impl JobRequest {
    /// The job's kind.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::SyncRepository { .. } => JobKind::SyncRepository,
            Self::ScanRepository { .. } => JobKind::ScanRepository,
            Self::DiscoverRepositories => JobKind::DiscoverRepositories,
            Self::RefreshMetrics => JobKind::RefreshMetrics,
            Self::SyncAllRepositories => JobKind::SyncAllRepositories,
            Self::AggregateDailyEcosystemStats => JobKind::AggregateDailyEcosystemStats,
            Self::CleanupRepositoryWorkdirs => JobKind::CleanupRepositoryWorkdirs,
            Self::Prune => JobKind::Prune,
        }
    }

    /// The repository it is about, where it is about one.
    #[must_use]
    pub const fn repository_id(&self) -> Option<Uuid> {
        match self {
            Self::SyncRepository { repository_id } | Self::ScanRepository { repository_id } => Some(*repository_id),
            Self::DiscoverRepositories
            | Self::RefreshMetrics
            | Self::SyncAllRepositories
            | Self::AggregateDailyEcosystemStats
            | Self::CleanupRepositoryWorkdirs
            | Self::Prune => None,
        }
    }

    /// The job of a kind that needs no arguments; `None` for the others.
    #[must_use]
    pub const fn plain(kind: JobKind) -> Option<Self> {
        match kind {
            JobKind::SyncRepository | JobKind::ScanRepository => None,
            JobKind::DiscoverRepositories => Some(Self::DiscoverRepositories),
            JobKind::RefreshMetrics => Some(Self::RefreshMetrics),
            JobKind::SyncAllRepositories => Some(Self::SyncAllRepositories),
            JobKind::CleanupRepositoryWorkdirs => Some(Self::CleanupRepositoryWorkdirs),
            JobKind::AggregateDailyEcosystemStats => Some(Self::AggregateDailyEcosystemStats),
            JobKind::Prune => Some(Self::Prune),
        }
    }

    /// What two requests share if one would do for both.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::SyncRepository { repository_id } => format!("sync_repository/{repository_id}"),
            Self::ScanRepository { repository_id } => format!("scan_repository/{repository_id}"),
            Self::DiscoverRepositories
            | Self::RefreshMetrics
            | Self::SyncAllRepositories
            | Self::AggregateDailyEcosystemStats
            | Self::CleanupRepositoryWorkdirs
            | Self::Prune => self.kind().as_str().to_owned(),
        }
    }
}
