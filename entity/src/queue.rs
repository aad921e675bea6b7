//! The job queue: work is rows. A job is inserted and the bell rung in one call; a worker claims, renews, finishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::db::{ConnectionTrait, DataError, Db, Result};
use crate::kind::{JobKind, JobRequest, Priority, RequestedBy};
use crate::view::{Live, Timestamp};

/// Wakes workers when there may be work. Losing a ring costs a poll interval, never work.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Tells a worker to look.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring; one that came since the last wait counts.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}

/// What goes out to open pages. Lossy: a slow listener misses messages and is told how many.
#[derive(Clone, Debug)]
pub struct Bus(broadcast::Sender<Live>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(256))
    }
}

impl Bus {
    /// Sends to whoever listens; nobody need to.
    pub fn send(&self, live: Live) {
        // An error only says that nobody listens.
        let _ = self.0.send(live);
    }

    /// Hears everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.0.subscribe()
    }
}

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    pub id: Uuid,
    pub request: JobRequest,
    pub requested_by: RequestedBy,
    pub priority: Priority,
    /// 1 on the first try.
    pub attempts: i32,
}

/// How a job ended, as its handler says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done; what came of it in words.
    Succeeded(String),
    /// Failed, may work later: tried again after 60·2ⁿ seconds, three times, then it has failed for good.
    Retry(String),
    /// Cannot run now (a rate limit, for one): queued for that time, without counting as a try.
    Later(String, Timestamp),
    /// Failed for good.
    GiveUp(String),
    /// Stopped by a person or by the end of the program.
    Cancelled,
}

/// The queue with its bell and its bus.
#[derive(Clone, Debug)]
pub struct JobQueue {
    db: Db,
    bell: Bell,
    bus: Bus,
}

impl JobQueue {
    /// A queue over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, bell: Bell::default(), bus: Bus::default() }
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

    /// Queues a job and rings the bell. Where one with the same key is queued already, gives back its id.
    pub async fn enqueue(
        &self,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Uuid> {
        Err(DataError::NotReady)
    }

    /// Queues a job in the caller's transaction; call [`JobQueue::ring`] after the commit.
    pub async fn enqueue_in(
        &self,
        txn: &impl ConnectionTrait,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Uuid> {
        Err(DataError::NotReady)
    }

    /// Wakes a worker.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Takes the next job that may run, or nothing. Never one whose key a running job has.
    pub async fn claim(
        &self,
        worker: &str,
        kinds: &[JobKind],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>> {
        Err(DataError::NotReady)
    }

    /// Holds a job for another lease; [`DataError::LostLease`] where it is another's by now or was cancelled.
    pub async fn renew(&self, job: Uuid, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        Err(DataError::NotReady)
    }

    /// Says how far a job is; open pages hear it.
    pub async fn progress(&self, job: Uuid, text: &str, done: Option<i64>, total: Option<i64>) -> Result<()> {
        Err(DataError::NotReady)
    }

    /// Ends a run of a job as its handler says.
    pub async fn finish(&self, job: Uuid, worker: &str, outcome: Outcome, now: Timestamp) -> Result<()> {
        Err(DataError::NotReady)
    }

    /// Cancels a job that is queued or running; whether there was one. A running handler notices when it renews.
    pub async fn cancel(&self, job: Uuid, now: Timestamp) -> Result<bool> {
        Err(DataError::NotReady)
    }

    /// Puts back jobs whose lease ran out; how many.
    pub async fn take_over_expired(&self, now: Timestamp) -> Result<u64> {
        Err(DataError::NotReady)
    }

    /// Puts back jobs that this worker held before it was restarted; how many.
    pub async fn recover_own(&self, worker: &str, now: Timestamp) -> Result<u64> {
        Err(DataError::NotReady)
    }

    /// When the next queued job may run, for a worker that sleeps.
    pub async fn next_run_at(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>> {
        Err(DataError::NotReady)
    }
}
