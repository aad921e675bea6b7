//! What a replay reads and writes: known resources, batches, scan runs.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::db::Connection;
use crate::found::{Batch, FoundResource, HeadFigures, KnownResource, ObjectId, ResourceKey, ScannedCommit};
use crate::view::{Listing, PageQuery, RepositoryCounts, ScanRun, Timestamp};

/// Every resource of the repository, deleted ones too, in a stable order.
pub async fn known_all(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<KnownResource>> {
    Err(DataError::NotReady)
}

/// Active resources that stand in these files (paths without `#index`).
pub async fn known_by_files<S: AsRef<str> + Sync>(
    c: &impl ConnectionTrait,
    repository: Uuid,
    files: &[S],
) -> Result<Vec<KnownResource>> {
    Err(DataError::NotReady)
}

/// Resources with these keys, active and deleted.
pub async fn known_by_keys(
    c: &impl ConnectionTrait,
    repository: Uuid,
    keys: &[ResourceKey],
) -> Result<Vec<KnownResource>> {
    Err(DataError::NotReady)
}

/// Active resources that get what they deploy from a source of this kind and name.
pub async fn known_by_source(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    Err(DataError::NotReady)
}

/// Active resources of this kind and name: the sources that a reference may mean, whatever their namespace.
pub async fn known_sources(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    Err(DataError::NotReady)
}

/// Opens a scan run; its id is the events' `sync_run_id`. Runs that a crash left open are closed with a reason.
pub async fn begin_scan(w: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<Uuid> {
    Err(DataError::NotReady)
}

/// Stores a batch in one transaction and moves the repository's cursor; gives back how many events there were.
/// [`DataError::StaleBatch`] where the repository is not scanned up to `batch.after`.
pub async fn apply_batch(w: &Connection, repository: Uuid, run: Uuid, batch: &Batch, now: Timestamp) -> Result<u64> {
    Err(DataError::NotReady)
}

/// Closes a scan run that reached the head and recomputes the repository's figures.
pub async fn finish_scan(
    w: &Connection,
    repository: Uuid,
    run: Uuid,
    figures: HeadFigures,
    now: Timestamp,
) -> Result<RepositoryCounts> {
    Err(DataError::NotReady)
}

/// Closes a scan run that ended badly; what it stored so far stays, and so does the cursor.
pub async fn fail_scan(w: &Connection, repository: Uuid, run: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    Err(DataError::NotReady)
}

/// Takes back all that came after `kept` (everything, for `None`): commits, events and resources first seen later go,
/// resources changed later get the states given, days are counted anew, the cursor moves back.
/// Problems of the repository are cleared: the replay tells those at the head again.
pub async fn rewind(
    w: &Connection,
    repository: Uuid,
    kept: Option<ScannedCommit>,
    restored: &[FoundResource],
    now: Timestamp,
) -> Result<()> {
    Err(DataError::NotReady)
}

/// Commits with events, newest first: where a rewritten history forks off.
pub async fn event_commits(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<(ObjectId, i64)>> {
    Err(DataError::NotReady)
}

/// Scan runs of a repository, newest first.
pub async fn list_scan_runs(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ScanRun>> {
    Err(DataError::NotReady)
}
