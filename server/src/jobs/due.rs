use std::time::Duration;

use entity::db::DataError;
use entity::kind::{JobRequest, Origin, Priority, RequestedBy, SyncStatus};
use entity::query::repositories;
use entity::view::Timestamp;

use super::Deps;

/// Queues a sync for every repository whose interval has passed. Samples never change and are synced once.
pub(super) async fn enqueue_due_syncs(deps: &Deps, now: Timestamp) -> Result<(), DataError> {
    for target in repositories::list_sync_targets(&deps.db.read).await? {
        let set_aside = matches!(target.sync_status, SyncStatus::Blocked | SyncStatus::PendingApproval);
        if !target.enabled || set_aside || target.sync_status == SyncStatus::Syncing {
            continue;
        }
        let interval = target
            .polling_interval_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(deps.polling.interval, Duration::from_secs);
        let due = match target.last_sync_at {
            None => true,
            Some(_) if target.origin == Origin::Sample => false,
            Some(last) => (now - last).to_std().is_ok_and(|since| since >= interval),
        };
        if due {
            let request = JobRequest::SyncRepository { repository_id: target.id };
            deps.queue.enqueue(&request, RequestedBy::Schedule, Priority::ROUTINE, now).await?;
        }
    }
    Ok(())
}
