use chrono::{NaiveDate, NaiveTime};
use entity::kind::{AuditAction, JobRequest};
use uuid::Uuid;

use crate::audit::Object;
use crate::{Actions, Actor, Refusal, Result};

/// Asks for the statistics of stale days and of today; with a day, of all days from there on anew.
///
/// # Errors
/// The refusal.
pub async fn aggregate(ctx: &Actions, actor: &Actor, from: Option<NaiveDate>) -> Result<Uuid> {
    actor.may_to_all(AuditAction::Aggregate)?;
    let now = ctx.now();
    if let Some(day) = from.filter(|day| day.and_time(NaiveTime::MIN).and_utc() > now) {
        return Err(Refusal::Future(day));
    }
    let txn = ctx.db.begin().await?;
    if let Some(day) = from {
        store::ecosystem::mark_stale(&txn, day).await?;
    }
    let request = JobRequest::AggregateDailyEcosystemStats;
    let days = from.map_or_else(|| "stale days".to_owned(), |day| format!("all days from {day}"));
    let object = Object::new("statistics", None, days);
    let job = ctx.ask_in(&txn, actor, AuditAction::Aggregate, object, &request).await?;
    ctx.settle(txn, job).await
}
