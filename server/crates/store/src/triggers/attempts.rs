//! What came of attempts, and what follows: the next try, the next of the same branch, the event's state, figures.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::bounds::{bounded_answer, bounded_request};
use super::deliveries::{is_sending, is_unfinished, state_of};
use super::list::{DayCount, count_day};
use super::retire;
use crate::db::select::at_most;
use crate::db::{ConnectionTrait, DataError, Db, Result, Transaction};
use crate::repositories::shorten;
use crate::watch::hold::hold_branch;
use entity::kind::DeliveryState;
use entity::table::{branch_event, delivery, delivery_attempt, trigger};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{Pace, SentRequest, Timestamp};

/// No target is waited for longer, whatever it asks for.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);
/// So many attempts one after the other of which nobody knows what came cost a delivery none of its tries: processes end for
/// reasons of their own. A delivery that ends each process that sends it has to come to an end, though.
const FREE_LOSSES: i32 = 5;
/// How soon it is tried again where the target's pace does not say so.
const AFTER_LOSS: TimeDelta = TimeDelta::seconds(5);

/// An attempt as it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which one it was, as [`super::ClaimedDelivery::attempts`] says.
    pub number: i32,
    pub started_at: Timestamp,
    pub duration: Duration,
    /// Secrets masked.
    pub request: Option<SentRequest>,
    pub status: Option<u16>,
    pub answer: Option<String>,
    /// What the target calls what it began.
    pub answer_id: Option<String>,
    pub end: AttemptEnd,
}

impl Attempt {
    /// Whether nothing was sent, as the target can't be told of such an event, or not as it is set: that says nothing of whether it
    /// answers.
    fn is_refused_unsent(&self) -> bool {
        self.request.is_none() && matches!(self.end, AttemptEnd::Refused { .. })
    }
}

/// What an attempt means for its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    Delivered,
    /// It failed, and may not fail again: not before the time that the target named, if it named one.
    Failed {
        why: String,
        not_before: Option<Timestamp>,
    },
    /// It would fail again.
    Refused {
        why: String,
    },
    /// The target wants to hear no more: the trigger is switched off.
    Gone {
        why: String,
    },
    /// Whoever sent it ended before they could tell: it is tried again, and says nothing about the target.
    Unknown {
        why: String,
    },
}

impl AttemptEnd {
    fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Failed { why, .. } | Self::Refused { why } | Self::Gone { why } | Self::Unknown { why } => Some(why),
        }
    }

    /// Why the target could not be told, where that is the target's.
    fn failure(&self) -> Option<&str> {
        if matches!(self, Self::Unknown { .. }) { None } else { self.why() }
    }
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub state: DeliveryState,
    pub next_try_at: Option<Timestamp>,
    /// Another delivery of the same trigger and branch waited for this one's end, and may go out now.
    pub lets_another_go: bool,
}

/// Keeps an attempt, and writes what follows from it in the same transaction.
///
/// # Errors
/// `LostLease` where this attempt is over: it took too long, and the delivery was taken back, or is gone.
pub async fn record_attempt(
    db: &Db,
    delivery: Uuid,
    worker: &str,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Recorded> {
    let txn = db.begin().await?;
    let is_this = |row: &delivery::Model| row.worker.as_deref() == Some(worker) && row.attempts == attempt.number;
    let Some((row, of)) = held(&txn, delivery).await?.filter(|(row, _)| is_this(row)) else {
        return Err(DataError::LostLease { job: delivery, worker: worker.to_owned() });
    };
    let recorded = end(&txn, row, &of, attempt, now).await?;
    txn.commit().await?;
    Ok(recorded)
}

/// Deliveries that workers hold for too long; at most so many.
pub async fn lost_deliveries(c: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    use delivery::Column::{Id, LeaseUntil};
    let lost = delivery::Entity::find().select_only().column(Id).filter(is_sending());
    let lost = lost.filter(LeaseUntil.lt(StoredTimestamp::from(now))).order_by_asc(LeaseUntil).limit(at_most(limit));
    Ok(lost.into_tuple().all(c).await?)
}

/// Takes deliveries from workers that held them for too long: nobody knows whether they arrived, so they are tried again.
/// At most so many; how many.
pub async fn recover_deliveries(db: &Db, now: Timestamp, limit: u64) -> Result<usize> {
    let lost = lost_deliveries(&db.read, now, limit).await?;
    let over = |row: &delivery::Model| row.lease_until.is_none_or(|until| Timestamp::from(until) < now);
    recover(db, &lost, now, over).await
}

/// The same for what this worker held when it ended, as it starts again: nobody else has its name. How many.
pub async fn recover_own_deliveries(db: &Db, worker: &str, now: Timestamp) -> Result<usize> {
    let own = delivery::Entity::find().select_only().column(delivery::Column::Id).filter(is_sending());
    let own: Vec<Uuid> = own.filter(delivery::COLUMN.worker.eq(worker)).into_tuple().all(&db.read).await?;
    recover(db, &own, now, |row| row.worker.as_deref() == Some(worker)).await
}

async fn recover(db: &Db, ids: &[Uuid], now: Timestamp, is_lost: impl Fn(&delivery::Model) -> bool) -> Result<usize> {
    let mut recovered = 0;
    for id in ids {
        let txn = db.begin().await?;
        let Some((row, of)) = held(&txn, *id).await?.filter(|(row, _)| is_lost(row)) else { continue };
        let why = "the process that sent it ended before it could tell what came of it; it may have arrived".to_owned();
        let attempt = Attempt {
            number: row.attempts,
            started_at: now,
            duration: Duration::ZERO,
            request: None,
            status: None,
            answer: None,
            answer_id: None,
            end: AttemptEnd::Unknown { why },
        };
        end(&txn, row, &of, &attempt, now).await?;
        txn.commit().await?;
        recovered += 1;
    }
    Ok(recovered)
}

/// What an attempt's end needs to know of its trigger.
struct OfTrigger {
    pace: Pace,
    changed_at: Timestamp,
}

/// A delivery that somebody holds with its trigger's pace, and all rows before it held.
async fn held(txn: &Transaction, id: Uuid) -> Result<Option<(delivery::Model, OfTrigger)>> {
    let Some(row) = delivery::Entity::find_by_id(id).one(txn).await? else { return Ok(None) };
    if hold_branch(txn, row.repository_id, row.branch_id).await?.is_none() {
        return Ok(None);
    }
    let of = trigger::Entity::find_by_id(row.trigger_id).select_only();
    let of = of.columns([trigger::Column::Pace, trigger::Column::ChangedAt]);
    let of: Option<(JsonText<Pace>, StoredTimestamp)> = of.lock(LockType::NoKeyUpdate).into_tuple().one(txn).await?;
    let Some((pace, changed_at)) = of else { return Ok(None) };
    let of = OfTrigger { pace: pace.0, changed_at: changed_at.into() };
    // Again, now that nobody else ends it.
    let still = delivery::Entity::find_by_id(id).filter(is_sending()).lock(LockType::NoKeyUpdate);
    Ok(still.one(txn).await?.map(|row| (row, of)))
}

async fn end(
    txn: &Transaction,
    row: delivery::Model,
    of: &OfTrigger,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Recorded> {
    let why = attempt.end.why();
    let pace = &of.pace;
    // What came of a target that was replaced meanwhile says nothing about the new one.
    let is_current = of.changed_at <= attempt.started_at;
    let mut tries = row.tries;
    let (state, next_try_at) = match &attempt.end {
        AttemptEnd::Delivered => (DeliveryState::Delivered, None),
        AttemptEnd::Refused { .. } | AttemptEnd::Gone { .. } => (DeliveryState::Failed, None),
        AttemptEnd::Failed { not_before, .. } => retried(next_try(pace, tries, *not_before, now)),
        AttemptEnd::Unknown { .. } => {
            let is_free = losses_before(txn, &row).await? < FREE_LOSSES;
            tries -= i32::from(is_free);
            let soon = next_try(pace, row.tries, None, now).or_else(|| is_free.then_some(now + AFTER_LOSS));
            retried(soon)
        }
    };
    let status = attempt.status.map(i32::from);
    let mut ended = delivery::ActiveModel {
        state: Set(state),
        tries: Set(tries),
        next_try_at: Set(next_try_at.map(Into::into)),
        worker: Set(None),
        lease_until: Set(None),
        finished_at: Set(state.is_finished().then(|| now.into())),
        status: Set(status),
        error: Set(why.map(shorten)),
        ..Default::default()
    };
    if let Some(answer_id) = attempt.answer_id.as_deref().map(shorten)
        && row.answer_id.as_ref() != Some(&answer_id)
    {
        // What is known of a run is of the one before.
        (ended.run_state, ended.run_name, ended.run_at) = (Set(None), Set(None), Set(None));
        ended.answer_id = Set(Some(answer_id));
    }
    delivery::Entity::update_many().set(ended).filter(delivery::COLUMN.id.eq(row.id)).exec(txn).await?;
    let kept = delivery_attempt::ActiveModel {
        delivery_id: Set(row.id),
        number: Set(row.attempts),
        started_at: Set(attempt.started_at.into()),
        duration_ms: Set(i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX)),
        request: Set(attempt.request.as_ref().map(bounded_request).map(JsonText)),
        status: Set(status),
        answer: Set(attempt.answer.as_deref().map(bounded_answer)),
        error: Set(why.map(shorten)),
        next_try_at: Set(next_try_at.map(Into::into)),
    };
    delivery_attempt::Entity::insert(kept).exec_without_returning(txn).await?;
    let lets_another_go = state.is_finished() && let_next_go(txn, &row, now).await?;
    tell_trigger(txn, row.trigger_id, state, attempt, is_current, now).await?;
    if let (AttemptEnd::Gone { why }, true) = (&attempt.end, is_current) {
        retire(txn, row.trigger_id, why, now).await?;
    }
    refresh_event(txn, row.event_id).await?;
    Ok(Recorded { state, next_try_at, lets_another_go })
}

/// What a failed attempt leads to, by when the next one is.
fn retried(next: Option<Timestamp>) -> (DeliveryState, Option<Timestamp>) {
    (if next.is_some() { DeliveryState::Retrying } else { DeliveryState::Failed }, next)
}

/// How many of the last attempts nobody knows anything about.
async fn losses_before(txn: &Transaction, row: &delivery::Model) -> Result<i32> {
    use delivery_attempt::Column::Number;
    let last = delivery_attempt::Entity::find().filter(delivery_attempt::COLUMN.delivery_id.eq(row.id));
    let last = last.filter(Number.gte(row.attempts - FREE_LOSSES)).order_by_desc(Number).all(txn).await?;
    let lost = last.iter().take_while(|attempt| attempt.request.is_none() && attempt.status.is_none());
    Ok(i32::try_from(lost.count()).unwrap_or(i32::MAX))
}

/// When a delivery that failed so often is tried again.
fn next_try(pace: &Pace, tries: i32, not_before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let failed = usize::try_from(tries).unwrap_or(usize::MAX);
    let wait = *pace.waits_ms.get(failed.checked_sub(1)?)?;
    let wait = TimeDelta::try_milliseconds(i64::try_from(wait).ok()?)?.min(LONGEST_WAIT);
    let asked = not_before.map_or(now, |at| std::cmp::min(at, now + LONGEST_WAIT));
    Some(std::cmp::max(now + wait, asked))
}

/// The first unfinished delivery of the same trigger and branch beside this one.
pub(super) async fn next_of(txn: &Transaction, row: &delivery::Model) -> Result<Option<delivery::Model>> {
    use delivery::Column::{BranchId, Id, Kind, Sequence, TriggerId};
    let others = delivery::Entity::find().filter(is_unfinished()).filter(TriggerId.eq(row.trigger_id));
    let others = others.filter(BranchId.eq(row.branch_id)).filter(Id.ne(row.id));
    Ok(others.order_by_asc(Sequence).order_by_asc(Kind).one(txn).await?)
}

/// Lets the delivery go that waited for this one's end; whether there was one.
async fn let_next_go(txn: &Transaction, ended: &delivery::Model, now: Timestamp) -> Result<bool> {
    let Some(next) = next_of(txn, ended).await?.filter(|next| next.state == DeliveryState::Behind) else {
        return Ok(false);
    };
    let go = delivery::ActiveModel {
        state: Set(DeliveryState::Pending),
        next_try_at: Set(Some(now.into())),
        ..Default::default()
    };
    delivery::Entity::update_many().set(go).filter(delivery::COLUMN.id.eq(next.id)).exec(txn).await?;
    Ok(true)
}

/// What came of the attempt, at its trigger.
async fn tell_trigger(
    txn: &Transaction,
    id: Uuid,
    state: DeliveryState,
    attempt: &Attempt,
    is_current: bool,
    now: Timestamp,
) -> Result<()> {
    let (end, is_sent) = (&attempt.end, !attempt.is_refused_unsent());
    let mut row = trigger::ActiveModel::default();
    if state == DeliveryState::Delivered {
        row.last_delivery_at = Set(Some(now.into()));
    }
    if let Some(why) = end.failure() {
        row.last_error = Set(Some(shorten(why)));
    }
    let in_row = match end {
        AttemptEnd::Delivered => Expr::val(0_i64),
        AttemptEnd::Unknown { .. } => trigger::Column::FailuresInRow.into_expr(),
        _ if !is_current || !is_sent => trigger::Column::FailuresInRow.into_expr(),
        _ => trigger::COLUMN.failures_in_row.add(1),
    };
    let update = trigger::Entity::update_many().set(row).col_expr(trigger::Column::FailuresInRow, in_row);
    update.filter(trigger::COLUMN.id.eq(id)).exec(txn).await?;
    let count = DayCount {
        delivered: i64::from(state == DeliveryState::Delivered),
        failed: i64::from(state == DeliveryState::Failed),
        attempts: i64::from(is_sent),
        failed_attempts: i64::from(is_sent && end.failure().is_some()),
    };
    count_day(txn, id, count, now).await
}

/// An event's state follows from its deliveries, and from why it could not be decided as a whole.
pub(super) async fn refresh_event(txn: &impl ConnectionTrait, event: Uuid) -> Result<()> {
    // Held first: of two that end deliveries of one event the second sees what the first left.
    let held = branch_event::Entity::find_by_id(event).select_only().column(branch_event::Column::Error);
    let error: Option<Option<String>> = held.lock(LockType::NoKeyUpdate).into_tuple().one(txn).await?;
    let states = delivery::Entity::find().select_only().column(delivery::Column::State).distinct();
    let states: Vec<DeliveryState> = states.filter(delivery::COLUMN.event_id.eq(event)).into_tuple().all(txn).await?;
    let state = Set(state_of(&states, error.flatten().is_none()));
    let row = branch_event::ActiveModel { state, ..Default::default() };
    let update = branch_event::Entity::update_many().set(row).filter(branch_event::COLUMN.id.eq(event));
    update.filter(branch_event::COLUMN.due_at.is_null()).exec(txn).await?;
    Ok(())
}
