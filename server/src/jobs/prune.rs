//! Deletes what is kept for a time only. One table of how long, so that nobody has to look for it.

use chrono::TimeDelta;
use entity::view::Timestamp;
use store::{accounts, audit, jobs, mail, scans, watch, workers};

use super::{Deps, JobContext, JobError};
use crate::clock;

/// Finished jobs and their logs are kept for so many days.
const JOB_DAYS: i64 = 30;
/// Syncs that were made by themselves and found nothing new say the same each time: a day of them is enough.
const IDLE_SYNC_DAYS: i64 = 1;
/// Workers that vanished are shown for so many days.
const WORKER_DAYS: i64 = 1;
/// A browser's session that was not used for so long is over by any configuration.
const SESSION_DAYS: i64 = 400;
/// Tries to sign in that were refused, and whatever else was, are told for so many days.
const REFUSED_DAYS: i64 = 90;
/// Mails that were sent, or could not be, are told for so many days.
const MAIL_DAYS: i64 = 14;
/// Webhooks that came in are told for so many days.
const WEBHOOK_DAYS: i64 = 30;
/// So many rows go in one transaction: the writer is never held for long.
const BATCH: u64 = 1_000;

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    let now = clock::now();
    let mut removed = 0;
    for (days, idle_only) in [(IDLE_SYNC_DAYS, true), (JOB_DAYS, false)] {
        let before = now - TimeDelta::days(days);
        loop {
            if context.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            let count = match idle_only {
                true => jobs::remove_idle_syncs_before(&deps.db.write, before, BATCH).await?,
                false => jobs::remove_finished_before(&deps.db.write, before, BATCH).await?,
            };
            removed += count;
            if count < BATCH {
                break;
            }
            context.say(deps, &format!("{removed} old jobs removed"), None).await;
        }
    }
    let workers = workers::remove_vanished(&deps.db.write, now - TimeDelta::days(WORKER_DAYS)).await?;
    // Sessions end by their own time; those that browsers left behind go here.
    let sessions = accounts::prune_sessions(&deps.db.write, now - TimeDelta::days(SESSION_DAYS), now).await?;
    let refused = audit::remove_refused_before(&deps.db.write, now - TimeDelta::days(REFUSED_DAYS)).await?;
    let kept = deps.audit_retention.and_then(|kept| now.checked_sub_signed(TimeDelta::from_std(kept).ok()?));
    let told = match kept {
        Some(since) => audit::remove_audit_entries_before(&deps.db.write, since).await?,
        None => 0,
    };
    let mails = mail::remove_ended_before(&deps.db.write, now - TimeDelta::days(MAIL_DAYS)).await?;
    let events = remove_old_events(deps, context, now).await?;
    let texts = scans::remove_unused_manifests(&deps.db).await?;
    Ok(format!(
        "removed {removed} old jobs, {workers} workers that vanished, {sessions} sessions that ended, {refused} refusals, \
         {told} entries of what people did, {mails} old mails, {events} old events of branches and {texts} manifests of repositories that are gone"
    ))
}

/// Webhooks, events with what they led to, then branches of which nothing is left to tell.
async fn remove_old_events(deps: &Deps, context: &JobContext, now: Timestamp) -> Result<u64, JobError> {
    let webhooks = now - TimeDelta::days(WEBHOOK_DAYS);
    while watch::remove_receipts_before(&deps.db, webhooks, BATCH).await? == BATCH {}
    let kept = deps.watching.keep_events.and_then(|kept| now.checked_sub_signed(TimeDelta::from_std(kept).ok()?));
    let Some(before) = kept else { return Ok(0) };
    let mut removed = 0;
    loop {
        if context.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let count = watch::remove_events_before(&deps.db, before, BATCH).await?;
        removed += count;
        if count < BATCH {
            break;
        }
    }
    while watch::remove_branches_before(&deps.db, before, BATCH).await? == BATCH {}
    Ok(removed)
}
