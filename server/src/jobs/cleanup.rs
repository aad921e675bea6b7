//! Deletes clones of repositories that are blocked, switched off or no longer here.

use std::collections::HashSet;

use entity::kind::SyncStatus;
use entity::query::repositories;
use git::GitError;
use uuid::Uuid;

use super::{Deps, JobContext, JobError};

pub(super) async fn run(deps: &Deps, _context: &JobContext) -> Result<String, JobError> {
    let targets = repositories::list_sync_targets(&deps.db.read).await?;
    let needed: HashSet<Uuid> = targets
        .into_iter()
        .filter(|target| target.sync_status != SyncStatus::Blocked)
        .map(|target| target.id)
        .collect();
    let repos = deps.data_dir.join("repos");
    let removed = tokio::task::spawn_blocking(move || remove_unneeded(&repos, &needed)).await??;
    Ok(format!("removed {removed} clones that nobody needs"))
}

fn remove_unneeded(repos: &std::path::Path, needed: &HashSet<Uuid>) -> Result<u64, JobError> {
    let Ok(entries) = std::fs::read_dir(repos) else { return Ok(0) };
    let mut removed = 0;
    for entry in entries.flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<Uuid>().ok());
        if id.is_some_and(|id| !needed.contains(&id)) {
            match git::remove_clone(&entry.path()) {
                Ok(()) => removed += 1,
                // A fetch that was begun before goes on; the next cleanup looks again.
                Err(GitError::Busy { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(removed)
}
