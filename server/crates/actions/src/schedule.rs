use entity::kind::{AuditAction, JobRequest};
use store::schedules::{find_schedule_kind, list_schedules, record_triggered};
use uuid::Uuid;

use crate::audit::Object;
use crate::{Actions, Actor, Refusal, Result, discover};

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
    let job = match request {
        JobRequest::DiscoverRepositories => discover(ctx, actor).await?,
        request => ctx.ask(actor, AuditAction::TriggerSchedule, Object::new("schedule", None, name), &request).await?,
    };
    record_triggered(&ctx.db.write, name, job, ctx.now()).await?;
    Ok(job)
}
