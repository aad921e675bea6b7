use chrono::{NaiveDate, NaiveTime};
use entity::kind::{JobRequest, Priority};
use uuid::Uuid;

use crate::{Actions, Actor, Refusal, Result};

/// Asks for the statistics of stale days and of today; with a day, of all days from there on anew.
///
/// # Errors
/// The refusal.
pub async fn aggregate(ctx: &Actions, actor: Actor, from: Option<NaiveDate>) -> Result<Uuid> {
    let now = ctx.now();
    if let Some(day) = from {
        if day.and_time(NaiveTime::MIN).and_utc() > now {
            return Err(Refusal::Future(day));
        }
        store::ecosystem::mark_stale(&ctx.db.write, day).await?;
    }
    let request = JobRequest::AggregateDailyEcosystemStats;
    Ok(ctx.queue.enqueue(&request, actor.requested_by(), Priority::CLICK, now).await?)
}
