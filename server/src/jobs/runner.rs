//! Claims jobs and hands them to their handlers, several at once; looks for what is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{JobKind, Lane};
use entity::view::Timestamp;
use store::queue::{Ended, JobQueue, Room};
use store::{repositories, workers};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::aside::Aside;
use super::identity::Identity;
use super::run::{Finished, LEASE, run_job};
use super::{Deps, LiveDeps, cleanup, due, schedule};
use crate::clock;

/// How long the runner sleeps where no bell rings.
const POLL: Duration = Duration::from_secs(5);
/// How often repositories and schedules whose time has come are looked for, and the worker shows itself.
const DUE: Duration = Duration::from_secs(15);
/// How long running jobs may take to stop when the program ends.
const GRACE: Duration = Duration::from_secs(20);
/// Scans at once: each holds a repository's state in memory.
const SCANS: usize = 2;
/// Wall clock and monotonic clock may drift apart by so much between two looks.
const DRIFT: TimeDelta = TimeDelta::seconds(20);
/// Seconds for which the end of a job is held while the database is away.
const FINISH_TRIES: u32 = 300;
/// How often a process that shares its work with others looks after its own clones.
const TIDY: Duration = Duration::from_hours(2);

/// Works the queue until it is told to stop.
pub struct Runner {
    live: LiveDeps,
    identity: Identity,
}

/// The last look for due work, by both clocks.
struct Look {
    at: Instant,
    by_clock: Timestamp,
}

impl Runner {
    /// A runner over these parts.
    #[must_use]
    pub fn new(live: impl Into<LiveDeps>, identity: Identity) -> Self {
        Self { live: live.into(), identity }
    }

    /// Runs until `stop`, then lets running jobs end in order.
    pub async fn run(self, stop: CancellationToken) {
        let Self { live, identity } = &self;
        let deps = live.load();
        match deps.queue.recover_own(&identity.worker, clock::now()).await {
            Ok(0) => {}
            Ok(jobs) => info!(jobs, "put back jobs that the last run left unfinished"),
            Err(error) => error!(%error, "unfinished jobs of the last run could not be put back"),
        }
        let (finished, ended) = mpsc::unbounded_channel();
        let finisher = tokio::spawn(finish(deps.queue.clone(), identity.worker.clone(), ended));
        let mut running = JoinSet::new();
        let ending = Arc::new(AtomicBool::new(false));
        let scans = Arc::new(AtomicUsize::new(0));
        let aside = Aside::default();
        let (mut last_look, mut trusted_from) = (None, Instant::now());
        let mut tidied = Instant::now();
        // The room for scans of the last look that left room over: nothing more may run until there is news.
        let mut exhausted = None::<usize>;
        while !stop.is_cancelled() {
            let deps = live.load();
            if last_look.as_ref().is_none_or(|look: &Look| look.at.elapsed() >= DUE) {
                let look = Look { at: Instant::now(), by_clock: clock::now() };
                if last_look.as_ref().is_some_and(|last| jumped(last, &look)) {
                    warn!("the clock was set; leases are left alone until every worker has renewed its own");
                    trusted_from = look.at + LEASE;
                }
                self.look_for_due_work(&deps, look.at >= trusted_from).await;
                last_look = Some(look);
            }
            if deps.shares_work && tidied.elapsed() >= TIDY {
                tidied = Instant::now();
                if let Err(error) = cleanup::tidy(&deps).await {
                    warn!(%error, "this machine's clones could not be looked after");
                }
            }
            // Those that stepped aside have no place.
            let room = |running: usize| (deps.polling.max_workers + aside.count()).saturating_sub(running);
            while let jobs @ 1.. = room(running.len()) {
                let room_for_scans = SCANS.saturating_sub(scans.load(Ordering::Relaxed));
                if exhausted.is_some_and(|scans| room_for_scans <= scans) {
                    break;
                }
                let (claimed, wanted) = self.claim(&deps, jobs, room_for_scans).await;
                exhausted = (claimed.len() < wanted).then_some(room_for_scans);
                for job in claimed {
                    let computes = job.request.kind().lane() == Lane::Computing;
                    let (deps, worker, ending) = (Deps::clone(&deps), identity.worker.clone(), ending.clone());
                    let (scans, aside, finished) = (scans.clone(), aside.clone(), finished.clone());
                    if computes {
                        scans.fetch_add(1, Ordering::Relaxed);
                    }
                    running.spawn(async move {
                        run_job(deps, worker, job, ending, aside, finished).await;
                        if computes {
                            scans.fetch_sub(1, Ordering::Relaxed);
                        }
                    });
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = deps.queue.bell().heard() => exhausted = None,
                // The end of a job is news of its own, told by the bell; this is about room.
                _ = running.join_next(), if !running.is_empty() => {}
                () = aside.heard() => {}
                () = tokio::time::sleep(POLL) => exhausted = None,
            }
            // A burst of rings and ends is one look.
            while running.try_join_next().is_some() {}
        }
        ending.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(GRACE, async { while running.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            warn!(jobs = running.len(), "jobs did not stop in time; the next start goes on with them");
        }
        drop((running, finished));
        if tokio::time::timeout(GRACE, finisher).await.is_err() {
            warn!("the ends of some jobs could not be stored; they will be run again");
        }
    }

    /// Jobs to run, and for how many of them there was room; fewer means that no other may run now.
    async fn claim(&self, deps: &Deps, jobs: usize, scans: usize) -> (Vec<store::queue::ClaimedJob>, usize) {
        let others: Vec<JobKind> = JobKind::ALL.iter().copied().filter(|kind| kind.lane() == Lane::Waiting).collect();
        // One scan at a time is added, so that their number holds.
        let (kinds, jobs) = match scans {
            0 => (others.as_slice(), jobs),
            1 => (JobKind::ALL, 1),
            _ => (JobKind::ALL, jobs.min(scans)),
        };
        let max_per_host = Some(deps.polling.max_per_host);
        let room = Room { worker: &self.identity.worker, kinds, jobs, max_per_host, lease: LEASE };
        let claimed = deps.queue.claim_many(room, clock::now()).await.unwrap_or_else(|error| {
            error!(%error, "no job could be claimed");
            Vec::new()
        });
        (claimed, jobs)
    }

    async fn look_for_due_work(&self, deps: &Deps, trusts_leases: bool) {
        let identity = &self.identity;
        let now = clock::now();
        let told = |what: &str, result: Result<(), store::db::DataError>| {
            if let Err(error) = result {
                error!(%error, "{what}");
            }
        };
        let shown = workers::record_worker(&deps.db.write, &identity.shown(deps), now).await;
        deps.queue.note_write(shown.is_ok());
        told("this worker could not show itself", shown);
        // Those of this process first: where the database was away for longer than a lease, none could be renewed.
        let renewed = deps.queue.renew_running(&identity.worker, now, LEASE).await;
        let renewed_own = renewed.is_ok();
        told("the leases of running jobs could not be renewed", renewed);
        if trusts_leases && renewed_own {
            match deps.queue.take_over_expired(now).await {
                Ok(0) => {}
                Ok(jobs) => warn!(jobs, "took over jobs of workers that vanished"),
                Err(error) => error!(%error, "jobs of vanished workers could not be taken over"),
            }
        }
        // After the jobs of vanished workers are put back: no repository stays in `syncing`.
        told("interrupted repositories could not be reset", reset_interrupted(deps).await);
        let due = due::enqueue_due_syncs(&deps.db, &deps.queue, &deps.polling, now).await;
        told("repositories that are due could not be queued", due.map(drop));
        told(
            "events of branches that are due could not be queued",
            due::enqueue_due_events(&deps.db, &deps.queue, now).await,
        );
        told("wrong times could not be corrected", due::correct(&deps.db, &deps.queue, &deps.polling, now).await);
        let ran = schedule::run_due(&deps.db, &deps.queue, &deps.schedules, deps.time_zone, now).await;
        told("schedules could not be run", ran.map(drop));
    }
}

async fn reset_interrupted(deps: &Deps) -> Result<(), store::db::DataError> {
    if repositories::has_syncing(&deps.db.read).await? {
        repositories::reset_interrupted(&deps.db.write).await?;
    }
    Ok(())
}

fn jumped(last: &Look, now: &Look) -> bool {
    let passed = TimeDelta::from_std(now.at - last.at).unwrap_or_default();
    ((now.by_clock - last.by_clock) - passed).abs() > DRIFT
}

/// Stores how jobs ended: all that ended while the last ones were stored go in one transaction.
async fn finish(
    queue: JobQueue,
    worker: String,
    mut ended: mpsc::UnboundedReceiver<(Ended, oneshot::Sender<Finished>)>,
) {
    let mut waiting = Vec::new();
    while ended.recv_many(&mut waiting, 100).await > 0 {
        let (runs, tell): (Vec<Ended>, Vec<_>) = waiting.drain(..).unzip();
        if let Err(error) = queue.finish_many(&worker, &runs, clock::now()).await {
            warn!(%error, jobs = runs.len(), "the ends of jobs could not be stored; trying one by one");
            for run in &runs {
                finish_one(&queue, &worker, run).await;
            }
        }
        for tell in tell {
            // Who no longer waits is past caring.
            let _ = tell.send(Finished);
        }
    }
}

/// Stores one end, waiting for a database that is away: without it nobody else can take the job over either.
async fn finish_one(queue: &JobQueue, worker: &str, run: &Ended) {
    for _ in 0..FINISH_TRIES {
        match queue.finish_many(worker, std::slice::from_ref(run), clock::now()).await {
            Ok(_) => return,
            Err(error) if error.is_transient() => {
                warn!(%error, job.id = %run.job, "the end of a job could not be stored; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => {
                error!(%error, job.id = %run.job, "the end of a job cannot be stored; it will be run again");
                return;
            }
        }
    }
    error!(job.id = %run.job, "the end of a job could not be stored for minutes; it will be run again");
}
