//! Deletes clones of repositories that are blocked, set aside, switched off or no longer here, and the oldest ones
//! where clones take more disk than they may. A later fetch makes a clone again. In the others, commits of branches that are
//! gone are let go.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use entity::kind::{JobState, SyncStatus};
use entity::view::{JobFilter, PageQuery, Timestamp};
use git::GitError;
use store::{jobs, repositories, watch};
use uuid::Uuid;

use super::{Deps, JobContext, JobError};

pub(super) async fn run(deps: &Deps, _context: &JobContext) -> Result<String, JobError> {
    tidy(deps).await
}

/// What is known of a clone's repository.
#[derive(Clone, Copy)]
struct Known {
    /// Whether its remote answered last: it can be fetched again.
    reachable: bool,
    /// The older, the less likely it is that something new comes.
    head_committed_at: Option<Timestamp>,
    /// A job works on it.
    in_use: bool,
}

/// A clone on this machine's disk.
struct Clone {
    id: Uuid,
    path: PathBuf,
    bytes: u64,
    known: Known,
}

/// Looks after the clones in this process' data directory.
pub(super) async fn tidy(deps: &Deps) -> Result<String, JobError> {
    let running =
        JobFilter { state: Some(JobState::Running), page: PageQuery { skip: 0, limit: 1_000 }, ..JobFilter::default() };
    let running = jobs::list_jobs(&deps.db.read, &running).await?.data;
    let needed: HashMap<Uuid, Known> = repositories::list_sync_targets(&deps.db.read)
        .await?
        .into_iter()
        .filter(|target| !target.sync_status.is_set_aside())
        .map(|target| {
            let known = Known {
                reachable: target.sync_status == SyncStatus::Success && target.sync_failures == 0,
                head_committed_at: target.head_committed_at,
                in_use: running.iter().any(|job| job.repository_id == Some(target.id)),
            };
            (target.id, known)
        })
        .collect();
    let ids: Vec<Uuid> = needed.keys().copied().collect();
    let (repos, limit) = (deps.data_dir.join("repos"), deps.max_disk_bytes);
    let removed = tokio::task::spawn_blocking(move || remove(&repos, &needed, limit)).await??;
    for id in removed.unneeded.iter().chain(&removed.for_space) {
        repositories::record_clone_removed(&deps.db.write, *id).await?;
    }
    let (unneeded, for_space) = (removed.unneeded.len(), removed.for_space.len());
    let megabytes = removed.left / 1_000_000;
    let said =
        format!("removed {unneeded} clones that nobody needs and {for_space} for disk space; {megabytes} MB are left");
    Ok(match forget_gone_branches(deps, &ids).await? {
        0 => said,
        forgotten => format!("{said}; {forgotten} branches that are gone are no longer kept"),
    })
}

/// Lets clones go of branches that are gone; how many.
async fn forget_gone_branches(deps: &Deps, repositories: &[Uuid]) -> Result<usize, JobError> {
    let mut forgotten = 0;
    for id in repositories {
        let clone = deps.clone_dir(*id);
        let dir = clone.clone();
        let kept = tokio::task::spawn_blocking(move || git::kept_branches(&dir)).await?;
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        let gone = watch::gone_names(&deps.db.read, *id, &names).await?;
        if gone.is_empty() {
            continue;
        }
        let count = gone.len();
        let forget = move || git::forget_branches(&clone, &gone.iter().map(String::as_str).collect::<Vec<_>>());
        match tokio::task::spawn_blocking(forget).await? {
            Ok(()) => forgotten += count,
            // It is being fetched into: the next cleanup sees to it.
            Err(GitError::Busy { .. }) => {}
            // One clone that can't be written keeps no other from being tidied.
            Err(error) => tracing::warn!(repository = %id, %error, "a clone still keeps branches that are gone"),
        }
    }
    Ok(forgotten)
}

/// What was removed, and how many bytes are left.
#[derive(Default)]
struct Removed {
    unneeded: Vec<Uuid>,
    for_space: Vec<Uuid>,
    left: u64,
}

fn remove(repos: &Path, needed: &HashMap<Uuid, Known>, limit: Option<u64>) -> Result<Removed, JobError> {
    let mut removed = Removed::default();
    let Ok(entries) = std::fs::read_dir(repos) else { return Ok(removed) };
    let mut clones = Vec::new();
    for entry in entries.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<Uuid>().ok()) else { continue };
        match needed.get(&id) {
            None if remove_clone(&entry.path())? => removed.unneeded.push(id),
            None => {}
            Some(known) => {
                let (path, bytes) = (entry.path(), bytes_below(&entry.path()));
                removed.left += bytes;
                clones.push(Clone { id, path, bytes, known: *known });
            }
        }
    }
    let Some(limit) = limit else { return Ok(removed) };
    clones.sort_by_key(|clone| (clone.known.head_committed_at, clone.id));
    for clone in clones.iter().filter(|clone| clone.known.reachable && !clone.known.in_use) {
        if removed.left <= limit {
            break;
        }
        if remove_clone(&clone.path)? {
            removed.left = removed.left.saturating_sub(clone.bytes);
            removed.for_space.push(clone.id);
        }
    }
    Ok(removed)
}

/// Whether the clone was removed; one that is being fetched into is left to the next cleanup.
fn remove_clone(path: &Path) -> Result<bool, JobError> {
    match git::remove_clone(path) {
        Ok(()) => Ok(true),
        Err(GitError::Busy { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Bytes of all files below a directory; 0 where it cannot be read.
fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
