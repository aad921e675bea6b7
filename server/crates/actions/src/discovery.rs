use entity::kind::{AuditAction, JobRequest};
use uuid::Uuid;

use crate::audit::Object;
use crate::{Actions, Actor, Refusal, Result};

/// Asks for discovery, where it is switched on.
///
/// # Errors
/// The refusal.
pub async fn discover(ctx: &Actions, actor: &Actor) -> Result<Uuid> {
    let object = may_discover(ctx, actor)?;
    ctx.ask(actor, AuditAction::Discover, object, &JobRequest::DiscoverRepositories).await
}

/// Whether somebody may ask for it now; what is told of then.
pub(crate) fn may_discover(ctx: &Actions, actor: &Actor) -> Result<Object> {
    actor.may_to_all(AuditAction::Discover)?;
    match (ctx.outside.discovery_is_on)() {
        true => Ok(Object::new("discovery", None, "all forges")),
        false => Err(Refusal::DiscoveryOff),
    }
}
