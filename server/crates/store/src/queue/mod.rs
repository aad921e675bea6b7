//! The job queue: work is rows. A job is inserted and the bell rung in one call; a worker claims, renews, finishes.
//!
//! `enqueue` asks for work, `claim` takes it, `lease` holds it, `finish` ends it, `log` keeps what it says; `bell` wakes
//! workers and pages of this process, `wire` those of the others.

mod bell;
mod cause;
mod claim;
mod enqueue;
mod finish;
mod lease;
mod log;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use uuid::Uuid;

use crate::db::Db;
use crate::jobs::{find_job, is_in};
use entity::kind::JobState;
use entity::table::job;
use entity::view::{Live, Timestamp};

pub use bell::{Bell, Bus, Entered, Running};
pub use cause::caused_by;
pub use claim::{ClaimedJob, Room};
pub use finish::{Ended, Outcome};
pub use lease::CLOCKS_DIFFER;
pub use log::{LogLine, MAX_LOG_LINES};

/// Jobs that a worker holds.
fn held(worker: &str) -> Expr {
    is_in(JobState::Running).and(job::COLUMN.worker.eq(worker))
}

/// The queue with its bell and its bus.
#[derive(Clone, Debug)]
pub struct JobQueue {
    db: Db,
    bell: Bell,
    bus: Bus,
    running: Running,
    /// Whether this process could not store its last sign of life.
    cannot_write: Arc<AtomicBool>,
    /// When jobs that may not run were last looked past in vain.
    looked_past: Arc<Mutex<Option<Instant>>>,
}

impl JobQueue {
    /// A queue over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let bell = Bell::default();
        let bus = Bus::new(bell.outbox.clone());
        Self { db, bell, bus, running: Running::default(), cannot_write: Arc::default(), looked_past: Arc::default() }
    }

    /// What wakes workers.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// What open pages listen to.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The jobs that this process runs.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Notes whether this process could store its sign of life, which it does every few seconds.
    pub fn note_write(&self, is_well: bool) {
        self.cannot_write.store(!is_well, Ordering::Relaxed);
    }

    /// Whether work can be stored, as far as this process knows: a full disk or a locked file can still be read.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.cannot_write.load(Ordering::Relaxed)
    }

    /// Wakes a worker.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Sends jobs as they are now to open pages; asks the database only if somebody listens. What is told was committed
    /// before, so a database that is away now makes nothing undone: pages look again by themselves.
    async fn tell(&self, jobs: &[Uuid]) {
        for job in jobs {
            self.bus.outbox.put(bell::Note::Job(*job));
            if self.bus.has_listeners()
                && let Ok(Some(job)) = find_job(&self.db.read, *job).await
            {
                self.bus.send_here(Live::Job { job: Box::new(job) });
            }
        }
    }
}

pub(crate) fn lease_end(now: Timestamp, lease: Duration) -> Timestamp {
    TimeDelta::from_std(lease).ok().and_then(|lease| now.checked_add_signed(lease)).unwrap_or(now)
}
