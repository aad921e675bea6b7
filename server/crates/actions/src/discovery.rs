use entity::kind::{JobRequest, Priority};
use uuid::Uuid;

use crate::{Actions, Actor, Refusal, Result};

/// Asks for discovery, where it is switched on.
///
/// # Errors
/// The refusal.
pub async fn discover(ctx: &Actions, actor: Actor) -> Result<Uuid> {
    if !ctx.outside.discovery_is_on {
        return Err(Refusal::DiscoveryOff);
    }
    let request = JobRequest::DiscoverRepositories;
    Ok(ctx.queue.enqueue(&request, actor.requested_by(), Priority::CLICK, ctx.now()).await?)
}
