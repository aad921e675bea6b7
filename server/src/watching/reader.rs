//! What a commit changed and what Tekton's resources it brings, read from the clone. A commit that the clone does not have is
//! fetched first, under a ref of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actions::triggers::{CommitFacts, CommitReader};
use entity::value::ObjectId;
use entity::view::TektonFound;
use git::{BelowLimits, GitError, Repo};
use store::db::DataError;
use store::repositories::SyncTarget;
use tokio::sync::Semaphore;
use triggers::{ChangedPaths, MAX_PATHS, Needs, detect_tekton, is_tekton_file};
use uuid::Uuid;

use crate::jobs::{Deps, clone_dir, remote};

/// Where Tekton's resources are looked for.
const TEKTON: &str = ".tekton";
/// Commits that are read at the same time: each takes a thread.
const AT_ONCE: usize = 4;

/// What is known of a commit.
#[derive(Clone, Debug, Default)]
pub struct CommitRead {
    pub paths: Option<ChangedPaths>,
    pub tekton: Option<TektonFound>,
    pub is_forced: Option<bool>,
}

/// Why a commit could not be read.
#[derive(Debug)]
pub enum CommitError {
    /// It may be there later.
    Temporary(String),
    /// It can't be had any more.
    Gone(String),
}

impl From<DataError> for CommitError {
    fn from(error: DataError) -> Self {
        Self::Temporary(error.to_string())
    }
}

/// Reads a commit that a branch moved to; one that the clone does not have is fetched.
///
/// # Errors
/// Whether it is worth another try.
pub async fn fetch_and_read(
    deps: &Deps,
    target: &SyncTarget,
    branch: &str,
    old: Option<ObjectId>,
    new: ObjectId,
    needs: Needs,
) -> Result<CommitRead, CommitError> {
    let (deps, target, branch) = (deps.clone(), target.clone(), branch.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let clone = deps.clone_dir(target.id);
        let has = |repo: &Repo| repo.contains(new) && old.is_none_or(|old| repo.contains(old));
        let opened = Repo::open(&clone).ok();
        if !opened.as_ref().is_some_and(has) {
            let (url, auth, limits) = remote(&deps, &target)?;
            let wanted = [(branch, new)];
            let cancel = AtomicBool::new(false);
            git::fetch_commits(&clone, &url, &wanted, &auth, &limits, &cancel, &mut |_| {})?;
        }
        read(&Repo::open(&clone)?, old, new, needs)
    });
    finish(work.await)
}

/// Reads commits that clones have.
#[derive(Clone)]
pub struct CloneReader {
    data_dir: Arc<std::path::Path>,
    seats: Arc<Semaphore>,
}

impl CloneReader {
    /// Over the clones below a data directory.
    #[must_use]
    pub fn new(data_dir: &std::path::Path) -> Self {
        Self { data_dir: data_dir.into(), seats: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Reads a commit that the clone has.
    ///
    /// # Errors
    /// If there is no clone, or it does not have the commit.
    pub async fn read_here(
        &self,
        repository: Uuid,
        old: Option<ObjectId>,
        new: ObjectId,
        needs: Needs,
    ) -> Result<CommitRead, CommitError> {
        let _seat = self.seats.acquire().await;
        let clone = clone_dir(&self.data_dir, repository);
        finish(tokio::task::spawn_blocking(move || read(&Repo::open(&clone)?, old, new, needs)).await)
    }

    /// What a commit says of itself, where the clone has it.
    pub async fn commit_info(&self, repository: Uuid, commit: ObjectId) -> Option<git::CommitInfo> {
        let clone = clone_dir(&self.data_dir, repository);
        let read = tokio::task::spawn_blocking(move || Repo::open(&clone).ok()?.commit_info(commit).ok());
        read.await.ok().flatten()
    }
}

fn finish(read: Result<Result<CommitRead, GitError>, tokio::task::JoinError>) -> Result<CommitRead, CommitError> {
    match read {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) if error.is_temporary() => Err(CommitError::Temporary(error.to_string())),
        Ok(Err(error)) => Err(CommitError::Gone(error.to_string())),
        Err(error) => Err(CommitError::Temporary(format!("reading the commit was broken off: {error}"))),
    }
}

fn read(repo: &Repo, old: Option<ObjectId>, new: ObjectId, needs: Needs) -> Result<CommitRead, GitError> {
    let mut found = CommitRead::default();
    if needs.paths {
        let old = old.filter(|old| repo.contains(*old));
        let changed = repo.changed_paths(old, new, MAX_PATHS)?;
        found.paths = Some(ChangedPaths { paths: changed.paths, is_complete: changed.is_complete });
    }
    if needs.tekton {
        let below = repo.files_below(new, TEKTON, &BelowLimits::default(), is_tekton_file)?;
        let mut tekton = detect_tekton(below.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
        tekton.warnings.extend(below.left_out);
        found.tekton = Some(tekton);
    }
    if let Some(old) = old {
        found.is_forced = repo.is_ancestor(old, new)?.map(|descends| !descends);
    }
    Ok(found)
}

impl CommitReader for CloneReader {
    fn read(
        &self,
        repository: Uuid,
        old: Option<ObjectId>,
        new: ObjectId,
        needs: Needs,
    ) -> Pin<Box<dyn Future<Output = Result<CommitFacts, String>> + Send + '_>> {
        Box::pin(async move {
            let read = self.read_here(repository, old, new, needs).await.map_err(|error| match error {
                CommitError::Temporary(why) | CommitError::Gone(why) => why,
            })?;
            Ok(CommitFacts { paths: read.paths, tekton: read.tekton, is_forced: read.is_forced })
        })
    }
}
