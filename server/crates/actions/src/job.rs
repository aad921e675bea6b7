use entity::kind::AuditAction;
use entity::view::Job;
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
    let cancelled = ctx.queue.cancel(id, ctx.now()).await?;
    match find_job(&ctx.db.read, id).await? {
        None => Err(Refusal::Missing("job")),
        Some(job) if !cancelled => Err(Refusal::Ended(job.state)),
        Some(job) => {
            let object = Object::new("job", id, job.kind.as_str());
            ctx.tell(&ctx.db.write, actor, AuditAction::CancelJob, object, Change::NONE).await?;
            Ok(job)
        }
    }
}
