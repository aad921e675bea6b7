//! The jobs' handlers and the runner that hands work to them.
//!
//! Handlers may run twice and must not mind: what a killed run stored, the next one finds.

mod access;
mod aggregate;
mod aside;
mod branches;
mod cleanup;
mod context;
mod discover;
pub mod due;
mod error;
mod forge_facts;
mod identity;
mod live;
mod prune;
mod refresh_metrics;
mod run;
mod runner;
mod scan_repository;
pub mod schedule;
mod send_mail;
mod sync_all;
mod sync_repository;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entity::kind::JobRequest;
use store::db::Db;
use store::queue::JobQueue;
use uuid::Uuid;

pub(crate) use access::entered_access;
pub(crate) use branches::needless_branch;
pub use context::JobContext;
pub(crate) use due::interval;
pub use error::JobError;
pub(crate) use forge_facts::place_of;
pub use identity::{Identity, ProcessName};
pub use live::LiveDeps;
pub use runner::Runner;
pub(crate) use sync_repository::remote;

use crate::config::{DiscoveryConfig, PollingConfig, ScanConfig, SchedulesConfig, Secret, WatchingConfig};
use crate::forges::Forges;
use crate::mail::Mailer;
use crate::replay::{BatchLimits, KeptUses};
use crate::watching::{self, Secrets};

/// What handlers work with.
#[derive(Clone)]
pub struct Deps {
    pub db: Db,
    pub queue: JobQueue,
    pub scan: ScanConfig,
    /// What is masked beside Secrets.
    pub mask: scan::mask::Rules,
    /// Which places are those of one chart.
    pub chart_sources: Arc<scan::uses::ChartSources>,
    pub polling: PollingConfig,
    pub schedules: SchedulesConfig,
    /// What holds for watched branches and telling of them.
    pub watching: WatchingConfig,
    /// Where the schedules' times are read.
    pub time_zone: chrono_tz::Tz,
    /// Clones are `<data_dir>/repos/<repository id>`.
    pub data_dir: PathBuf,
    /// Clones take at most so much disk.
    pub max_disk_bytes: Option<u64>,
    /// What people did is told for so long.
    pub audit_retention: Option<std::time::Duration>,
    /// Whether other processes may work on the same database, each perhaps with a data directory of its own.
    pub shares_work: bool,
    /// Tokens of the configuration by the repository's address; kept out of the database.
    pub tokens: Arc<HashMap<String, Secret>>,
    /// Branches that the configuration names to be scanned beside the main ones, by the repository's address.
    pub scan_branches: Arc<HashMap<String, Vec<String>>>,
    /// Opens what people entered for one repository alone.
    pub secrets: Option<Secrets>,
    /// Whether `file://` and paths may be fetched from, for repositories that are no samples.
    pub allow_local: bool,
    pub discovery: DiscoveryConfig,
    pub forges: Arc<Forges>,
    /// What targets are told through.
    pub targets: triggers::Client,
    /// The same for triggers of the configuration, whose author may name machines of their own network.
    pub configured_targets: triggers::Client,
    /// Sends mails, where a server for them is configured.
    pub mailer: Option<Arc<Mailer>>,
    /// How much of a history one transaction stores.
    pub batches: BatchLimits,
    /// What was scanned lately, for the next commits.
    pub kept_uses: KeptUses,
}

impl Deps {
    /// Where a repository's clone is.
    #[must_use]
    pub fn clone_dir(&self, repository: Uuid) -> PathBuf {
        clone_dir(&self.data_dir, repository)
    }
}

/// Where a repository's clone is below the data directory.
#[must_use]
pub fn clone_dir(data_dir: &Path, repository: Uuid) -> PathBuf {
    data_dir.join("repos").join(repository.to_string())
}

/// Does what a job asks for; a sentence says what came of it.
///
/// # Errors
/// Retry, later or give up, as the handler knows best.
pub async fn handle(deps: &Deps, context: &JobContext, request: &JobRequest) -> Result<String, JobError> {
    match request {
        JobRequest::SyncRepository { repository_id } => sync_repository::run(deps, context, *repository_id).await,
        JobRequest::ScanRepository { repository_id } => scan_repository::run(deps, context, *repository_id).await,
        JobRequest::FollowBranches { repository_id } => watching::follow(deps, context, *repository_id).await,
        JobRequest::DiscoverRepositories => discover::run(deps, context).await,
        JobRequest::RefreshMetrics => refresh_metrics::run(deps, context).await,
        JobRequest::SyncAllRepositories => sync_all::run(deps, context).await,
        JobRequest::AggregateDailyEcosystemStats => aggregate::run(deps, context).await,
        JobRequest::CleanupRepositoryWorkdirs => cleanup::run(deps, context).await,
        JobRequest::SendMail => send_mail::run(deps, context).await,
        JobRequest::Prune => prune::run(deps, context).await,
    }
}
