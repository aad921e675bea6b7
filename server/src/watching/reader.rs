//! What a commit changed and what Tekton's resources it brings, read from the clone. A commit that the clone does not have is
//! fetched first, under a ref of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actions::triggers::{CommitFacts, CommitReader};
use chrono::TimeDelta;
use entity::value::ObjectId;
use entity::view::TektonFound;
use git::{BelowLimits, GitError, Repo};
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

/// Waits after tries that failed; after the last, what could not be read stays unknown.
const WAITS: [TimeDelta; 5] =
    [TimeDelta::seconds(5), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), TimeDelta::hours(2)];
/// A forge's machines do not all know of a push at once: what is not there may be there soon.
const WAITS_FOR_GONE: usize = 2;

impl CommitError {
    /// What to tell people.
    pub fn why(&self) -> &str {
        match self {
            Self::Temporary(why) | Self::Gone(why) => why,
        }
    }

    /// After what time to try again, where so many tries failed before this one.
    pub fn wait(&self, tries: i32) -> Option<TimeDelta> {
        let waits = match self {
            Self::Temporary(_) => &WAITS[..],
            Self::Gone(_) => &WAITS[..WAITS_FOR_GONE],
        };
        waits.get(usize::try_from(tries).unwrap_or(usize::MAX)).copied()
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
        Ok(Err(error @ (GitError::MissingObject { .. } | GitError::Corrupt { .. }))) => {
            Err(CommitError::Gone(error.to_string()))
        }
        // What a remote refuses it may give once somebody mended a token.
        Ok(Err(error)) => Err(CommitError::Temporary(error.to_string())),
        Err(error) => Err(CommitError::Temporary(format!("reading the commit was broken off: {error}"))),
    }
}

fn read(repo: &Repo, old: Option<ObjectId>, new: ObjectId, needs: Needs) -> Result<CommitRead, GitError> {
    let mut found = CommitRead::default();
    if needs.paths {
        // Without what it is compared with, a commit is compared with its parent: there may be more that changed.
        let known = old.filter(|old| repo.contains(*old));
        let changed = repo.changed_paths(known, new, MAX_PATHS)?;
        let is_complete = changed.is_complete && known == old;
        found.paths = Some(ChangedPaths { paths: changed.paths, is_complete });
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
            let read = self.read_here(repository, old, new, needs).await.map_err(|error| error.why().to_owned())?;
            Ok(CommitFacts { paths: read.paths, tekton: read.tekton, is_forced: read.is_forced })
        })
    }
}
