//! Computes the statistics of days: of those that new history has made stale, and of today.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use entity::kind::{JobRequest, Priority, RequestedBy};
use store::ecosystem;
use uuid::Uuid;

use super::{Deps, JobContext, JobError};
use crate::clock;

/// Scans that end within so many seconds are counted together.
const WAIT_SECONDS: i64 = 10;

/// Asks for the days that new history made stale; many scans at once ask once.
pub(super) async fn ask(deps: &Deps) -> Result<Uuid, JobError> {
    let now = clock::now();
    let request = JobRequest::AggregateDailyEcosystemStats;
    let run_at = now + TimeDelta::seconds(WAIT_SECONDS);
    Ok(deps.queue.enqueue_at(&request, RequestedBy::Job, Priority::ROUTINE, now, run_at).await?)
}

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    let now = clock::now();
    let plan = ecosystem::plan(&deps.db.read, now).await?;
    let (mut done, total) = (0, plan.days());
    for step in plan.steps.iter().copied() {
        if context.cancel.load(Ordering::Relaxed) {
            return Err(JobError::Cancelled);
        }
        done += i64::try_from(ecosystem::run_step(&deps.db, &plan, step, now).await?).unwrap_or(0);
        context.say(deps, &format!("computed {done} of {total} days"), Some((done, total))).await;
    }
    ecosystem::finish(&deps.db, &plan).await?;
    Ok(match plan.steps.last() {
        Some((first, _)) => format!("computed {done} days, from {first} on"),
        None => "there is no repository yet".to_owned(),
    })
}
