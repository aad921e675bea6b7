use entity::kind::{AuditAction, JobRequest};
use uuid::Uuid;

use crate::audit::Object;
use crate::{Actions, Actor, Refusal, Result};

/// Asks for discovery, where it is switched on.
///
/// # Errors
/// The refusal.
pub async fn discover(ctx: &Actions, actor: &Actor) -> Result<Uuid> {
    actor.may_to_all(AuditAction::Discover)?;
    if !(ctx.outside.discovery_is_on)() {
        return Err(Refusal::DiscoveryOff);
    }
    let request = JobRequest::DiscoverRepositories;
    ctx.ask(actor, AuditAction::Discover, Object::new("discovery", None, "all forges"), &request).await
}
