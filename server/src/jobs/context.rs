//! What a running job is told, and what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entity::kind::LogLevel;
use store::queue::LogLine;
use uuid::Uuid;

use super::Deps;
use super::aside::{Aside, SteppedAside};
use crate::clock;

/// Progress is a line of the log as well, but no more often than this.
const LOG_PROGRESS: Duration = Duration::from_secs(5);
/// How often a job that waits for something looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(250);
/// Lines that wait to be stored; a job that says more in a second is not worth listening to.
const MAX_WAITING: usize = 2_000;

/// A running job: who it is, and whether it should stop.
#[derive(Clone)]
pub struct JobContext {
    pub id: Uuid,
    /// Set when the lease is lost, the job is cancelled or the program ends.
    pub cancel: Arc<AtomicBool>,
    said: Arc<Mutex<Said>>,
    /// Of the process that runs it.
    aside: Aside,
}

/// What a job said and what is not stored yet.
#[derive(Default)]
struct Said {
    progress: Option<(String, Option<(i64, i64)>)>,
    lines: Vec<LogLine>,
    /// Whether something was said that matters however short the run was.
    matters: bool,
    logged_progress: Option<Instant>,
}

impl JobContext {
    /// A job that begins to run.
    #[must_use]
    pub fn new(id: Uuid) -> Self {
        Self::beside(id, Aside::default())
    }

    /// The same where others wait for its place.
    pub(super) fn beside(id: Uuid, aside: Aside) -> Self {
        Self { id, cancel: Arc::default(), said: Arc::default(), aside }
    }

    /// Gives the job's place to another while it only waits for somebody's answer, for as long as what is given back is there.
    #[must_use]
    pub(crate) fn step_aside(&self) -> Option<SteppedAside> {
        self.aside.step()
    }

    /// Whether the job should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Ends once the job should stop: for whoever waits for something meanwhile.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says how far the job is, (done, total) where that is known. Stored a few times a second at most, so that short
    /// jobs cost no write; a line of the log now and then.
    #[expect(clippy::unused_async, reason = "handlers say things between awaits and need not know how they are stored")]
    pub async fn say(&self, _: &Deps, text: &str, progress: Option<(i64, i64)>) {
        let mut said = self.said();
        if said.logged_progress.is_none_or(|at| at.elapsed() >= LOG_PROGRESS) {
            said.logged_progress = Some(Instant::now());
            said.push(LogLevel::Info, text);
        }
        said.progress = Some((text.to_owned(), progress));
    }

    /// Keeps a line in the job's log.
    pub fn note(&self, level: LogLevel, text: &str) {
        let mut said = self.said();
        said.matters = true;
        said.push(level, text);
    }

    /// The newest progress, if there is one that was not taken yet.
    pub(super) fn take_progress(&self) -> Option<(String, Option<(i64, i64)>)> {
        self.said().progress.take()
    }

    /// The lines that were not taken yet.
    pub(super) fn take_lines(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.said().lines)
    }

    /// Whether the log is worth a write although the run was short and went well.
    pub(super) fn matters(&self) -> bool {
        self.said().matters
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn push(&mut self, level: LogLevel, text: &str) {
        if self.lines.len() < MAX_WAITING {
            self.lines.push(LogLine { at: clock::now(), level, text: text.to_owned() });
        }
    }
}
