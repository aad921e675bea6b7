//! Uses along a replay, on a thread of their own where there is enough to do: they take about as long as everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::Scope;

use entity::input::UsesBatch;
use scan::uses::{Change, TrackedCommit};

use super::ReplayError;
use super::tracking::Tracking;

/// Commits that may wait to be followed.
const MAX_WAITING: usize = 256;
/// Fewer commits are followed on the spot.
const MIN_COMMITS: usize = 64;

/// Who follows what commits use.
pub enum Follower<'t, 'a> {
    Nobody,
    Here(&'t mut Tracking<'a>),
    Aside(Aside),
}

/// A thread that follows.
pub struct Aside {
    asked: SyncSender<Asked>,
    batches: Receiver<Result<UsesBatch, ReplayError>>,
    pending: Arc<AtomicUsize>,
}

enum Asked {
    Follow(TrackedCommit, Vec<Change>, u64),
    TakeBatch,
}

impl<'t, 'a> Follower<'t, 'a> {
    /// Follows so many commits.
    pub fn new<'s>(scope: &'s Scope<'s, '_>, tracking: Option<&'t mut Tracking<'a>>, commits: usize) -> Self
    where
        't: 's,
        'a: 's,
    {
        match tracking {
            None => Self::Nobody,
            Some(tracking) if commits < MIN_COMMITS => Self::Here(tracking),
            Some(tracking) => Self::Aside(Aside::start(scope, tracking)),
        }
    }

    /// Applies what a commit did to files, which were read from so many bytes.
    ///
    /// # Errors
    /// What the database says, here or with the next batch.
    pub fn follow(&mut self, commit: TrackedCommit, changes: Vec<Change>, bytes: u64) -> Result<(), ReplayError> {
        match self {
            Self::Nobody => Ok(()),
            Self::Here(tracking) => tracking.follow(commit, changes, bytes),
            Self::Aside(_) if changes.is_empty() => Ok(()),
            Self::Aside(aside) => aside.ask(Asked::Follow(commit, changes, bytes)),
        }
    }

    /// About how many spans wait to be taken.
    pub fn pending(&self) -> usize {
        match self {
            Self::Nobody => 0,
            Self::Here(tracking) => tracking.pending(),
            Self::Aside(aside) => aside.pending.load(Ordering::Relaxed),
        }
    }

    /// Asks for what began and ended since the last batch, all commits that were given included. One is asked for at a time.
    ///
    /// # Errors
    /// Where nobody follows any more.
    pub fn ask_batch(&self) -> Result<(), ReplayError> {
        match self {
            Self::Nobody | Self::Here(_) => Ok(()),
            Self::Aside(aside) => aside.ask(Asked::TakeBatch),
        }
    }

    /// The batch that was asked for; nothing where it is not there yet and need not be waited for.
    ///
    /// # Errors
    /// Why commits could not be followed.
    pub fn asked_batch(&mut self, must: bool) -> Result<Option<UsesBatch>, ReplayError> {
        match self {
            Self::Nobody => Ok(Some(UsesBatch::default())),
            Self::Here(tracking) => Ok(Some(tracking.take_batch())),
            Self::Aside(aside) if must => aside.batches.recv().map_err(|_| ReplayError::Closed)?.map(Some),
            Self::Aside(aside) => match aside.batches.try_recv() {
                Ok(batch) => batch.map(Some),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(ReplayError::Closed),
            },
        }
    }
}

impl Aside {
    /// The thread ends with what asks it.
    fn start<'s, 't: 's, 'a: 's>(scope: &'s Scope<'s, '_>, tracking: &'t mut Tracking<'a>) -> Self {
        let (asked, asks) = sync_channel(MAX_WAITING);
        let (answer, batches) = sync_channel(1);
        let pending = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&pending);
        scope.spawn(move || {
            // Of several errors the first one is told.
            let mut so_far = Ok(());
            for ask in asks {
                match ask {
                    Asked::Follow(commit, changes, bytes) => {
                        so_far = so_far.and_then(|()| tracking.follow(commit, changes, bytes));
                        told.store(tracking.pending(), Ordering::Relaxed);
                    }
                    Asked::TakeBatch => {
                        let batch = std::mem::replace(&mut so_far, Ok(())).map(|()| tracking.take_batch());
                        told.store(0, Ordering::Relaxed);
                        if answer.send(batch).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Self { asked, batches, pending }
    }

    /// Only a thread that broke down takes nothing; that is told where it is waited for.
    fn ask(&self, asked: Asked) -> Result<(), ReplayError> {
        self.asked.send(asked).map_err(|_| ReplayError::Closed)
    }
}
