//! One run of a job: its handler, its lease, what it says, how it ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::kind::LogLevel;
use futures::FutureExt as _;
use store::db::DataError;
use store::queue::{ClaimedJob, Ended, Outcome, caused_by};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, info, info_span, warn};

use super::aside::Aside;
use super::{Deps, JobContext, handle};
use crate::{clock, telemetry};

/// A job that says nothing for this long is taken over.
pub(super) const LEASE: Duration = Duration::from_mins(1);
/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(15);
/// How often a job's progress is stored and it is asked whether to stop.
const TICK: Duration = Duration::from_millis(250);
/// How often its log is stored.
const LOG: Duration = Duration::from_secs(1);

/// Says that the end of a job is stored.
pub(super) struct Finished;

pub(super) async fn run_job(
    deps: Deps,
    worker: String,
    job: ClaimedJob,
    ending: Arc<AtomicBool>,
    aside: Aside,
    finished: mpsc::UnboundedSender<(Ended, oneshot::Sender<Finished>)>,
) {
    let kind = job.request.kind();
    let span = info_span!("job", job.id = %job.id, job.kind = %kind, repository.id = tracing::field::Empty);
    if let Some(repository) = job.request.repository_id() {
        span.record("repository.id", tracing::field::display(repository));
    }
    telemetry::continue_trace(&span, job.traceparent.as_deref());
    telemetry::name(&span, || format!("job {kind}"), Vec::new);
    // What this job asks for goes on with the same trace; where nobody traces here, with the one that it came from.
    let cause = telemetry::traceparent(&span).or_else(|| job.traceparent.clone());
    let work = async {
        let started = std::time::Instant::now();
        let context = JobContext::beside(job.id, aside);
        let _entered = deps.queue.running().enter(job.id, context.cancel.clone());
        let work = std::panic::AssertUnwindSafe(handle(&deps, &context, &job.request)).catch_unwind();
        let outcome = tokio::select! {
            result = work => match result {
                Ok(Ok(said)) => Outcome::Succeeded(said),
                Ok(Err(error)) => error.into_outcome(),
                Err(_) => Outcome::Retry("the handler panicked; the program's log has the details".to_owned()),
            },
            never = hold(&deps, &worker, &context, &ending) => match never {},
        };
        // A job that stops because the program ends is not cancelled: it goes on after the restart.
        let outcome = match outcome {
            Outcome::Cancelled if ending.load(Ordering::Relaxed) => {
                Outcome::Later("the program stopped; the work goes on".to_owned(), clock::now())
            }
            outcome => outcome,
        };
        let took = started.elapsed();
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let tried = format!("try {} on {worker}", job.attempts);
        match &outcome {
            Outcome::Succeeded(result) => info!(duration_ms, result, "job done"),
            Outcome::Retry(reason) | Outcome::Later(reason, _) => {
                warn!(duration_ms, reason, "job to be tried again");
                context.note(LogLevel::Warn, &format!("{tried} ended after {duration_ms} ms: {reason}"));
            }
            Outcome::GiveUp(reason) => {
                warn!(duration_ms, reason, "job failed");
                context.note(LogLevel::Error, &format!("{tried} failed after {duration_ms} ms: {reason}"));
            }
            Outcome::Cancelled => {
                info!(duration_ms, "job cancelled");
                context.note(LogLevel::Warn, &format!("{tried} was cancelled after {duration_ms} ms"));
            }
        }
        // A short run that went well has its result to tell of it; thousands of those are not worth a row each.
        let mut log = context.take_lines();
        if matches!(outcome, Outcome::Succeeded(_)) && took < LOG && !context.matters() {
            log.clear();
        }
        let (tell, told) = oneshot::channel();
        if finished.send((Ended { job: job.id, outcome, log }, tell)).is_ok() {
            let _ = told.await;
        }
    }
    .instrument(span);
    caused_by(cause, work).await;
}

/// Renews the lease and stores what the job says for as long as it runs; tells it to stop when it is no longer ours or
/// the program ends.
async fn hold(deps: &Deps, worker: &str, context: &JobContext, ending: &AtomicBool) -> Infallible {
    let (mut since_renewed, mut since_logged) = (Duration::ZERO, Duration::ZERO);
    loop {
        tokio::time::sleep(TICK).await;
        since_renewed += TICK;
        since_logged += TICK;
        if ending.load(Ordering::Relaxed) {
            context.cancel.store(true, Ordering::Relaxed);
        }
        if let Some((text, progress)) = context.take_progress() {
            let (done, total) = progress.unzip();
            if let Err(error) = deps.queue.progress(context.id, &text, done, total).await {
                tracing::debug!(%error, "progress could not be stored");
            }
        }
        if since_logged >= LOG {
            since_logged = Duration::ZERO;
            if let Err(error) = deps.queue.append_log(context.id, &context.take_lines()).await {
                warn!(%error, "lines of a job's log could not be stored");
            }
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
