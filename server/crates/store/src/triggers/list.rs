//! Triggers as people see them, with what came of them lately.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::kind::TargetKind;
use entity::table::{trigger, trigger_day};
use entity::value::JsonText;
use entity::view::{Condition, Target, Timestamp, Trigger, TriggerDay};

/// So many days of a trigger are shown.
const DAYS: u64 = 30;

/// A trigger as events are held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledTrigger {
    pub id: Uuid,
    pub name: String,
    pub condition: Condition,
    pub target_kind: TargetKind,
}

/// Triggers that are on, by name.
pub async fn enabled_triggers(c: &impl ConnectionTrait) -> Result<Vec<EnabledTrigger>> {
    use trigger::Column::{Condition as Asked, Id, Name, TargetKind as Kind};
    let enabled = trigger::Entity::find().filter(trigger::COLUMN.is_enabled.eq(true)).select_only();
    let rows: Vec<(Uuid, String, JsonText<Condition>, TargetKind)> =
        enabled.columns([Id, Name, Asked, Kind]).order_by_asc(Name).into_tuple().all(c).await?;
    let trigger = |(id, name, condition, target_kind): (Uuid, String, JsonText<Condition>, TargetKind)| {
        EnabledTrigger { id, name, condition: condition.0, target_kind }
    };
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
    let mut by_trigger = HashMap::<Uuid, Vec<TriggerDay>>::new();
    for row in days.order_by_asc(TriggerId).order_by_asc(Day).all(c).await? {
        by_trigger.entry(row.trigger_id).or_default().push(TriggerDay {
            day: row.day,
            delivered: row.delivered,
            failed: row.failed,
            attempts: row.attempts,
            failed_attempts: row.failed_attempts,
        });
    }
    let trigger = |row: trigger::Model| Trigger {
        days: by_trigger.remove(&row.id).unwrap_or_default(),
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
        unconfigured_at: row.unconfigured_at.map(Into::into),
        failures_in_row: row.failures_in_row,
        last_delivery_at: row.last_delivery_at.map(Into::into),
        last_error: row.last_error,
    };
    Ok(rows.into_iter().map(trigger).collect())
}

/// A day as it is kept.
pub(crate) fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// What an attempt adds to its day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DayCount {
    pub delivered: i64,
    pub failed: i64,
    pub attempts: i64,
    pub failed_attempts: i64,
}

pub(super) async fn count_day(w: &impl ConnectionTrait, trigger: Uuid, count: DayCount, now: Timestamp) -> Result<()> {
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

/// Whom a trigger tells now.
pub async fn find_target(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Target>> {
    let target = trigger::Entity::find_by_id(id).select_only().column(trigger::Column::Target);
    let target: Option<JsonText<Target>> = target.into_tuple().one(c).await?;
    Ok(target.map(|target| target.0))
}

/// The same, which nobody changes or removes until the transaction ends.
pub async fn hold_target(w: &impl ConnectionTrait, id: Uuid) -> Result<Option<Target>> {
    let target = trigger::Entity::find_by_id(id).select_only().column(trigger::Column::Target);
    let target: Option<JsonText<Target>> = target.lock(LockType::NoKeyUpdate).into_tuple().one(w).await?;
    Ok(target.map(|target| target.0))
}
