//! Removing a trigger with all that it told, which may be a lot.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Condition, LockBehavior, LockType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::deliveries::state_of;
use crate::db::select::is_any;
use crate::db::{Db, Result, Transaction};
use crate::secrets::{of_sink, of_trigger, remove_secret};
use entity::kind::{BranchEventState, DeliveryState};
use entity::table::{branch_event, delivery, trigger};
use entity::view::Timestamp;

/// So many deliveries go in one transaction, so that others get their turn.
const CHUNK: u64 = 500;

/// Removes a trigger with its secrets and all that it told; whether there was one that may be removed. Those that are written
/// in the configuration may not. It is off from the beginning: killed in the middle, it is removed by asking again.
pub async fn remove_trigger(db: &Db, id: Uuid, now: Timestamp) -> Result<bool> {
    use trigger::COLUMN;
    let off = trigger::ActiveModel { is_enabled: Set(false), changed_at: Set(now.into()), ..Default::default() };
    let may_be = Condition::any().add(COLUMN.is_configured.eq(false)).add(COLUMN.unconfigured_at.is_not_null());
    let off = trigger::Entity::update_many().set(off).filter(COLUMN.id.eq(id)).filter(may_be.clone());
    if off.exec(&db.write).await?.rows_affected == 0 {
        return Ok(false);
    }
    loop {
        let txn = db.begin().await?;
        // Whoever works on a delivery of it holds the trigger first.
        let held = trigger::Entity::find_by_id(id).select_only().column(trigger::Column::Id).filter(may_be.clone());
        if held.lock(LockType::Update).into_tuple::<Uuid>().one(&txn).await?.is_none() {
            return Ok(false);
        }
        if remove_deliveries(&txn, id).await? > 0 {
            txn.commit().await?;
            continue;
        }
        trigger::Entity::delete_by_id(id).exec(&txn).await?;
        for kept in [of_trigger(id), of_sink(id)] {
            remove_secret(&txn, &kept).await?;
        }
        txn.commit().await?;
        return Ok(true);
    }
}

/// Removes some deliveries of a trigger, and says of their events what that leaves; how many.
async fn remove_deliveries(txn: &Transaction, trigger: Uuid) -> Result<usize> {
    use delivery::Column::{EventId, Id, TriggerId};
    let some = delivery::Entity::find().select_only().columns([Id, EventId]).filter(TriggerId.eq(trigger));
    // Those of a repository that is removed right now go with it.
    let some = some.order_by_asc(Id).limit(CHUNK).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let some: Vec<(Uuid, Uuid)> = some.into_tuple().all(txn).await?;
    let ids = is_any(Id.into_expr(), some.iter().map(|(id, _)| *id));
    delivery::Entity::delete_many().filter(ids).exec(txn).await?;
    refresh_events(txn, some.iter().map(|(_, event)| *event).collect()).await?;
    Ok(some.len())
}

/// The states of events follow from what is left of their deliveries.
async fn refresh_events(txn: &Transaction, events: BTreeSet<Uuid>) -> Result<()> {
    use branch_event::Column::{Error, Id};
    use delivery::Column::{EventId, State};
    // Held first: whoever ends another delivery of one of them is waited for, and what it left is seen.
    let held = branch_event::Entity::find().select_only().columns([Id, Error]);
    let held = held.filter(is_any(Id.into_expr(), events)).order_by_asc(Id).lock(LockType::NoKeyUpdate);
    let events: Vec<(Uuid, Option<String>)> = held.into_tuple().all(txn).await?;
    // Of which something that a trigger asked for stayed unknown.
    let in_part: BTreeSet<Uuid> = events.iter().filter(|(_, error)| error.is_some()).map(|(id, _)| *id).collect();
    let events: Vec<Uuid> = events.into_iter().map(|(id, _)| id).collect();
    let left = delivery::Entity::find().select_only().columns([EventId, State]).distinct();
    let left = left.filter(is_any(EventId.into_expr(), events.iter().copied()));
    let mut states: BTreeMap<Uuid, Vec<DeliveryState>> = events.into_iter().map(|id| (id, Vec::new())).collect();
    for (event, state) in left.into_tuple::<(Uuid, DeliveryState)>().all(txn).await? {
        states.entry(event).or_default().push(state);
    }
    let mut by_state = BTreeMap::<BranchEventState, Vec<Uuid>>::new();
    for (event, states) in states {
        by_state.entry(state_of(&states, !in_part.contains(&event))).or_default().push(event);
    }
    for (state, events) in by_state {
        let row = branch_event::ActiveModel { state: Set(state), ..Default::default() };
        let update = branch_event::Entity::update_many().set(row).filter(is_any(Id.into_expr(), events));
        update.filter(branch_event::COLUMN.due_at.is_null()).exec(txn).await?;
    }
    Ok(())
}
