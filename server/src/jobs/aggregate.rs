//! Computes the statistics of days: of those that new history has made stale, and of today.

use std::sync::atomic::Ordering;

use store::ecosystem;

use super::{Deps, JobContext, JobError};
use crate::clock;

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
