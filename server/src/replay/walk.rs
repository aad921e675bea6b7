use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use entity::input::{Batch, ObjectId};
use git::{BlobReader, ChainCommit, Change, CommitChanges, GitError, Repo, WalkError, WalkOptions};
use scan::file::ParsedFile;
use scan::replay::{CommitInfo, FileChange, Memory, MemoryError, Pending, Replay};
use scan::uses::{Change as UseChange, TrackedCommit};

use super::Parser;
use super::follower::Follower;
use super::tracking::{Tracking, change_of};

/// Spans of uses, values and images that one batch begins.
const MAX_SPANS: usize = 50_000;

/// When a batch is handed over: as soon as it holds so much. What is stored in the end does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    pub events: usize,
    pub bytes: usize,
    /// Counts commits that changed nothing as well, so that progress is kept.
    pub commits: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { events: 4_000, bytes: 16 << 20, commits: 2_000 }
    }
}

impl BatchLimits {
    fn reached(&self, pending: &Pending) -> bool {
        pending.events >= self.events || pending.bytes >= self.bytes || pending.commits >= self.commits
    }
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Git(#[from] GitError),
    /// What is stored could not be read.
    #[error("{0}")]
    Memory(MemoryError),
    /// Whoever takes the batches has gone, and says why elsewhere.
    #[error("nobody takes the results any more")]
    Closed,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub commits: usize,
    pub events: usize,
}

/// A way to go: commits of one repository, oldest first.
pub struct Walk<'a> {
    pub repo: &'a Repo,
    pub commits: &'a [ChainCommit],
    pub parser: &'a Parser,
    /// Threads that read and parse; 0 means one per core.
    pub threads: usize,
    /// The history does not begin with the first of the commits, but is told as if it did.
    pub snapshot_first: bool,
    pub batches: BatchLimits,
    pub cancel: &'a AtomicBool,
}

/// A commit with its new files parsed.
struct Prepared {
    info: CommitInfo,
    changes: Vec<FileChange>,
    /// What it did to all files, where uses are followed.
    all: Vec<UseChange>,
    /// Of how many bytes those were read.
    bytes: u64,
}

impl Walk<'_> {
    /// Applies all commits to `replay`, and to `tracking` where uses are followed; `take` gets each batch, `said` hears of
    /// progress after each commit.
    ///
    /// # Errors
    /// Where a commit or the memory cannot be read, or `take` refuses a batch. What was taken before stands.
    pub fn run(
        &self,
        replay: &mut Replay,
        memory: &mut dyn Memory,
        tracking: Option<&mut Tracking<'_>>,
        take: impl FnMut(Batch) -> Result<(), ReplayError>,
        said: impl FnMut(Progress),
    ) -> Result<(), ReplayError> {
        std::thread::scope(|scope| {
            let follower = Follower::new(scope, tracking, self.commits.len());
            self.run_with(replay, memory, follower, take, said)
        })
    }

    fn run_with(
        &self,
        replay: &mut Replay,
        memory: &mut dyn Memory,
        mut follower: Follower<'_, '_>,
        mut take: impl FnMut(Batch) -> Result<(), ReplayError>,
        mut said: impl FnMut(Progress),
    ) -> Result<(), ReplayError> {
        let is_followed = !matches!(follower, Follower::Nobody);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let options = WalkOptions {
            threads: if self.threads == 0 { cores() } else { self.threads },
            blob_bytes: self.parser.max_bytes(),
            snapshot_first: self.snapshot_first,
            all_files: is_followed,
            cancel: Some(self.cancel),
            ..WalkOptions::default()
        };
        let mut progress = Progress { commits: 0, events: 0 };
        let mut waiting = None;
        let walked = git::walk(
            self.repo,
            self.commits,
            &options,
            |reader, changes| prepare(self.parser, reader, changes, is_followed),
            |mut prepared| {
                let all = std::mem::take(&mut prepared.all);
                let info = &prepared.info;
                let time = info.committed_at.timestamp();
                let commit = TrackedCommit { id: info.id, sequence: info.sequence, time };
                follower.follow(commit, all, prepared.bytes)?;
                let events_before = replay.pending().events;
                replay.apply(&prepared.info, prepared.changes, memory).map_err(ReplayError::Memory)?;
                let pending = replay.pending();
                progress.commits += 1;
                progress.events += pending.events - events_before;
                hand_over(&mut waiting, &mut follower, false, &mut take)?;
                // Spans of a batch that waits are still counted.
                if self.batches.reached(&pending) || (waiting.is_none() && follower.pending() >= MAX_SPANS) {
                    hand_over(&mut waiting, &mut follower, true, &mut take)?;
                    waiting = Some(batch(replay, memory, &mut follower)?);
                    hand_over(&mut waiting, &mut follower, false, &mut take)?;
                }
                said(progress);
                Ok(ControlFlow::Continue(()))
            },
        );
        match walked {
            Err(WalkError::Consume(error)) => return Err(error),
            // What was found before is handed over all the same.
            walked => {
                hand_over(&mut waiting, &mut follower, true, &mut take)?;
                walked.map_err(|error| match error {
                    WalkError::Git(error) => ReplayError::Git(error),
                    WalkError::Consume(error) => error,
                })?;
            }
        }
        if replay.pending() != Pending::default() {
            waiting = Some(batch(replay, memory, &mut follower)?);
            hand_over(&mut waiting, &mut follower, true, &mut take)?;
        }
        Ok(())
    }
}

/// What the replay found since the last batch; what is used is asked for, and comes while the replay goes on.
fn batch(replay: &mut Replay, memory: &mut dyn Memory, follower: &mut Follower<'_, '_>) -> Result<Batch, ReplayError> {
    follower.ask_batch()?;
    replay.take_batch(memory, &pack).map_err(ReplayError::Memory)
}

/// Hands over a batch that waits for what is used, if that is known or `must` be waited for.
fn hand_over(
    waiting: &mut Option<Batch>,
    follower: &mut Follower<'_, '_>,
    must: bool,
    take: &mut impl FnMut(Batch) -> Result<(), ReplayError>,
) -> Result<(), ReplayError> {
    if waiting.is_some()
        && let Some(uses) = follower.asked_batch(must)?
        && let Some(batch) = waiting.take()
    {
        take(Batch { uses, ..batch })?;
    }
    Ok(())
}

fn prepare(parser: &Parser, reader: &mut BlobReader<'_>, commit: CommitChanges, is_followed: bool) -> Prepared {
    let info = CommitInfo {
        id: commit.id,
        sequence: commit.sequence,
        committed_at: commit.committed_at,
        author_name: commit.author_name,
        subject: commit.subject,
    };
    let mut all = Vec::with_capacity(if is_followed { commit.changes.len() } else { 0 });
    let mut bytes = 0_u64;
    let change = |Change { path, before, after }: Change| {
        let is_read = git::is_read_path(&path);
        let parsed: Option<Arc<ParsedFile>> = after.filter(|_| is_read).map(|blob: ObjectId| parser.file(reader, blob));
        if is_followed {
            bytes += parsed.as_ref().map_or(0, |file| file.figures.bytes);
            all.push(change_of(&path, after.map(|blob| (blob, parsed.clone()))));
        }
        if !is_read {
            return None;
        }
        let after = parsed;
        // Here on one of many threads; the replay, which compares them, is a single one.
        for manifest in after.iter().flat_map(|file| &file.manifests) {
            let _ = manifest.digest();
        }
        Some(FileChange { path, before, after })
    };
    let changes = commit.changes.into_iter().filter_map(change).collect();
    Prepared { info, changes, all, bytes }
}

/// Packs a text as the database wants it.
///
/// # Errors
/// What the codec says.
pub fn pack(text: &[u8]) -> Result<Vec<u8>, MemoryError> {
    Ok(store::db::text::compress(text)?)
}
