//! Jobs: the table of their kinds, and the words of their lives.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words;

/// When a job is asked for by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocked {
    /// The schedule's name, in the configuration and for clients.
    pub name: &'static str,
    /// When, where the configuration says nothing: a cron expression of five fields.
    pub cron: &'static str,
}

/// What shares room: so many jobs of a lane run at a time in a process, whatever else waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Mostly waits for others: networks, the database.
    Waiting,
    /// Takes processors and memory for as long as it runs.
    Computing,
}

macro_rules! jobs {
    ($(
        $(#[$doc:meta])*
        $kind:ident $({ $repository:ident })? = $word:literal as $label:literal,
        $lane:ident, $retries:literal retries $(, $name:literal at $cron:literal)?;
    )+) => {
        words! {
            /// What a job does; one handler each.
            JobKind { $($kind = $word),+ }
        }

        impl JobKind {
            /// What people are told that it is.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$kind => $label),+ }
            }

            /// What it shares room with.
            #[must_use]
            pub const fn lane(self) -> Lane {
                match self { $(Self::$kind => Lane::$lane),+ }
            }

            /// Tries after the first before a job has failed for good. What a schedule asks for again soon is not tried
            /// again before that.
            #[must_use]
            pub const fn max_retries(self) -> i32 {
                match self { $(Self::$kind => $retries),+ }
            }

            /// Its schedule; `None` for what only other jobs and people ask for.
            #[must_use]
            pub const fn clocked(self) -> Option<Clocked> {
                match self { $(Self::$kind => [$(Some(Clocked { name: $name, cron: $cron }),)? None][0]),+ }
            }
        }

        /// A job with its arguments, as stored in the queue.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum JobRequest {
            $($(#[$doc])* $kind $({
                /// The repository.
                $repository: Uuid,
            })?,)+
        }

        impl JobRequest {
            /// The job's kind.
            #[must_use]
            pub const fn kind(&self) -> JobKind {
                match self { $(Self::$kind $({ $repository: _ })? => JobKind::$kind),+ }
            }

            /// The repository it is about, where it is about one.
            #[must_use]
            pub const fn repository_id(&self) -> Option<Uuid> {
                match self { $(Self::$kind $({ $repository })? => [$(Some(*$repository),)? None][0]),+ }
            }

            /// The job of a kind that needs no arguments; `None` for the others.
            #[must_use]
            pub const fn plain(kind: JobKind) -> Option<Self> {
                match kind { $(JobKind::$kind => jobs!(@plain $kind $($repository)?)),+ }
            }
        }
    };
    (@plain $kind:ident) => { Some(Self::$kind) };
    (@plain $kind:ident $repository:ident) => { None };
}

jobs! {
    /// List the remote's refs, fetch if something moved, ask for a scan if the head did.
    SyncRepository { repository_id } = "sync_repository" as "Sync",
        Waiting, 3 retries;
    /// Replay the commits that are fetched but not yet scanned.
    ScanRepository { repository_id } = "scan_repository" as "Scan",
        Computing, 3 retries;
    /// Read the commits that watched branches moved to, and decide who is told of it.
    FollowBranches { repository_id } = "follow_branches" as "Follow branches",
        Waiting, 3 retries;
    /// Search the forges for repositories that are not here yet.
    DiscoverRepositories = "discover_repositories" as "Discovery",
        Waiting, 0 retries, "discover-repositories" at "1 * * * *";
    /// Ask the forges for stars, topics and what else they know of all repositories.
    RefreshMetrics = "refresh_metrics" as "Metrics",
        Waiting, 2 retries, "refresh-metrics" at "20 */6 * * *";
    /// Ask for a sync of every repository that is switched on and not set aside.
    SyncAllRepositories = "sync_all_repositories" as "Sync all",
        Waiting, 0 retries, "sync_all_repositories" at "0 2 * * *";
    /// Compute the statistics of every day that is stale, and of today.
    AggregateDailyEcosystemStats = "aggregate_daily_ecosystem_stats" as "Compute daily statistics",
        Waiting, 2 retries, "aggregate-daily-ecosystem-stats" at "30 2 * * *";
    /// Delete clones that nobody needs, and the oldest ones where they take too much disk.
    CleanupRepositoryWorkdirs = "cleanup_repository_workdirs" as "Clean up clones",
        Waiting, 0 retries, "cleanup-repository-workdirs" at "15 */2 * * *";
    /// Send the mails that wait, and tell accounts of tokens that end soon.
    SendMail = "send_mail" as "Send mail",
        Waiting, 0 retries, "send-mail" at "10 * * * *";
    /// Delete what is kept for a time only: finished jobs, their logs, vanished workers.
    Prune = "prune" as "Prune",
        Waiting, 0 retries, "prune" at "45 3 * * *";
}

impl JobRequest {
    /// What two requests share if one would do for both.
    #[must_use]
    pub fn key(&self) -> String {
        match self.repository_id() {
            Some(repository) => format!("{}/{repository}", self.kind()),
            None => self.kind().as_str().to_owned(),
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
        /// A forge that told of a push.
        Webhook = "webhook",
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
