//! Deletes what is kept for a time only. One table of how long, so that nobody has to look for it.

use chrono::TimeDelta;
use entity::query::jobs;

use super::{Deps, JobContext, JobError};
use crate::clock;

/// Finished jobs and their logs are kept for so many days.
const JOB_DAYS: i64 = 30;
/// So many rows go in one transaction: the writer is never held for long.
const BATCH: u64 = 1_000;

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    let before = clock::now() - TimeDelta::days(JOB_DAYS);
    let mut removed = 0;
    loop {
        let count = jobs::remove_finished_before(&deps.db.write, before, BATCH).await?;
        removed += count;
        if count < BATCH {
            break;
        }
        context.say(deps, &format!("{removed} old jobs removed"), None).await;
    }
    Ok(format!("removed {removed} jobs that ended more than {JOB_DAYS} days ago"))
}
