//! Triggers: who is told of which events, what each is told, and what came of it.

mod attempts;
mod claim;
mod decide;
mod deliveries;

use chrono::{Days, NaiveDate};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result, new_id};
use crate::repositories::shorten;
use entity::table::{trigger, trigger_day};
use entity::value::JsonText;
use entity::view::{Condition, Pace, Target, Timestamp, Trigger, TriggerDay};

pub use attempts::{Attempt, AttemptEnd, Recorded, record_attempt, recover_deliveries, replay_deliveries};
pub use claim::{ClaimedDelivery, DeliveryRoom, claim_deliveries, next_delivery_at};
pub use decide::{Decision, decide};
pub use deliveries::{find_deliveries, find_delivery, list_attempts, list_deliveries};

/// So many days of a trigger are shown.
const DAYS: u64 = 30;

/// A trigger as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTrigger {
    pub name: String,
    pub is_enabled: bool,
    pub condition: Condition,
    pub target: Target,
    pub pace: Pace,
}

impl NewTrigger {
    fn row(&self, now: Timestamp) -> trigger::ActiveModel {
        trigger::ActiveModel {
            name: Set(self.name.clone()),
            is_enabled: Set(self.is_enabled),
            condition: Set(JsonText(self.condition.clone())),
            target_kind: Set(self.target.kind()),
            target: Set(JsonText(self.target.clone())),
            pace: Set(JsonText(self.pace.clone())),
            changed_at: Set(now.into()),
            disabled_reason: Set(None),
            ..Default::default()
        }
    }
}

/// A trigger as events are held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledTrigger {
    pub id: Uuid,
    pub name: String,
    pub condition: Condition,
}

/// Keeps a trigger; its name must be new ([`crate::DataError::is_taken`]).
pub async fn insert_trigger(w: &impl ConnectionTrait, new: &NewTrigger, now: Timestamp) -> Result<Uuid> {
    insert(w, new, false, now).await
}

async fn insert(w: &impl ConnectionTrait, new: &NewTrigger, is_configured: bool, now: Timestamp) -> Result<Uuid> {
    let id = new_id(now);
    let row = trigger::ActiveModel {
        id: Set(id),
        is_configured: Set(is_configured),
        created_at: Set(now.into()),
        failures_in_row: Set(0),
        last_delivery_at: Set(None),
        last_error: Set(None),
        ..new.row(now)
    };
    trigger::Entity::insert(row).exec_without_returning(w).await?;
    Ok(id)
}

/// Changes a trigger that was not written in the configuration; whether there is one.
pub async fn update_trigger(w: &impl ConnectionTrait, id: Uuid, to: &NewTrigger, now: Timestamp) -> Result<bool> {
    let update = trigger::Entity::update_many().set(to.row(now)).filter(trigger::COLUMN.id.eq(id));
    Ok(update.filter(trigger::COLUMN.is_configured.eq(false)).exec(w).await?.rows_affected > 0)
}

/// Switches a trigger on or off; whether there is one. What it still has to tell waits meanwhile.
pub async fn switch_trigger(w: &impl ConnectionTrait, id: Uuid, on: bool, now: Timestamp) -> Result<bool> {
    let row = trigger::ActiveModel {
        is_enabled: Set(on),
        disabled_reason: Set(None),
        changed_at: Set(now.into()),
        ..Default::default()
    };
    Ok(trigger::Entity::update_many().set(row).filter(trigger::COLUMN.id.eq(id)).exec(w).await?.rows_affected > 0)
}

/// A target said that it is gone for good: its trigger is off, and says why.
pub(super) async fn retire(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    let row = trigger::ActiveModel {
        is_enabled: Set(false),
        disabled_reason: Set(Some(shorten(reason))),
        changed_at: Set(now.into()),
        ..Default::default()
    };
    trigger::Entity::update_many().set(row).filter(trigger::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// Removes a trigger that was not written in the configuration, with all that it told; whether there was one.
pub async fn remove_trigger(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    let removed = trigger::Entity::delete_many().filter(trigger::COLUMN.id.eq(id));
    Ok(removed.filter(trigger::COLUMN.is_configured.eq(false)).exec(w).await?.rows_affected > 0)
}

/// Brings in the configuration's triggers, matched by name. Those that are no longer written there are off; what they told
/// stays. Ids in the order given. Wants a transaction.
pub async fn pin_triggers(w: &impl ConnectionTrait, wanted: &[NewTrigger], now: Timestamp) -> Result<Vec<Uuid>> {
    let configured: Vec<trigger::Model> =
        trigger::Entity::find().filter(trigger::COLUMN.is_configured.eq(true)).all(w).await?;
    let mut ids = Vec::with_capacity(wanted.len());
    for new in wanted {
        let known = configured.iter().find(|known| known.name == new.name);
        ids.push(match known {
            // A target that is gone stays off until what is written about it changes.
            Some(known) if same(known, new) && known.disabled_reason.is_some() => known.id,
            Some(known) if same(known, new) && known.is_enabled == new.is_enabled => known.id,
            Some(known) => {
                let update = trigger::Entity::update_many().set(new.row(now));
                update.filter(trigger::COLUMN.id.eq(known.id)).exec(w).await?;
                known.id
            }
            None => insert(w, new, true, now).await?,
        });
    }
    let off = trigger::Entity::update_many().col_expr(trigger::Column::IsEnabled, Expr::val(false));
    let left = configured.iter().filter(|known| !ids.contains(&known.id)).map(|known| known.id);
    off.filter(is_any(trigger::Column::Id.into_expr(), left)).exec(w).await?;
    Ok(ids)
}

fn same(known: &trigger::Model, new: &NewTrigger) -> bool {
    known.condition.0 == new.condition && known.target.0 == new.target && known.pace.0 == new.pace
}

/// Triggers that are on, by name.
pub async fn enabled_triggers(c: &impl ConnectionTrait) -> Result<Vec<EnabledTrigger>> {
    let enabled = trigger::Entity::find().filter(trigger::COLUMN.is_enabled.eq(true));
    let rows = enabled.order_by_asc(trigger::Column::Name).all(c).await?;
    let trigger = |row: trigger::Model| EnabledTrigger { id: row.id, name: row.name, condition: row.condition.0 };
    Ok(rows.into_iter().map(trigger).collect())
}

/// All triggers by name, each with what came of it lately.
pub async fn list_triggers(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Trigger>> {
    let rows = trigger::Entity::find().order_by_asc(trigger::Column::Name).all(c).await?;
    with_days(c, rows, now).await
}

/// One trigger with what came of it lately.
pub async fn find_trigger(c: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<Option<Trigger>> {
    let row = trigger::Entity::find_by_id(id).all(c).await?;
    Ok(with_days(c, row, now).await?.pop())
}

async fn with_days(c: &impl ConnectionTrait, rows: Vec<trigger::Model>, now: Timestamp) -> Result<Vec<Trigger>> {
    use trigger_day::Column::{Day, TriggerId};
    let first = now.date_naive().checked_sub_days(Days::new(DAYS - 1)).unwrap_or_default();
    let days = trigger_day::Entity::find().filter(trigger_day::COLUMN.day.gte(day(first)));
    let days = days.filter(is_any(TriggerId.into_expr(), rows.iter().map(|row| row.id)));
    let days = days.order_by_asc(TriggerId).order_by_asc(Day).all(c).await?;
    let of = |id: Uuid| {
        let days = days.iter().filter(|row| row.trigger_id == id);
        days.map(|row| TriggerDay {
            day: row.day.clone(),
            delivered: row.delivered,
            failed: row.failed,
            attempts: row.attempts,
            failed_attempts: row.failed_attempts,
        })
        .collect()
    };
    let trigger = |row: trigger::Model| Trigger {
        days: of(row.id),
        id: row.id,
        name: row.name,
        is_enabled: row.is_enabled,
        is_configured: row.is_configured,
        condition: row.condition.0,
        target: row.target.0,
        pace: row.pace.0,
        created_at: row.created_at.into(),
        changed_at: row.changed_at.into(),
        disabled_reason: row.disabled_reason,
        failures_in_row: row.failures_in_row,
        last_delivery_at: row.last_delivery_at.map(Into::into),
        last_error: row.last_error,
    };
    Ok(rows.into_iter().map(trigger).collect())
}

fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// What an attempt adds to its day.
#[derive(Clone, Copy, Debug, Default)]
struct DayCount {
    delivered: i64,
    failed: i64,
    attempts: i64,
    failed_attempts: i64,
}

async fn count_day(w: &impl ConnectionTrait, trigger: Uuid, count: DayCount, now: Timestamp) -> Result<()> {
    let row = trigger_day::ActiveModel {
        trigger_id: Set(trigger),
        day: Set(day(now.date_naive())),
        delivered: Set(count.delivered),
        failed: Set(count.failed),
        attempts: Set(count.attempts),
        failed_attempts: Set(count.failed_attempts),
    };
    let add: OnConflict = crate::db::upsert::sum_up::<trigger_day::Entity>();
    trigger_day::Entity::insert(row).on_conflict(add).exec_without_returning(w).await?;
    Ok(())
}
