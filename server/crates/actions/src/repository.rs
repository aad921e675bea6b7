//! Syncs and scans of repositories, and decisions about them.

use entity::kind::{AuditAction, JobRequest, Priority, RepositoryAction, SyncStatus};
use entity::view::{Live, Repository};
use store::db::DataError;
use store::discovery::{self, Decided};
use store::repositories::{branches_beside, count_syncable, find_repository};
use uuid::Uuid;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// What a block says where nobody gave another reason.
const BY_HAND: &str = "blocked by hand";

/// Something was done with a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The repository as it was before.
    pub repository: Box<Repository>,
    /// The job that was queued, where the action asks for one.
    pub job: Option<Uuid>,
}

/// Whether new work may be done on a repository.
pub(crate) fn may_work(repository: &Repository) -> Result<()> {
    let name = repository.full_name.clone();
    match repository.sync_status {
        _ if !repository.enabled => Err(Refusal::Disabled { name }),
        SyncStatus::Blocked => Err(Refusal::Blocked { name }),
        SyncStatus::PendingApproval => Err(Refusal::PendingApproval { name, reason: repository.sync_error.clone() }),
        SyncStatus::Pending | SyncStatus::Syncing | SyncStatus::Success | SyncStatus::Error => Ok(()),
    }
}

/// Whether a repository may be deleted: one that the configuration names would be back after the next start.
///
/// # Errors
/// The refusal.
pub fn may_delete(repository: &Repository) -> Result<()> {
    match repository.may_be_deleted() {
        true => Ok(()),
        false => Err(Refusal::Configured { name: repository.full_name.clone() }),
    }
}

/// Asks for a sync of one repository. One that is queued already serves for both who asked.
///
/// # Errors
/// The refusal.
pub async fn sync(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Done> {
    work(ctx, actor, AuditAction::SyncRepository, JobRequest::SyncRepository { repository_id: id }, id).await
}

/// Asks for a scan of what is fetched of one repository.
///
/// # Errors
/// The refusal.
pub async fn scan(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Done> {
    work(ctx, actor, AuditAction::ScanRepository, JobRequest::ScanRepository { repository_id: id }, id).await
}

async fn work(ctx: &Actions, actor: &Actor, action: AuditAction, request: JobRequest, id: Uuid) -> Result<Done> {
    actor.may(action)?;
    let repository = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    actor.may_to(action, &repository)?;
    may_work(&repository)?;
    if matches!(request, JobRequest::ScanRepository { .. }) && repository.head_commit.is_none() {
        return Err(Refusal::NeverSynced { name: repository.full_name });
    }
    let job = ctx.ask(actor, action, object(&repository), &request).await?;
    Ok(Done { repository: Box::new(repository), job: Some(job) })
}

/// Does it, in one transaction with the job that follows from it; open pages are told.
///
/// # Errors
/// The refusal.
pub async fn act(ctx: &Actions, actor: &Actor, action: RepositoryAction, id: Uuid) -> Result<Done> {
    if action == RepositoryAction::Sync {
        return sync(ctx, actor, id).await;
    }
    let told = match action {
        RepositoryAction::Approve => AuditAction::ApproveRepository,
        RepositoryAction::Block => AuditAction::BlockRepository,
        RepositoryAction::Delete | RepositoryAction::Sync => AuditAction::DeleteRepository,
    };
    actor.may(told)?;
    let found = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    actor.may_to(told, &found)?;
    if action == RepositoryAction::Delete {
        may_delete(&found)?;
    }
    let now = ctx.now();
    let txn = ctx.db.begin().await?;
    let decided = match action {
        RepositoryAction::Approve => discovery::approve(&txn, id, now).await?,
        RepositoryAction::Block => discovery::block(&txn, id, BY_HAND).await?,
        RepositoryAction::Delete | RepositoryAction::Sync => {
            let removed = discovery::remove_repository_for_good(&txn, id, now).await?;
            removed.map_or(Decided::NotFound, |repository| Decided::Done(Box::new(repository)))
        }
    };
    let repository = match decided {
        Decided::Done(repository) => repository,
        Decided::NotNow(status) => return Err(Refusal::NothingToApprove { name: found.full_name, status }),
        Decided::NotFound => return Err(Refusal::Missing("repository")),
    };
    let job = match action {
        RepositoryAction::Approve => {
            for branch in branches_beside(&txn, id).await? {
                let sync = JobRequest::SyncRepository { repository_id: branch };
                ctx.queue.enqueue_in(&txn, &sync, actor.requested_by(), Priority::CLICK, now).await?;
            }
            let sync = JobRequest::SyncRepository { repository_id: id };
            Some(ctx.queue.enqueue_in(&txn, &sync, actor.requested_by(), Priority::CLICK, now).await?)
        }
        RepositoryAction::Sync | RepositoryAction::Block | RepositoryAction::Delete => None,
    };
    // The days that it was counted in are counted anew without it; nobody has to ask for that.
    if action == RepositoryAction::Delete {
        store::ecosystem::ask_if_stale(&ctx.queue, &txn, now).await?;
    }
    let before = serde_json::json!({ "sync_status": repository.sync_status });
    ctx.tell(&txn, actor, told, object(&repository), Change { before: Some(before), after: None }).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.ring();
    ctx.queue.bus().send(Live::Repository { repository_id: id });
    Ok(Done { repository, job })
}

/// Asks for a sync of every repository that may be synced. Gives the job and how many repositories those are now.
///
/// # Errors
/// The refusal.
pub async fn sync_all(ctx: &Actions, actor: &Actor) -> Result<(Uuid, i64)> {
    actor.may_to_all(AuditAction::SyncRepositories)?;
    let count = count_syncable(&ctx.db.read).await?;
    let request = JobRequest::SyncAllRepositories;
    let all = Object::new("repository", None, format!("{count} repositories"));
    let job = ctx.ask(actor, AuditAction::SyncRepositories, all, &request).await?;
    Ok((job, count))
}

pub(crate) fn object(repository: &Repository) -> Object {
    Object::new("repository", repository.id, repository.full_name.clone())
}
