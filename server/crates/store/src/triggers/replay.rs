//! Deliveries that are asked for once more, and what became of what others began.

use sea_orm::sea_query::{ExprTrait as _, LockType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::attempts::{next_of, refresh_event};
use crate::db::select::{at_most, constant};
use crate::db::{ConnectionTrait, Db, Result, Transaction};
use crate::repositories::shorten;
use crate::watch::hold::{hold_branch, hold_triggers};
use entity::kind::{DeliveryState, RunState, TargetKind};
use entity::table::{delivery, trigger};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Deliveries of a trigger that were given up from a time on, in the order of that; at most so many.
pub async fn failed_deliveries(
    c: &impl ConnectionTrait,
    trigger: Uuid,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<Uuid>> {
    use delivery::Column::{FinishedAt, Id, State, TriggerId};
    let failed = delivery::Entity::find().select_only().column(Id).filter(TriggerId.eq(trigger));
    let failed = failed.filter(State.into_expr().eq(constant(DeliveryState::Failed)));
    let failed = failed.filter(FinishedAt.gte(StoredTimestamp::from(since)));
    let failed = failed.order_by_asc(FinishedAt).order_by_asc(Id).limit(at_most(limit));
    Ok(failed.into_tuple().all(c).await?)
}

/// Asks for deliveries once more that are finished or wait for another try, by the same ids; how many there were.
pub async fn replay_deliveries(db: &Db, ids: &[Uuid], now: Timestamp) -> Result<usize> {
    let mut replayed = 0;
    for id in ids {
        let txn = db.begin().await?;
        if replay(&txn, *id, now).await? {
            txn.commit().await?;
            replayed += 1;
        }
    }
    Ok(replayed)
}

async fn replay(txn: &Transaction, id: Uuid, now: Timestamp) -> Result<bool> {
    let Some(row) = delivery::Entity::find_by_id(id).one(txn).await? else { return Ok(false) };
    if hold_branch(txn, row.repository_id, row.branch_id).await?.is_none()
        || hold_triggers(txn, &[row.trigger_id]).await?.is_empty()
    {
        return Ok(false);
    }
    // Again, now that nobody else asks for it.
    let still = delivery::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(txn).await?;
    let Some(row) = still.filter(|row| row.state.may_be_replayed()) else { return Ok(false) };
    // One that waits for another try is the one whose turn it is.
    let is_busy = row.state.is_finished() && next_of(txn, &row).await?.is_some();
    let again = delivery::ActiveModel {
        state: Set(if is_busy { DeliveryState::Behind } else { DeliveryState::Pending }),
        tries: Set(0),
        next_try_at: Set((!is_busy).then(|| now.into())),
        finished_at: Set(None),
        ..Default::default()
    };
    delivery::Entity::update_many().set(again).filter(delivery::COLUMN.id.eq(id)).exec(txn).await?;
    refresh_event(txn, row.event_id).await?;
    Ok(true)
}

/// A delivery that a target answered with an id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub delivery_id: Uuid,
    pub trigger_id: Uuid,
    pub repository_id: Uuid,
}

/// The delivery that a target of this kind answered with this id; of several the last.
pub async fn find_answered(c: &impl ConnectionTrait, answer_id: &str, kind: TargetKind) -> Result<Option<Answered>> {
    use delivery::{COLUMN, Column};
    let known = delivery::Entity::find().inner_join(trigger::Entity).select_only();
    let known = known.columns([Column::Id, Column::TriggerId, Column::RepositoryId]);
    let known = known.filter(COLUMN.answer_id.eq(shorten(answer_id))).filter(trigger::Column::TargetKind.eq(kind));
    let known: Option<(Uuid, Uuid, Uuid)> = known.order_by_desc(Column::Id).into_tuple().one(c).await?;
    Ok(known.map(|(delivery_id, trigger_id, repository_id)| Answered { delivery_id, trigger_id, repository_id }))
}

/// Notes how far what a delivery began got, as its target tells by the id that it answered with. What comes
/// late changes nothing: a run that ended does not begin again. One delivery may begin several runs, of which one
/// that failed is told before those that did not.
pub async fn set_run_state(
    w: &impl ConnectionTrait,
    delivery: Uuid,
    answer_id: &str,
    state: RunState,
    name: &str,
    at: Timestamp,
) -> Result<()> {
    use delivery::{COLUMN, Column};
    let row = delivery::ActiveModel {
        run_state: Set(Some(state)),
        run_name: Set(Some(shorten(name))),
        run_at: Set(Some(at.into())),
        ..Default::default()
    };
    let update = delivery::Entity::update_many().set(row).filter(COLUMN.id.eq(delivery));
    // Another answer may have taken its place meanwhile.
    let update = update.filter(COLUMN.answer_id.eq(shorten(answer_id)));
    let before: &[RunState] = match state {
        RunState::Started => &[],
        RunState::Succeeded => &[RunState::Started],
        RunState::Failed => &[RunState::Started, RunState::Succeeded],
    };
    let is_later = Column::RunState.is_in([state]).and(Column::RunAt.lte(StoredTimestamp::from(at)));
    let news = Column::RunState.is_null().or(Column::RunState.is_in(before.iter().copied())).or(is_later);
    update.filter(news).exec(w).await?;
    Ok(())
}
