//! Repositories: lists, states, what jobs need to know.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::found::{FoundRepository, ObjectId, ScannedCommit, SyncedHead};
use crate::kind::{Origin, Provider, SyncStatus};
use crate::view::{Listing, NamedCount, Repository, RepositoryFilter, RepositoryMetrics, Timestamp};

/// What a sync or scan needs to know of a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncTarget {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub provider: Provider,
    pub origin: Origin,
    pub enabled: bool,
    /// The branch that was followed last; `None` before the first sync.
    pub branch: Option<String>,
    pub branch_regex: Option<String>,
    pub polling_interval_seconds: Option<i64>,
    /// The newest commit that is fetched.
    pub head: Option<ObjectId>,
    pub head_committed_at: Option<Timestamp>,
    /// How far the repository is scanned.
    pub scanned: Option<ScannedCommit>,
    pub sync_status: SyncStatus,
    pub scan_status: SyncStatus,
    pub last_sync_at: Option<Timestamp>,
}

/// Which repositories, one page of them.
pub async fn list_repositories(c: &impl ConnectionTrait, filter: &RepositoryFilter) -> Result<Listing<Repository>> {
    Err(DataError::NotReady)
}

/// One repository by id.
pub async fn find_repository(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Repository>> {
    Err(DataError::NotReady)
}

/// One repository by its full name, any case.
pub async fn find_repository_by_name(c: &impl ConnectionTrait, full_name: &str) -> Result<Option<Repository>> {
    Err(DataError::NotReady)
}

/// Languages with the number of repositories, most frequent first.
pub async fn list_languages(c: &impl ConnectionTrait) -> Result<Vec<NamedCount>> {
    Err(DataError::NotReady)
}

/// A forge's figures over time, newest first; `count` is how many are stored.
pub async fn list_metrics(
    c: &impl ConnectionTrait,
    repository: Uuid,
    limit: u64,
) -> Result<Listing<RepositoryMetrics>> {
    Err(DataError::NotReady)
}

/// Every enabled repository, as start-up and schedules need them.
pub async fn list_sync_targets(c: &impl ConnectionTrait) -> Result<Vec<SyncTarget>> {
    Err(DataError::NotReady)
}

/// What jobs need to know of one repository.
pub async fn sync_target(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<SyncTarget>> {
    Err(DataError::NotReady)
}

/// Brings in repositories, matched by URL. Gives each one's id and whether it is new, in the order given.
pub async fn upsert_repositories(
    w: &impl ConnectionTrait,
    found: &[FoundRepository],
    now: Timestamp,
) -> Result<Vec<(Uuid, bool)>> {
    Err(DataError::NotReady)
}

/// Switches off every repository of this origin whose URL is not among those kept; gives back how many.
/// What was found in them stays readable.
pub async fn disable_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<u64> {
    Err(DataError::NotReady)
}

/// Removes every repository of this origin whose URL is not among those kept, with all that hangs on it.
pub async fn remove_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<Vec<Uuid>> {
    Err(DataError::NotReady)
}

/// Removes a repository with all that hangs on it; whether there was one.
pub async fn remove_repository(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    Err(DataError::NotReady)
}

/// A sync begins.
pub async fn record_sync_started(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    Err(DataError::NotReady)
}

/// A sync ended well; also where nothing was new.
pub async fn record_synced(w: &impl ConnectionTrait, id: Uuid, head: &SyncedHead, now: Timestamp) -> Result<()> {
    Err(DataError::NotReady)
}

/// A sync ended well and found no commits at all.
pub async fn record_synced_empty(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    Err(DataError::NotReady)
}

/// A sync ended badly; `status` is `Error`, `Blocked` or `PendingApproval`. The reason is cut to 2,000 characters.
pub async fn record_sync_failed(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    Err(DataError::NotReady)
}

/// A repository is set aside (too large, for one) until a person approves it.
pub async fn record_set_aside(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    Err(DataError::NotReady)
}

/// Where the scan of a repository stands; a reason only for errors.
pub async fn record_scan_state(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    Err(DataError::NotReady)
}

/// Whatever is still `syncing` although no job runs for it (after a crash) goes back to `pending`.
pub async fn reset_interrupted(w: &impl ConnectionTrait) -> Result<u64> {
    Err(DataError::NotReady)
}
