//! What wakes workers and what open pages hear, within the process and, through the wire, in the others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Notify, broadcast, mpsc};
use uuid::Uuid;

use entity::view::Live;

/// What one process tells the others: ids only, as a notification is small and its reader may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Ring,
    Deliver,
    Job(Uuid),
    Cancel(Uuid),
    Repository(Uuid),
    Events(Uuid, u64),
    Trigger(Uuid, Option<Uuid>),
    Branches(Uuid),
    Reload,
}

/// Where notes to other processes go; nowhere until a wire is laid.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<OnceLock<mpsc::Sender<Note>>>);

impl Outbox {
    /// Lossy like everything here: other processes look by themselves every few seconds.
    pub(super) fn put(&self, note: Note) {
        if let Some(sender) = self.0.get() {
            let _ = sender.try_send(note);
        }
    }

    /// The other end; `None` if somebody has it already.
    pub(super) fn open(&self) -> Option<mpsc::Receiver<Note>> {
        let (sender, receiver) = mpsc::channel(4_096);
        self.0.set(sender).ok().map(|()| receiver)
    }
}

/// Wakes workers when there may be work. Losing a ring costs a poll interval, never work.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    here: Arc<Notify>,
    deliveries: Arc<Notify>,
    pub(super) outbox: Outbox,
}

impl Bell {
    /// Tells a worker to look, here and in other processes.
    pub fn ring(&self) {
        self.ring_here();
        self.outbox.put(Note::Ring);
    }

    pub(super) fn ring_here(&self) {
        self.here.notify_one();
    }

    /// Tells who tells targets to look, here and in other processes.
    pub fn ring_for_deliveries(&self) {
        self.ring_for_deliveries_here();
        self.outbox.put(Note::Deliver);
    }

    pub(super) fn ring_for_deliveries_here(&self) {
        self.deliveries.notify_one();
    }

    /// Waits for a ring for deliveries; one that came since the last wait counts.
    pub async fn heard_for_deliveries(&self) {
        self.deliveries.notified().await;
    }

    /// Waits for a ring; one that came since the last wait counts.
    pub async fn heard(&self) {
        self.here.notified().await;
    }
}

/// What goes out to open pages. Lossy: a slow listener misses messages and is told how many.
#[derive(Clone, Debug)]
pub struct Bus {
    here: broadcast::Sender<Live>,
    pub(super) outbox: Outbox,
}

impl Bus {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { here: broadcast::Sender::new(256), outbox }
    }

    /// Sends to whoever listens, here and in other processes; nobody need to.
    pub fn send(&self, live: Live) {
        self.outbox.put(match &live {
            Live::Job { job } => Note::Job(job.id),
            Live::Repository { repository_id } => Note::Repository(*repository_id),
            Live::Events { repository_id, count } => Note::Events(*repository_id, *count),
            Live::Trigger { trigger_id, delivery_id } => Note::Trigger(*trigger_id, *delivery_id),
            Live::Branches { repository_id } => Note::Branches(*repository_id),
            Live::Reload => Note::Reload,
        });
        self.send_here(live);
    }

    pub(super) fn send_here(&self, live: Live) {
        // An error only says that nobody listens.
        let _ = self.here.send(live);
    }

    pub(super) fn has_listeners(&self) -> bool {
        self.here.receiver_count() > 0
    }

    /// Hears everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.here.subscribe()
    }
}

/// The jobs that this process runs, so that a cancel reaches them at once.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Mutex<HashMap<Uuid, Arc<AtomicBool>>>>);

/// A job in the list of [`Running`]; leaves it when dropped.
#[derive(Debug)]
pub struct Entered {
    list: Running,
    job: Uuid,
}

impl Running {
    /// Notes that a job runs here and stops when its flag is set.
    #[must_use]
    pub fn enter(&self, job: Uuid, cancel: Arc<AtomicBool>) -> Entered {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job, cancel);
        Entered { list: self.clone(), job }
    }

    /// What runs here.
    pub(super) fn jobs(&self) -> Vec<Uuid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Tells a job to stop, if it runs here.
    pub fn stop(&self, job: Uuid) {
        if let Some(cancel) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&job) {
            cancel.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.list.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}
