//! What came of attempts, and what follows: the next try, the next of the same branch, the event's state, figures.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::decide::lock_branch;
use super::deliveries::{is_sending, is_unfinished};
use super::{DayCount, count_day, retire};
use crate::db::select::at_most;
use crate::db::{ConnectionTrait, DataError, Db, Result, Transaction};
use crate::repositories::shorten;
use entity::kind::{BranchEventState, DeliveryState};
use entity::table::{branch_event, delivery, delivery_attempt, trigger};
use entity::value::{JsonText, StoredTimestamp, clean};
use entity::view::{Pace, SentRequest, Timestamp};

/// The most that is kept of an answer.
const ANSWER_BYTES: usize = 16 << 10;
/// No target is waited for longer, whatever it asks for.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// An attempt as it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
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
}

impl AttemptEnd {
    fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Failed { why, .. } | Self::Refused { why } | Self::Gone { why } => Some(why),
        }
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
/// `LostLease` where the delivery is no longer this worker's: it took too long, and another has it.
pub async fn record_attempt(
    db: &Db,
    delivery: Uuid,
    worker: &str,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Recorded> {
    let txn = db.begin().await?;
    let Some(row) = held(&txn, delivery).await?.filter(|row| row.worker.as_deref() == Some(worker)) else {
        return Err(DataError::LostLease { job: delivery, worker: worker.to_owned() });
    };
    let recorded = end(&txn, row, attempt, now).await?;
    txn.commit().await?;
    Ok(recorded)
}

/// Takes deliveries from workers that held them for too long: nobody knows whether they arrived, so they are tried again.
/// At most so many; how many.
pub async fn recover_deliveries(db: &Db, now: Timestamp, limit: u64) -> Result<usize> {
    use delivery::Column::{Id, LeaseUntil};
    let lost = delivery::Entity::find().select_only().column(Id).filter(is_sending());
    let lost = lost.filter(LeaseUntil.lt(StoredTimestamp::from(now))).limit(at_most(limit));
    let lost: Vec<Uuid> = lost.into_tuple().all(&db.read).await?;
    let mut recovered = 0;
    for id in lost {
        let txn = db.begin().await?;
        let over = |row: &delivery::Model| row.lease_until.is_none_or(|until| Timestamp::from(until) < now);
        let Some(row) = held(&txn, id).await?.filter(over) else { continue };
        let why = "the process that sent it ended before it could tell what came of it; it may have arrived".to_owned();
        let attempt = Attempt {
            started_at: now,
            duration: Duration::ZERO,
            request: None,
            status: None,
            answer: None,
            answer_id: None,
            end: AttemptEnd::Failed { why, not_before: None },
        };
        end(&txn, row, &attempt, now).await?;
        txn.commit().await?;
        recovered += 1;
    }
    Ok(recovered)
}

/// Asks for finished deliveries once more, by the same ids; how many there were.
pub async fn replay_deliveries(db: &Db, ids: &[Uuid], now: Timestamp) -> Result<usize> {
    let mut replayed = 0;
    for id in ids {
        let txn = db.begin().await?;
        let Some(row) = delivery::Entity::find_by_id(*id).one(&txn).await? else { continue };
        lock_branch(&txn, row.branch_id).await?;
        let is_busy = next_of(&txn, &row).await?.is_some();
        let again = delivery::ActiveModel {
            state: Set(if is_busy { DeliveryState::Behind } else { DeliveryState::Pending }),
            tries: Set(0),
            next_try_at: Set((!is_busy).then(|| now.into())),
            finished_at: Set(None),
            ..Default::default()
        };
        let finished = delivery::Column::State.is_in([DeliveryState::Delivered, DeliveryState::Failed]);
        let again = delivery::Entity::update_many().set(again).filter(delivery::COLUMN.id.eq(*id)).filter(finished);
        if again.exec(&txn).await?.rows_affected == 0 {
            continue;
        }
        refresh_event(&txn, row.event_id).await?;
        txn.commit().await?;
        replayed += 1;
    }
    Ok(replayed)
}

/// A delivery that somebody holds, with its branch's row locked.
async fn held(txn: &Transaction, id: Uuid) -> Result<Option<delivery::Model>> {
    let Some(row) = delivery::Entity::find_by_id(id).one(txn).await? else { return Ok(None) };
    lock_branch(txn, row.branch_id).await?;
    // Again, now that nobody else ends it.
    Ok(delivery::Entity::find_by_id(id).filter(is_sending()).one(txn).await?)
}

async fn end(txn: &Transaction, row: delivery::Model, attempt: &Attempt, now: Timestamp) -> Result<Recorded> {
    let of = trigger::Entity::find_by_id(row.trigger_id).select_only().column(trigger::Column::Pace);
    let pace: Option<JsonText<Pace>> = of.into_tuple().one(txn).await?;
    let pace = pace.map(|pace| pace.0).unwrap_or_default();
    let why = attempt.end.why();
    let (state, next_try_at) = match &attempt.end {
        AttemptEnd::Delivered => (DeliveryState::Delivered, None),
        AttemptEnd::Refused { .. } | AttemptEnd::Gone { .. } => (DeliveryState::Failed, None),
        AttemptEnd::Failed { not_before, .. } => match next_try(&pace, row.tries, *not_before, now) {
            Some(at) => (DeliveryState::Retrying, Some(at)),
            None => (DeliveryState::Failed, None),
        },
    };
    let status = attempt.status.map(i32::from);
    let ended = delivery::ActiveModel {
        state: Set(state),
        next_try_at: Set(next_try_at.map(Into::into)),
        worker: Set(None),
        lease_until: Set(None),
        finished_at: Set(state.is_finished().then(|| now.into())),
        status: Set(status),
        error: Set(why.map(shorten)),
        answer_id: Set(attempt.answer_id.as_deref().map(shorten).or_else(|| row.answer_id.clone())),
        ..Default::default()
    };
    delivery::Entity::update_many().set(ended).filter(delivery::COLUMN.id.eq(row.id)).exec(txn).await?;
    let kept = delivery_attempt::ActiveModel {
        delivery_id: Set(row.id),
        number: Set(row.attempts),
        started_at: Set(attempt.started_at.into()),
        duration_ms: Set(i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX)),
        request: Set(attempt.request.clone().map(JsonText)),
        status: Set(status),
        answer: Set(attempt.answer.as_deref().map(shown_answer)),
        error: Set(why.map(shorten)),
        next_try_at: Set(next_try_at.map(Into::into)),
    };
    delivery_attempt::Entity::insert(kept).exec_without_returning(txn).await?;
    let lets_another_go = state.is_finished() && let_next_go(txn, &row, now).await?;
    tell_trigger(txn, row.trigger_id, state, why, now).await?;
    if let AttemptEnd::Gone { why } = &attempt.end {
        retire(txn, row.trigger_id, why, now).await?;
    }
    refresh_event(txn, row.event_id).await?;
    Ok(Recorded { state, next_try_at, lets_another_go })
}

/// When a delivery that failed so often is tried again.
fn next_try(pace: &Pace, tries: i32, not_before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let failed = usize::try_from(tries).unwrap_or(usize::MAX);
    let wait = *pace.waits_ms.get(failed.checked_sub(1)?)?;
    let wait = TimeDelta::try_milliseconds(i64::try_from(wait).ok()?)?.min(LONGEST_WAIT);
    let asked = not_before.map_or(now, |at| std::cmp::min(at, now + LONGEST_WAIT));
    Some(std::cmp::max(now + wait, asked))
}

/// The beginning of an answer, as it is kept.
fn shown_answer(answer: &str) -> String {
    clean(&answer[..answer.floor_char_boundary(ANSWER_BYTES)])
}

/// The first unfinished delivery of the same trigger and branch beside this one.
async fn next_of(txn: &Transaction, row: &delivery::Model) -> Result<Option<delivery::Model>> {
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
    why: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let failed = i64::from(why.is_some());
    let mut row = trigger::ActiveModel::default();
    if state == DeliveryState::Delivered {
        row.last_delivery_at = Set(Some(now.into()));
    }
    if let Some(why) = why {
        row.last_error = Set(Some(shorten(why)));
    }
    let in_row = match failed {
        0 => Expr::val(0_i64),
        _ => trigger::COLUMN.failures_in_row.add(1),
    };
    let update = trigger::Entity::update_many().set(row).col_expr(trigger::Column::FailuresInRow, in_row);
    update.filter(trigger::COLUMN.id.eq(id)).exec(txn).await?;
    let count = DayCount {
        delivered: i64::from(state == DeliveryState::Delivered),
        failed: i64::from(state == DeliveryState::Failed),
        attempts: 1,
        failed_attempts: failed,
    };
    count_day(txn, id, count, now).await
}

/// An event's state follows from its deliveries.
pub(super) async fn refresh_event(txn: &impl ConnectionTrait, event: Uuid) -> Result<()> {
    let states = delivery::Entity::find().select_only().column(delivery::Column::State).distinct();
    let states: Vec<DeliveryState> = states.filter(delivery::COLUMN.event_id.eq(event)).into_tuple().all(txn).await?;
    let has = |state| states.contains(&state);
    let state = if has(DeliveryState::Retrying) {
        BranchEventState::Retrying
    } else if states.iter().any(|state| !state.is_finished()) {
        BranchEventState::Pending
    } else if has(DeliveryState::Failed) {
        BranchEventState::Failed
    } else {
        BranchEventState::Processed
    };
    let row = branch_event::ActiveModel { state: Set(state), ..Default::default() };
    let update = branch_event::Entity::update_many().set(row).filter(branch_event::COLUMN.id.eq(event));
    update.filter(branch_event::COLUMN.due_at.is_null()).exec(txn).await?;
    Ok(())
}
