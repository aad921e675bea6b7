use entity::kind::{AuditAction, JobRequest};
use store::schedules::{find_schedule_kind, list_schedules, record_triggered};
use uuid::Uuid;

use crate::audit::Object;
use crate::discovery::may_discover;
use crate::{Actions, Actor, Refusal, Result};

/// Asks for what a schedule asks for, now.
///
/// # Errors
/// The refusal.
pub async fn trigger(ctx: &Actions, actor: &Actor, name: &str) -> Result<Uuid> {
    actor.may_to_all(AuditAction::TriggerSchedule)?;
    // No name of ours holds one, and PostgreSQL takes none.
    let kind = if name.contains('\0') { None } else { find_schedule_kind(&ctx.db.read, name).await? };
    let Some(request) = kind.and_then(JobRequest::plain) else {
        let known = list_schedules(&ctx.db.read).await?.into_iter().map(|schedule| schedule.name).collect();
        return Err(Refusal::NoSuchSchedule { name: name.to_owned(), known });
    };
    let (action, object) = match request {
        JobRequest::DiscoverRepositories => (AuditAction::Discover, may_discover(ctx, actor)?),
        _ => (AuditAction::TriggerSchedule, Object::new("schedule", None, name)),
    };
    let txn = ctx.db.begin().await?;
    let job = ctx.ask_in(&txn, actor, action, object, &request).await?;
    record_triggered(&txn, name, job, ctx.now()).await?;
    ctx.settle(txn, job).await
}
