//! What people ask for with repositories that are here: sync, approve, block, delete. Pages and REST both ask here, so
//! that neither lets through what the other refuses.

use uuid::Uuid;

use super::discovery::{self, Decided};
use super::repositories::{count_syncable, find_repository};
use crate::db::{DataError, Db, Result};
use crate::kind::{JobRequest, Priority, RepositoryAction, RequestedBy, SyncStatus};
use crate::queue::JobQueue;
use crate::view::{Live, Repository, Timestamp};

/// What a block says where nobody gave another reason.
const BY_HAND: &str = "blocked by hand";

/// What came of an action on one repository.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// The repository as it was before; the job that was queued, where the action asks for one.
    Done(Box<Repository>, Option<Uuid>),
    NotFound,
    Refused(Refusal, Box<Repository>),
}

/// Why an action does not fit a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to approve in this state.
    NothingToApprove(SyncStatus),
    /// It would be back after the next start.
    Configured,
    /// The configuration switched it off, or names it no more.
    Disabled,
    Blocked,
    PendingApproval,
}

impl Refusal {
    /// A sentence without its full stop, with what to do.
    #[must_use]
    pub fn text(self, repository: &Repository) -> String {
        let name = &repository.full_name;
        match self {
            Self::NothingToApprove(status) => format!("{name} is neither blocked nor pending approval, but {status}"),
            Self::Configured => format!("{name} stands in the configuration; take it out there, or block it here"),
            Self::Disabled => format!("{name} is switched off in the configuration (enabled: false)"),
            Self::Blocked => format!("{name} is blocked; approve it to have it synced"),
            Self::PendingApproval => {
                let reason = repository.sync_error.as_deref().unwrap_or("no reason is known");
                format!("{name} waits for approval: {reason}")
            }
        }
    }
}

/// Whether new work may be done on a repository.
#[must_use]
pub fn may_work(repository: &Repository) -> Option<Refusal> {
    match repository.sync_status {
        _ if !repository.enabled => Some(Refusal::Disabled),
        SyncStatus::Blocked => Some(Refusal::Blocked),
        SyncStatus::PendingApproval => Some(Refusal::PendingApproval),
        SyncStatus::Pending | SyncStatus::Syncing | SyncStatus::Success | SyncStatus::Error => None,
    }
}

/// Does it, in one transaction with the job that follows from it; open pages are told.
///
/// # Errors
/// If the database fails; nothing is changed then.
pub async fn act(
    db: &Db,
    queue: &JobQueue,
    action: RepositoryAction,
    id: Uuid,
    by: RequestedBy,
    now: Timestamp,
) -> Result<Acted> {
    let Some(found) = find_repository(&db.read, id).await? else { return Ok(Acted::NotFound) };
    let refusal = match action {
        RepositoryAction::Sync => may_work(&found),
        RepositoryAction::Delete if !found.may_be_deleted() => Some(Refusal::Configured),
        RepositoryAction::Approve | RepositoryAction::Block | RepositoryAction::Delete => None,
    };
    if let Some(refusal) = refusal {
        return Ok(Acted::Refused(refusal, Box::new(found)));
    }
    let sync = JobRequest::SyncRepository { repository_id: id };
    if action == RepositoryAction::Sync {
        let job = queue.enqueue(&sync, by, Priority::CLICK, now).await?;
        return Ok(Acted::Done(Box::new(found), Some(job)));
    }
    let txn = db.begin().await?;
    let (decided, job) = match action {
        RepositoryAction::Approve => {
            let decided = discovery::approve(&txn, id, now).await?;
            let job = match decided {
                Decided::Done(_) => Some(queue.enqueue_in(&txn, &sync, by, Priority::CLICK, now).await?),
                _ => None,
            };
            (decided, job)
        }
        RepositoryAction::Block => (discovery::block(&txn, id, BY_HAND).await?, None),
        RepositoryAction::Delete | RepositoryAction::Sync => {
            let removed = discovery::remove_repository_for_good(&txn, id, now).await?;
            (removed.map_or(Decided::NotFound, |repository| Decided::Done(Box::new(repository))), None)
        }
    };
    txn.commit().await.map_err(DataError::from)?;
    match decided {
        Decided::Done(repository) => {
            queue.ring();
            queue.bus().send(Live::Repository { repository_id: id });
            Ok(Acted::Done(repository, job))
        }
        Decided::NotNow(status) => Ok(Acted::Refused(Refusal::NothingToApprove(status), Box::new(found))),
        Decided::NotFound => Ok(Acted::NotFound),
    }
}

/// Asks for a sync of every repository that may be synced. Gives the job and how many repositories those are now.
///
/// # Errors
/// If the database fails.
pub async fn sync_all(db: &Db, queue: &JobQueue, by: RequestedBy, now: Timestamp) -> Result<(Uuid, i64)> {
    let count = count_syncable(&db.read).await?;
    let job = queue.enqueue(&JobRequest::SyncAllRepositories, by, Priority::CLICK, now).await?;
    Ok((job, count))
}
