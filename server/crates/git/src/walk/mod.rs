//! Walking a history: every commit with the YAML files that it changed, read on all cores, told in order.
//!
//! The line is cut into runs of neighbouring commits. Worker threads take runs in order; within a run they go from the newest
//! commit to the oldest, because packs store older versions as deltas of newer ones, so that what is read next is one delta
//! away from what was read last. Finished runs wait for their turn; how many may wait is bounded, and with it the memory.

mod changed;
mod diff;
mod pool;
mod trees;

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use entity::input::ObjectId;

pub use changed::ChangedPaths;

use crate::GitError;
use crate::repo::{ChainCommit, Objects, OddPath, Repo};

/// How a history is walked.
#[derive(Clone, Debug)]
pub struct WalkOptions<'a> {
    /// Threads that read and prepare; the calling thread consumes. At least one.
    pub threads: usize,
    /// Commits per run: more means better use of what was just read, and more memory.
    pub run: usize,
    /// The first commit is told as if it had no parent: all its files appear. For histories that are not read to their start.
    pub snapshot_first: bool,
    /// Tells of every file, not only of YAML.
    pub all_files: bool,
    /// Tree entries visited per commit.
    pub entries: u64,
    /// Largest blob that the `BlobReader` inflates, in bytes.
    pub blob_bytes: u64,
    /// Set from anywhere to stop with `GitError::Cancelled`.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for WalkOptions<'_> {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            run: 64,
            snapshot_first: false,
            all_files: false,
            entries: 1_000_000,
            blob_bytes: 64 << 20,
            cancel: None,
        }
    }
}

/// A file that a commit changed. `None` means that there is no such regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub before: Option<ObjectId>,
    pub after: Option<ObjectId>,
}

/// A commit and what it did to YAML files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitChanges {
    pub id: ObjectId,
    /// Place on the first-parent line, 0 for the first commit.
    pub sequence: i64,
    pub committed_at: DateTime<Utc>,
    /// At most 200 characters.
    pub author_name: String,
    /// First line of the message, at most 500 characters.
    pub subject: String,
    pub changes: Vec<Change>,
    /// YAML files that appeared or changed under paths that are not read, at most 1,000.
    pub odd_paths: Vec<OddPath>,
}

/// Reads blobs on a worker thread.
pub struct BlobReader<'a> {
    objects: &'a Objects,
    buffer: Vec<u8>,
    limit: u64,
}

impl BlobReader<'_> {
    /// Lets `work` look at a blob's bytes.
    ///
    /// # Errors
    /// `BlobTooLarge`, `TooMuchToUnpack`, `MissingObject` or `Corrupt`.
    pub fn read<T>(&mut self, id: ObjectId, work: impl FnOnce(&[u8]) -> T) -> Result<T, GitError> {
        self.objects.blob(id, self.limit, &mut self.buffer, work)
    }
}

impl Repo {
    /// A reader of blobs for callers outside of a walk; one per thread.
    pub fn with_blob_reader<T>(&self, max_bytes: u64, work: impl FnOnce(&mut BlobReader<'_>) -> T) -> T {
        let objects = self.objects();
        work(&mut BlobReader { objects: &objects, buffer: Vec::new(), limit: max_bytes })
    }
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum WalkError<E> {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Consume(E),
}

impl WalkError<Infallible> {
    /// Of walks whose consumer cannot fail.
    #[must_use]
    pub fn into_git(self) -> GitError {
        match self {
            Self::Git(error) => error,
            Self::Consume(never) => match never {},
        }
    }
}

/// Tells `consume` every commit, in the order given, as `prepare` made it on a worker thread.
/// `prepare` gets each commit's changes and a reader for the blobs; `consume` runs on the calling thread and may break off.
///
/// # Errors
/// `Git` if a commit or tree cannot be read or the walk was cancelled: the commits before it were told. `Consume` with what
/// the consumer returned.
pub fn walk<T: Send, E>(
    repo: &Repo,
    commits: &[ChainCommit],
    options: &WalkOptions<'_>,
    prepare: impl Fn(&mut BlobReader<'_>, CommitChanges) -> T + Sync,
    consume: impl FnMut(T) -> Result<ControlFlow<()>, E>,
) -> Result<(), WalkError<E>> {
    pool::run(repo, commits, options, &prepare, consume)
}
