//! Triggers: who is told of which events, what each is told, and what came of it.

mod again;
mod ahead;
mod attempts;
mod bounds;
mod claim;
mod configured;
mod decide;
mod deliveries;
mod list;
mod past;
mod remove;
mod replay;

use sea_orm::sea_query::Condition as Where;
use sea_orm::{EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use crate::db::{ConnectionTrait, Result, new_id};
use crate::repositories::shorten;
use entity::table::trigger;
use entity::value::JsonText;
use entity::view::{Condition, Pace, Target, Timestamp};

pub use again::{TestBranch, finished_deliveries, list_test_branches, newest_event, tell_anyway};
pub use ahead::correct_ahead;
pub use attempts::{
    Attempt, AttemptEnd, Recorded, lost_deliveries, record_attempt, recover_deliveries, recover_own_deliveries,
};
pub(crate) use bounds::bounded_tekton;
pub use claim::{
    BREAKER, ClaimedDelivery, DeliveryRoom, claim_deliveries, due_deliveries, first_delivery_at, is_telling,
    next_delivery_at,
};
pub use configured::{Pinned, pin_triggers};
pub use decide::{Decision, decide, decide_unknown};
pub use deliveries::{find_delivery, find_progress, list_attempts, list_deliveries};
pub use list::{EnabledTrigger, enabled_triggers, find_target, find_trigger, hold_target, list_triggers};
pub use past::{PastCommit, PastEvent, past_commits, past_events};
pub use remove::remove_trigger;
pub use replay::{Answered, failed_deliveries, find_answered, replay_deliveries, set_run_state};

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
            unconfigured_at: Set(None),
            // What failed before says nothing about what is wanted now.
            failures_in_row: Set(0),
            ..Default::default()
        }
    }

    fn new_row(&self, id: Uuid, is_configured: bool, now: Timestamp) -> trigger::ActiveModel {
        trigger::ActiveModel {
            id: Set(id),
            is_configured: Set(is_configured),
            created_at: Set(now.into()),
            last_delivery_at: Set(None),
            last_error: Set(None),
            ..self.row(now)
        }
    }
}

/// Keeps a trigger; its name must be new ([`crate::DataError::is_taken`]).
pub async fn insert_trigger(w: &impl ConnectionTrait, new: &NewTrigger, now: Timestamp) -> Result<Uuid> {
    let id = new_id(now);
    trigger::Entity::insert(new.new_row(id, false, now)).exec_without_returning(w).await?;
    Ok(id)
}

/// Changes a trigger that was not written in the configuration; whether there is one.
pub async fn update_trigger(w: &impl ConnectionTrait, id: Uuid, to: &NewTrigger, now: Timestamp) -> Result<bool> {
    let update = trigger::Entity::update_many().set(to.row(now)).filter(trigger::COLUMN.id.eq(id));
    Ok(update.filter(trigger::COLUMN.is_configured.eq(false)).exec(w).await?.rows_affected > 0)
}

/// Switches a trigger on or off; whether there is one that may be. The configuration alone switches those that are written
/// there, but one that is off because its target was gone may be switched on again. What a trigger that is off still has to
/// tell waits.
pub async fn switch_trigger(w: &impl ConnectionTrait, id: Uuid, on: bool, now: Timestamp) -> Result<bool> {
    use trigger::COLUMN;
    let mut row = trigger::ActiveModel {
        is_enabled: Set(on),
        disabled_reason: Set(None),
        changed_at: Set(now.into()),
        ..Default::default()
    };
    if on {
        row.failures_in_row = Set(0);
    }
    let retired = Where::all().add(COLUMN.disabled_reason.is_not_null()).add(COLUMN.unconfigured_at.is_null());
    let may_be = Where::any().add(COLUMN.is_configured.eq(false)).add_option(on.then_some(retired));
    let update = trigger::Entity::update_many().set(row).filter(COLUMN.id.eq(id)).filter(may_be);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// A target said that it is gone for good: its trigger is off, and says why.
async fn retire(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    let row = trigger::ActiveModel {
        is_enabled: Set(false),
        disabled_reason: Set(Some(shorten(reason))),
        changed_at: Set(now.into()),
        ..Default::default()
    };
    trigger::Entity::update_many().set(row).filter(trigger::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}
