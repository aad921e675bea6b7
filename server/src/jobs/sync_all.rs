//! Asks for a sync of every repository that may be synced.

use entity::kind::{JobRequest, Priority, RequestedBy};
use store::db::DataError;
use store::repositories;

use super::{Deps, JobContext, JobError};
use crate::clock;

/// So many jobs are queued in one transaction: the writer is never held for long.
const BATCH: usize = 200;

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    let targets = repositories::list_sync_targets(&deps.db.read).await?;
    let wanted = targets.iter().filter(|target| !target.sync_status.is_set_aside()).map(|target| target.id);
    let wanted: Vec<_> = wanted.collect();
    let total = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let mut done = 0;
    for batch in wanted.chunks(BATCH) {
        let now = clock::now();
        let txn = deps.db.begin().await?;
        for id in batch {
            let request = JobRequest::SyncRepository { repository_id: *id };
            deps.queue.enqueue_in(&txn, &request, RequestedBy::Job, Priority::ROUTINE, now).await?;
        }
        txn.commit().await.map_err(DataError::from)?;
        deps.queue.ring();
        done += i64::try_from(batch.len()).unwrap_or(0);
        context.say(deps, &format!("{done} of {total} repositories queued"), Some((done, total))).await;
    }
    Ok(format!("asked for a sync of {total} repositories"))
}
