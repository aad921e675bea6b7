use entity::kind::AuditAction;
use entity::view::Job;
use store::db::DataError;
use store::jobs::find_job;
use uuid::Uuid;

use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// Calls a job off: one that waits never runs, one that runs stops at its next step.
///
/// # Errors
/// The refusal.
pub async fn cancel(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Job> {
    actor.may_to_all(AuditAction::CancelJob)?;
    let txn = ctx.db.begin().await?;
    let cancelled = ctx.queue.cancel_in(&txn, id, ctx.now()).await?;
    let job = find_job(&txn, id).await?.ok_or(Refusal::Missing("job"))?;
    if !cancelled {
        return Err(Refusal::Ended(job.state));
    }
    let object = Object::new("job", id, job.kind.as_str());
    ctx.tell(&txn, actor, AuditAction::CancelJob, object, Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.announce_cancelled(id).await;
    Ok(job)
}
