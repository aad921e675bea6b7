//! Deliveries that are asked for once more, and tests of a trigger.

use entity::kind::AuditAction;
use entity::view::{Delivery, Live, Replayed, Timestamp};
use serde_json::json;
use store::db::DataError;
use store::triggers as stored;
use uuid::Uuid;

use super::{find, object};
use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// So many deliveries are asked for once more at one time.
pub const MOST_REPLAYED: u64 = 1_000;

/// Which of a trigger's finished deliveries are to go out once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Those that were given up since then, or ever: the first of them, where they are more than go out at one time.
    Failed { since: Option<Timestamp> },
    /// All that were made within this time.
    Made { since: Option<Timestamp>, until: Option<Timestamp> },
}

/// Asks for one delivery once more, by its own id; for one that waits for another try, now.
///
/// # Errors
/// The refusal: one that is being sent, or whose turn it is not yet, goes out by itself.
pub async fn replay_one(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Delivery> {
    let action = AuditAction::ReplayDeliveries;
    actor.may(action)?;
    let delivery = stored::find_delivery(&ctx.db.read, id).await?.ok_or(Refusal::Missing("delivery"))?;
    let repository = store::repositories::find_repository(&ctx.db.read, delivery.repository_id).await?;
    actor.may_to(action, &repository.ok_or(Refusal::Missing("delivery"))?)?;
    if !delivery.state.may_be_replayed() {
        return Err(Refusal::Unusable("the delivery goes out by itself: its turn comes".to_owned()));
    }
    let told = Object::new("delivery", id, format!("{} {}", delivery.repository_full_name, delivery.branch_name));
    ctx.tell(&ctx.db.write, actor, action, told, Change::to(json!({ "trigger": delivery.trigger_name }))).await?;
    stored::replay_deliveries(&ctx.db, &[id], ctx.now()).await?;
    moved(ctx, delivery.trigger_id, Some(id));
    stored::find_delivery(&ctx.db.write, id).await?.ok_or(Refusal::Missing("delivery"))
}

/// Asks for finished deliveries of a trigger once more, in their order.
///
/// # Errors
/// The refusal, also where a range holds too many at once.
pub async fn replay(ctx: &Actions, actor: &Actor, trigger: Uuid, which: Replay) -> Result<Replayed> {
    actor.may_to_all(AuditAction::ReplayDeliveries)?;
    let found = find(ctx, trigger).await?;
    let (mut ids, mut change) = match which {
        // Their end can't be narrowed. Those that go out are failed no more, so that who asks again gets the rest.
        Replay::Failed { since } => {
            (failed(ctx, trigger, since, MOST_REPLAYED + 1).await?, json!({ "failed_since": since }))
        }
        Replay::Made { since, until } => {
            if since.zip(until).is_some_and(|(since, until)| since >= until) {
                return Err(Refusal::Unusable("the range ends before it begins".to_owned()));
            }
            let ids = stored::finished_deliveries(&ctx.db.read, trigger, since, until, MOST_REPLAYED + 1).await?;
            if ids.len() as u64 > MOST_REPLAYED {
                let why = format!("more than {MOST_REPLAYED} deliveries are in this range; choose a shorter one");
                return Err(Refusal::Unusable(why));
            }
            (ids, json!({ "since": since, "until": until }))
        }
    };
    if ids.is_empty() {
        return Ok(Replayed::default());
    }
    let has_more = ids.len() as u64 > MOST_REPLAYED;
    ids.truncate(usize::try_from(MOST_REPLAYED).unwrap_or(usize::MAX));
    change["deliveries"] = json!(ids.len());
    let told = object(trigger, &found.name);
    ctx.tell(&ctx.db.write, actor, AuditAction::ReplayDeliveries, told, Change::to(change)).await?;
    let deliveries = stored::replay_deliveries(&ctx.db, &ids, ctx.now()).await?;
    moved(ctx, trigger, None);
    Ok(Replayed { deliveries, has_more })
}

async fn failed(ctx: &Actions, trigger: Uuid, since: Option<Timestamp>, most: u64) -> Result<Vec<Uuid>> {
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(stored::failed_deliveries(&ctx.db.read, trigger, since, most).await?)
}

/// How many deliveries of a trigger were given up, as far as they can be asked for at once.
///
/// # Errors
/// The database's.
pub async fn count_failed(ctx: &Actions, trigger: Uuid) -> Result<usize> {
    Ok(failed(ctx, trigger, None, MOST_REPLAYED).await?.len())
}

/// Sends a branch's newest change to a trigger's target, whatever the condition says of it; of a watched branch of which nothing
/// was noticed since it was first seen, that it is there. Where the trigger told that event before, it is told once more by the
/// same id.
///
/// # Errors
/// The refusal: a trigger that is off sends nothing.
pub async fn test(ctx: &Actions, actor: &Actor, trigger: Uuid, branch: Uuid) -> Result<Delivery> {
    actor.may_to_all(AuditAction::TestTrigger)?;
    let found = find(ctx, trigger).await?;
    if !found.is_enabled {
        return Err(Refusal::TriggerOff { name: found.name });
    }
    let nothing = || Refusal::Unusable("nothing was noticed on this branch, and it is gone or not watched".to_owned());
    let txn = ctx.db.begin().await?;
    let event = store::watch::find_or_note_event(&txn, branch).await?.ok_or_else(nothing)?;
    let change = Change::to(json!({ "event": event, "branch": branch }));
    let told = object(trigger, &found.name);
    ctx.tell(&txn, actor, AuditAction::TestTrigger, told, change).await?;
    txn.commit().await.map_err(DataError::from)?;
    let id = stored::tell_anyway(&ctx.db, trigger, event, ctx.now()).await?.ok_or_else(nothing)?;
    moved(ctx, trigger, Some(id));
    stored::find_delivery(&ctx.db.write, id).await?.ok_or(Refusal::Missing("delivery"))
}

/// Wakes who sends, and tells open pages.
fn moved(ctx: &Actions, trigger_id: Uuid, delivery_id: Option<Uuid>) {
    ctx.queue.bell().ring_for_deliveries();
    ctx.queue.bus().send(Live::Trigger { trigger_id, delivery_id });
}
