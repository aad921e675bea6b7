//! How much is watched, and how much of what happened still has to be told.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::branches::is_standing_watched;
use crate::db::select::{count, count_all, sum};
use crate::db::{ConnectionTrait, Result};
use crate::triggers::is_unfinished;
use entity::kind::DeliveryState;
use entity::table::{branch, branch_event, delivery, trigger, trigger_day, watch};
use entity::view::{Timestamp, WatchCounts};

/// Counts for whoever asks how it goes: each of them is of what waits, or is kept.
pub async fn watch_counts(c: &impl ConnectionTrait, now: Timestamp) -> Result<WatchCounts> {
    use delivery::Column::State;
    let waiting = delivery::Entity::find().select_only().column(State).column_as(count_all(), "deliveries");
    let waiting = waiting.filter(is_unfinished()).group_by(State);
    let waiting: HashMap<DeliveryState, i64> = waiting.into_tuple().all(c).await?.into_iter().collect();
    let of = |state| waiting.get(&state).map_or(0, |count| u64::try_from(*count).unwrap_or(0));
    let today = trigger_day::Entity::find().select_only();
    let today = today
        .column_as(sum(trigger_day::Column::Delivered.into_expr()), "delivered")
        .column_as(sum(trigger_day::Column::Failed.into_expr()), "failed")
        .filter(trigger_day::COLUMN.day.eq(crate::triggers::day(now.date_naive())));
    let today: Option<(i64, i64)> = today.into_tuple().one(c).await?;
    let (delivered, failed) = today.unwrap_or_default();
    Ok(WatchCounts {
        repositories: count(c, watch::Entity::find().filter(watch::COLUMN.is_enabled.eq(true))).await?,
        branches: count(c, branch::Entity::find().filter(is_standing_watched())).await?,
        undecided_events: count(c, branch_event::Entity::find().filter(branch_event::COLUMN.due_at.is_not_null()))
            .await?,
        triggers: count(c, trigger::Entity::find()).await?,
        enabled_triggers: count(c, trigger::Entity::find().filter(trigger::COLUMN.is_enabled.eq(true))).await?,
        waiting_deliveries: of(DeliveryState::Pending) + of(DeliveryState::Behind),
        retrying_deliveries: of(DeliveryState::Retrying),
        sending_deliveries: of(DeliveryState::Sending),
        delivered_today: u64::try_from(delivered).unwrap_or(0),
        failed_today: u64::try_from(failed).unwrap_or(0),
    })
}
