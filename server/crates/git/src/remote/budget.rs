//! What one call to a remote may use up, and the thread that watches over it.
//!
//! Reading from a socket blocks, and what blocks cannot look at a clock. So the work runs on a thread of its own; the caller's
//! thread waits for it, and goes away with a typed error when time is up or the caller was told to stop. The work finds out at
//! its next read, which its own timeouts bound, and may install nothing from then on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::{FetchProgress, Limits};
use crate::GitError;

/// How often the caller's thread looks at its clock.
const TICK: Duration = Duration::from_millis(50);
/// How long work that was told to stop may take to notice before it is left behind.
const GRACE: Duration = Duration::from_secs(2);
/// Fewer bytes than this within `Limits::slow_window` are no progress.
const SLOW_BYTES: u64 = 1_000;

/// Shared by the work and its watcher.
pub(super) struct Budget {
    pub limits: Limits,
    pub host: String,
    deadline: Instant,
    /// For gix' own loops.
    pub interrupt: AtomicBool,
    state: Mutex<State>,
    pub pack_bytes: AtomicU64,
    pub pack_objects: AtomicU64,
    pub indexing: AtomicBool,
    /// The next answer is a pack, not a list of refs.
    pub expects_pack: AtomicBool,
}

struct State {
    /// Why the work has to stop, or did. The first reason counts: what comes after is its consequence.
    stopped: Option<GitError>,
    /// The result is being put into place: no stopping any more.
    installing: bool,
    window_start: Instant,
    window_bytes: u64,
    /// The remote is waited for: time that passes otherwise is not its.
    awaiting: bool,
}

impl Budget {
    fn new(limits: &Limits, host: String) -> Self {
        let now = Instant::now();
        Self {
            limits: limits.clone(),
            host,
            deadline: now + limits.total_timeout,
            interrupt: AtomicBool::new(false),
            state: Mutex::new(State {
                stopped: None,
                installing: false,
                window_start: now,
                window_bytes: 0,
                awaiting: false,
            }),
            pack_bytes: AtomicU64::new(0),
            pack_objects: AtomicU64::new(0),
            indexing: AtomicBool::new(false),
            expects_pack: AtomicBool::new(false),
        }
    }

    /// A poisoned lock holds plain values: they are as good as before.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why, for the error that the caller gets, and makes all reads fail from now on.
    pub(super) fn stop(&self, why: GitError) -> std::io::Error {
        let text = why.to_string();
        let mut state = self.lock();
        if !state.installing {
            state.stopped.get_or_insert(why);
            self.interrupt.store(true, Ordering::Relaxed);
        }
        std::io::Error::other(text)
    }

    pub(super) fn timeout(&self, what: &str, after: Duration) -> GitError {
        GitError::Timeout { what: format!("{what} {}", self.host), seconds: after.as_secs().max(1) }
    }

    /// Before each read.
    pub(super) fn check(&self) -> std::io::Result<()> {
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("stopped"));
        }
        if Instant::now() >= self.deadline {
            return Err(self.stop(self.timeout("talking to", self.limits.total_timeout)));
        }
        Ok(())
    }

    /// A request is sent: its answer has as long as any other.
    pub(super) fn asked(&self) {
        let mut state = self.lock();
        (state.window_start, state.window_bytes) = (Instant::now(), 0);
    }

    /// Waits for the remote: reads from the network, or sends what is answered by the first byte.
    pub(super) fn awaiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.lock().awaiting = true;
        let result = wait();
        self.lock().awaiting = false;
        result
    }

    /// After each read from the network. Bytes that only trickle are as bad as none.
    pub(super) fn received(&self, bytes: usize) -> std::io::Result<()> {
        let slow = {
            let mut state = self.lock();
            state.window_bytes += bytes as u64;
            let slow = self.is_slow(&state);
            if state.window_start.elapsed() >= self.limits.slow_window || state.window_bytes >= SLOW_BYTES {
                state.window_start = Instant::now();
                state.window_bytes = 0;
            }
            slow
        };
        if slow { Err(self.stop(self.too_slow())) } else { Ok(()) }
    }

    fn is_slow(&self, state: &State) -> bool {
        state.window_bytes < SLOW_BYTES && state.window_start.elapsed() >= self.limits.slow_window
    }

    fn too_slow(&self) -> GitError {
        self.timeout("receiving from", self.limits.slow_window)
    }

    /// Seen from outside, where the work is stuck in a read: a few bytes and then none are no progress either.
    fn is_stuck(&self) -> bool {
        let state = self.lock();
        // Without any byte the time for an answer is what counts, and that is the client's business.
        state.awaiting && state.window_bytes > 0 && self.is_slow(&state)
    }

    /// The last moment to stop; afterwards the result counts.
    pub(super) fn begin_install(&self) -> Result<(), GitError> {
        let mut state = self.lock();
        match state.stopped.take() {
            Some(why) => Err(why),
            None => {
                state.installing = true;
                Ok(())
            }
        }
    }

    fn take_reason(&self) -> Option<GitError> {
        self.lock().stopped.take()
    }

    /// A bound was met, or the call has to end: another way would end the same.
    pub(super) fn is_spent(&self) -> bool {
        use GitError::{TooLarge, TooManyObjects, TooManyRefs};
        let is_bound = |why: &GitError| matches!(why, TooLarge { .. } | TooManyObjects { .. } | TooManyRefs { .. });
        self.lock().stopped.as_ref().is_some_and(|why| why.is_temporary() || is_bound(why))
    }

    /// What was asked for is not given out: another way may be tried.
    pub(super) fn forget(&self) {
        let mut state = self.lock();
        if !state.stopped.as_ref().is_some_and(GitError::is_temporary) {
            state.stopped = None;
            self.interrupt.store(false, Ordering::Relaxed);
        }
        state.installing = false;
    }

    fn is_installing(&self) -> bool {
        self.lock().installing
    }

    fn progress(&self) -> FetchProgress {
        FetchProgress {
            bytes: self.pack_bytes.load(Ordering::Relaxed),
            objects: self.pack_objects.load(Ordering::Relaxed),
            indexing: self.indexing.load(Ordering::Relaxed),
        }
    }
}

/// Runs `work` on a thread of its own and waits for it, but no longer than the limits say.
pub(super) fn watched<T: Send + 'static>(
    limits: &Limits,
    host: String,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(FetchProgress),
    work: impl FnOnce(&Arc<Budget>) -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    let budget = Arc::new(Budget::new(limits, host));
    let (sender, receiver) = mpsc::sync_channel(1);
    let theirs = Arc::clone(&budget);
    std::thread::Builder::new()
        .name("git-remote".to_owned())
        .spawn(move || {
            let result = work(&theirs);
            // Nobody listens any more if the caller has left.
            let _ = sender.send(result);
        })
        .map_err(GitError::io("no thread for talking to the remote"))?;
    let mut leave_at = None::<Instant>;
    let mut told = FetchProgress::default();
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(result) => return result.map_err(|error| budget.take_reason().unwrap_or(error)),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let what = "reading what it sent failed in a way that was not foreseen".to_owned();
                return Err(GitError::Protocol { host: budget.host.clone(), what });
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let now = budget.progress();
        if now != told {
            told = now;
            progress(now);
        }
        if budget.is_installing() {
            continue;
        }
        if cancel.load(Ordering::Relaxed) {
            let _ = budget.stop(GitError::Cancelled);
        } else if Instant::now() >= budget.deadline {
            let _ = budget.stop(budget.timeout("talking to", budget.limits.total_timeout));
        } else if budget.is_stuck() {
            let _ = budget.stop(budget.too_slow());
        }
        if budget.interrupt.load(Ordering::Relaxed) {
            match leave_at {
                Some(at) if Instant::now() >= at => {
                    // A reason stays in place: the work must not install anything any more.
                    return Err(budget.lock().stopped.replace(GitError::Cancelled).unwrap_or(GitError::Cancelled));
                }
                Some(_) => {}
                None => leave_at = Some(Instant::now() + GRACE),
            }
        }
    }
}
