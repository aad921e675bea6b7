//! Times that no wait reaches, as the clock stood ahead when they were stored: whoever believed them would wait as long.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::claim::{LONGEST_TIMEOUT, MARGIN};
use super::deliveries::{is_sending, is_waiting};
use crate::db::{Db, Result};
use crate::queue::{CLOCKS_DIFFER, lease_end};
use entity::table::{branch_event, delivery, trigger};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{Pace, Timestamp};

/// Neither a delivery nor an event waits longer: no target or forge is waited for longer than a day.
const FURTHEST_WAIT: TimeDelta = TimeDelta::hours(25);
/// So many rows of one kind are corrected at a time, each by a statement of its own, so that nobody waits for them.
const AT_ONCE: u64 = 500;

/// Has deliveries and events wait no longer than they may from now on, and triggers be changed no later than now; how many times
/// were wrong.
pub async fn correct_ahead(db: &Db, now: Timestamp) -> Result<u64> {
    let waiting = correct_tries(db, now).await? + correct_leases(db, now).await?;
    Ok(waiting + correct_events(db, now).await? + correct_changes(db, now).await?)
}

/// Deliveries that wait for their next try.
async fn correct_tries(db: &Db, now: Timestamp) -> Result<u64> {
    use delivery::Column::{Id, NextTryAt};
    let is_ahead = || NextTryAt.gt(StoredTimestamp::from(now + FURTHEST_WAIT));
    let ahead = delivery::Entity::find().select_only().column(Id).filter(is_waiting()).filter(is_ahead());
    let ahead: Vec<Uuid> = ahead.limit(AT_ONCE).into_tuple().all(&db.read).await?;
    let mut corrected = 0;
    for id in ahead {
        let due = delivery::ActiveModel { next_try_at: Set(Some(now.into())), ..Default::default() };
        let due = delivery::Entity::update_many().set(due).filter(delivery::COLUMN.id.eq(id)).filter(is_ahead());
        corrected += due.exec(&db.write).await?.rows_affected;
    }
    Ok(corrected)
}

/// Deliveries that a worker holds, for as long as its target's timeout and a minute: it may be alive.
async fn correct_leases(db: &Db, now: Timestamp) -> Result<u64> {
    use delivery::Column::{Id, LeaseUntil};
    let is_after = |most: Timestamp| LeaseUntil.gt(StoredTimestamp::from(most + CLOCKS_DIFFER));
    let held = delivery::Entity::find().inner_join(trigger::Entity).select_only().column(Id);
    let held = held.column(trigger::Column::Pace).filter(is_sending()).filter(is_after(lease_end(now, MARGIN)));
    let held: Vec<(Uuid, JsonText<Pace>)> = held.limit(AT_ONCE).into_tuple().all(&db.read).await?;
    let mut corrected = 0;
    for (id, pace) in held {
        let timeout = Duration::from_millis(pace.0.timeout_ms).min(LONGEST_TIMEOUT);
        let most = lease_end(now, timeout + MARGIN);
        let ends = delivery::ActiveModel { lease_until: Set(Some(most.into())), ..Default::default() };
        let ends = delivery::Entity::update_many().set(ends).filter(delivery::COLUMN.id.eq(id));
        corrected += ends.filter(is_sending()).filter(is_after(most)).exec(&db.write).await?.rows_affected;
    }
    Ok(corrected)
}

/// Events that wait for their decision, or for their commit to be read.
async fn correct_events(db: &Db, now: Timestamp) -> Result<u64> {
    use branch_event::Column::{DueAt, FactsDueAt, Id};
    let mut corrected = 0;
    for waits in [DueAt, FactsDueAt] {
        let is_ahead = || waits.gt(StoredTimestamp::from(now + FURTHEST_WAIT));
        let ahead = branch_event::Entity::find().select_only().column(Id).filter(is_ahead());
        let ahead: Vec<Uuid> = ahead.limit(AT_ONCE).into_tuple().all(&db.read).await?;
        for id in ahead {
            let due = branch_event::Entity::update_many().col_expr(waits, Expr::val(StoredTimestamp::from(now)));
            let due = due.filter(branch_event::COLUMN.id.eq(id)).filter(is_ahead());
            corrected += due.exec(&db.write).await?.rows_affected;
        }
    }
    Ok(corrected)
}

/// Triggers that were changed: what came of attempts since then would count for nothing until that time.
async fn correct_changes(db: &Db, now: Timestamp) -> Result<u64> {
    use trigger::Column::{ChangedAt, Id};
    let is_ahead = || ChangedAt.gt(StoredTimestamp::from(now + CLOCKS_DIFFER));
    let ahead: Vec<Uuid> =
        trigger::Entity::find().select_only().column(Id).filter(is_ahead()).into_tuple().all(&db.read).await?;
    let mut corrected = 0;
    for id in ahead {
        let changed = trigger::ActiveModel { changed_at: Set(now.into()), ..Default::default() };
        let changed = trigger::Entity::update_many().set(changed).filter(trigger::COLUMN.id.eq(id)).filter(is_ahead());
        corrected += changed.exec(&db.write).await?.rows_affected;
    }
    Ok(corrected)
}
