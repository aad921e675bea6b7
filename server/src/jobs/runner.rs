//! Claims jobs and runs them, several at once, renewing their leases while they last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::db::DataError;
use entity::kind::JobKind;
use entity::queue::{ClaimedJob, Outcome};
use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info, info_span, warn};

use super::{Deps, JobContext, due, handle};
use crate::clock;

/// A job that says nothing for this long is taken over.
const LEASE: Duration = Duration::from_secs(60);
/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(15);
/// How long the runner sleeps where no bell rings.
const POLL: Duration = Duration::from_secs(5);
/// How often repositories whose time has come are looked for.
const DUE: Duration = Duration::from_secs(15);
/// How long running jobs may take to stop when the program ends.
const GRACE: Duration = Duration::from_secs(20);

/// Works the queue until it is told to stop.
pub struct Runner {
    deps: Deps,
    /// Names this process in the jobs it holds; the same after a restart.
    worker: String,
}

impl Runner {
    /// A runner over these parts.
    #[must_use]
    pub fn new(deps: Deps, worker: String) -> Self {
        Self { deps, worker }
    }

    /// Runs until `stop`, then lets running jobs end in order.
    pub async fn run(self, stop: CancellationToken) {
        match self.deps.queue.recover_own(&self.worker, clock::now()).await {
            Ok(0) => {}
            Ok(jobs) => info!(jobs, "put back jobs that the last run left unfinished"),
            Err(error) => error!(%error, "unfinished jobs of the last run could not be put back"),
        }
        let mut running = JoinSet::new();
        let ending = Arc::new(AtomicBool::new(false));
        let mut last_due = None;
        while !stop.is_cancelled() {
            if last_due.is_none_or(|at: tokio::time::Instant| at.elapsed() >= DUE) {
                last_due = Some(tokio::time::Instant::now());
                self.look_for_due_work().await;
            }
            while running.len() < self.deps.polling.max_workers {
                match self.deps.queue.claim(&self.worker, JobKind::ALL, clock::now(), LEASE).await {
                    Ok(Some(job)) => {
                        drop(running.spawn(run_job(self.deps.clone(), self.worker.clone(), job, ending.clone())))
                    }
                    Ok(None) => break,
                    Err(error) => {
                        error!(%error, "no job could be claimed");
                        break;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.deps.queue.bell().heard() => {}
                _ = running.join_next(), if !running.is_empty() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        ending.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(GRACE, async { while running.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            warn!(jobs = running.len(), "jobs did not stop in time; the next start goes on with them");
        }
    }

    async fn look_for_due_work(&self) {
        if let Err(error) = self.deps.queue.take_over_expired(clock::now()).await {
            error!(%error, "jobs of vanished workers could not be taken over");
        }
        if let Err(error) = due::enqueue_due_syncs(&self.deps, clock::now()).await {
            error!(%error, "repositories that are due could not be queued");
        }
    }
}

async fn run_job(deps: Deps, worker: String, job: ClaimedJob, ending: Arc<AtomicBool>) {
    let kind = job.request.kind();
    let span = info_span!("job", job.id = %job.id, job.kind = %kind, repository.id = tracing::field::Empty);
    if let Some(repository) = job.request.repository_id() {
        span.record("repository.id", tracing::field::display(repository));
    }
    async {
        let started = std::time::Instant::now();
        let context = JobContext { id: job.id, cancel: Arc::new(AtomicBool::new(false)) };
        let work = std::panic::AssertUnwindSafe(handle(&deps, &context, &job.request)).catch_unwind();
        let held = hold(&deps, &worker, &context, &ending);
        let outcome = tokio::select! {
            result = work => match result {
                Ok(Ok(said)) => Outcome::Succeeded(said),
                Ok(Err(error)) => error.into_outcome(),
                Err(_) => Outcome::Retry("the handler panicked; the log has the details".to_owned()),
            },
            never = held => match never {},
        };
        // A job that stops because the program ends is not cancelled: it goes on after the restart.
        let outcome = match outcome {
            Outcome::Cancelled if ending.load(Ordering::Relaxed) => {
                Outcome::Later("the program stopped; the work goes on".to_owned(), clock::now())
            }
            outcome => outcome,
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Outcome::Succeeded(result) => info!(duration_ms, result, "job done"),
            Outcome::Retry(reason) | Outcome::Later(reason, _) => warn!(duration_ms, reason, "job to be tried again"),
            Outcome::GiveUp(reason) => warn!(duration_ms, reason, "job failed"),
            Outcome::Cancelled => info!(duration_ms, "job cancelled"),
        }
        match deps.queue.finish(job.id, &worker, outcome, clock::now()).await {
            Ok(()) | Err(DataError::LostLease { .. }) => {}
            Err(error) => error!(%error, "the end of a job could not be stored; it will be run again"),
        }
    }
    .instrument(span)
    .await;
}

/// Renews the lease for as long as the job runs; tells the job to stop when it is no longer ours or the program ends.
async fn hold(deps: &Deps, worker: &str, context: &JobContext, ending: &AtomicBool) -> std::convert::Infallible {
    let mut since_renewed = Duration::ZERO;
    let tick = Duration::from_millis(250);
    loop {
        tokio::time::sleep(tick).await;
        since_renewed += tick;
        if ending.load(Ordering::Relaxed) {
            context.cancel.store(true, Ordering::Relaxed);
        }
        if since_renewed < RENEW {
            continue;
        }
        since_renewed = Duration::ZERO;
        match deps.queue.renew(context.id, worker, clock::now(), LEASE).await {
            Ok(()) => {}
            Err(DataError::LostLease { .. }) => {
                info!("the job was cancelled or taken over; stopping");
                context.cancel.store(true, Ordering::Relaxed);
            }
            Err(error) => warn!(%error, "the lease could not be renewed"),
        }
    }
}
