//! The threads of a walk: runs are handed out in order, finished ones are put back in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::diff::Differ;
use super::trees::Trees;
use super::{BlobReader, CommitChanges, WalkError, WalkOptions};
use crate::GitError;
use crate::repo::{ChainCommit, Objects, Repo};

/// Runs that may be unfinished or waiting for their turn, per thread.
const RUNS_PER_THREAD: usize = 3;

/// What a worker hands over: the commits of one run, as far as they could be read, oldest first.
struct Run<T> {
    index: usize,
    prepared: Vec<T>,
    error: Option<GitError>,
}

pub(super) fn run<T: Send, E>(
    repo: &Repo,
    commits: &[ChainCommit],
    options: &WalkOptions<'_>,
    prepare: &(impl Fn(&mut BlobReader<'_>, CommitChanges) -> T + Sync),
    mut consume: impl FnMut(T) -> Result<ControlFlow<()>, E>,
) -> Result<(), WalkError<E>> {
    let size = options.run.max(1);
    let runs = commits.len().div_ceil(size);
    let threads = options.threads.clamp(1, runs.max(1));
    if threads == 1 && runs <= 1 {
        // One new commit is the usual case: not worth a thread.
        let objects = repo.objects();
        let run = Reader::new(&objects, commits, options).run(0, size, prepare);
        return hand_over(run, &mut consume).map(|_| ());
    }
    let gate = Gate::new(runs, threads * RUNS_PER_THREAD);
    std::thread::scope(|scope| {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let _open_when_leaving = OpenOnDrop { gate: &gate, always: true };
        for _ in 0..threads {
            let (sender, gate) = (sender.clone(), &gate);
            scope.spawn(move || {
                let _open_when_panicking = OpenOnDrop { gate, always: false };
                let objects = repo.objects();
                let mut reader = Reader::new(&objects, commits, options);
                while let Some(index) = gate.next() {
                    if sender.send(reader.run(index, size, prepare)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        for turn in 0..runs {
            let run = loop {
                if let Some(run) = waiting.remove(&turn) {
                    break run;
                }
                match receiver.recv() {
                    Ok(run) => _ = waiting.insert(run.index, run),
                    // A worker panicked; leaving the scope passes the panic on.
                    Err(_) => return Ok(()),
                }
            };
            if hand_over(run, &mut consume)?.is_break() {
                return Ok(());
            }
            gate.advance();
        }
        Ok(())
    })
}

fn hand_over<T, E>(
    run: Run<T>,
    consume: &mut impl FnMut(T) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, WalkError<E>> {
    for prepared in run.prepared {
        if consume(prepared).map_err(WalkError::Consume)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    match run.error {
        Some(error) => Err(error.into()),
        None => Ok(ControlFlow::Continue(())),
    }
}

/// One thread's eyes on the history.
struct Reader<'a> {
    objects: &'a Objects,
    trees: Trees<'a>,
    blobs: BlobReader<'a>,
    commits: &'a [ChainCommit],
    options: &'a WalkOptions<'a>,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(objects: &'a Objects, commits: &'a [ChainCommit], options: &'a WalkOptions<'a>) -> Self {
        let blobs = BlobReader { objects, buffer: Vec::new(), limit: options.blob_bytes };
        Self { objects, trees: Trees::new(objects), blobs, commits, options, buffer: Vec::new() }
    }

    fn run<T>(
        &mut self,
        index: usize,
        size: usize,
        prepare: &impl Fn(&mut BlobReader<'_>, CommitChanges) -> T,
    ) -> Run<T> {
        let start = index * size;
        let end = (start + size).min(self.commits.len());
        let mut prepared = Vec::with_capacity(end - start);
        let mut error = None;
        for at in (start..end).rev() {
            match self.commit(at) {
                Ok(changes) => prepared.push(prepare(&mut self.blobs, changes)),
                Err(found) => {
                    // What comes after a commit that cannot be read must not be told.
                    prepared.clear();
                    error = Some(found);
                }
            }
        }
        prepared.reverse();
        Run { index, prepared, error }
    }

    fn commit(&mut self, at: usize) -> Result<CommitChanges, GitError> {
        if self.options.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(GitError::Cancelled);
        }
        let commit = self.commits[at];
        let before = match commit.parent {
            _ if at == 0 && self.options.snapshot_first => None,
            None => None,
            Some(parent) => match at.checked_sub(1).map(|before| &self.commits[before]) {
                Some(before) if before.id == parent => Some(before.tree),
                _ => Some(self.objects.commit(parent, &mut self.buffer)?.tree),
            },
        };
        let found = Differ::new(&mut self.trees, commit.id, self.options).run(before, commit.tree)?;
        let parts = self.objects.commit(commit.id, &mut self.buffer)?;
        Ok(CommitChanges {
            id: commit.id,
            sequence: commit.sequence,
            committed_at: commit.committed_at,
            author_name: parts.author_name(),
            subject: parts.subject(),
            changes: found.changes,
            odd_paths: found.odd_paths,
        })
    }
}

/// Hands out runs, never more than `ahead` beyond the one whose turn it is.
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
    runs: usize,
    ahead: usize,
}

struct GateState {
    next: usize,
    turn: usize,
    stopped: bool,
}

impl Gate {
    fn new(runs: usize, ahead: usize) -> Self {
        let state = Mutex::new(GateState { next: 0, turn: 0, stopped: false });
        Self { state, moved: Condvar::new(), runs, ahead }
    }

    /// A poisoned lock holds plain numbers: they are as good as before.
    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next >= self.runs {
                return None;
            }
            if state.next < state.turn + self.ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn advance(&self) {
        self.lock().turn += 1;
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }
}

/// Lets waiting workers go when the consumer leaves early or another worker panics.
struct OpenOnDrop<'a> {
    gate: &'a Gate,
    /// Otherwise only when panicking.
    always: bool,
}

impl Drop for OpenOnDrop<'_> {
    fn drop(&mut self) {
        if self.always || std::thread::panicking() {
            self.gate.stop();
        }
    }
}
