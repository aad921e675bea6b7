//! Deliveries that are asked for once more, and tests.

use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::attempts::{refresh_event, replay_deliveries};
use super::decide::{deliver, lock_branch};
use super::past::first_id;
use crate::db::select::at_most;
use crate::db::{ConnectionTrait, Db, Result};
use entity::kind::DeliveryState;
use entity::table::{branch, branch_event, delivery, repository};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Which of a trigger's finished deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayRange {
    pub trigger_id: Uuid,
    /// Only those that were given up: since then. Else those that were made since then.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub only_failed: bool,
}

/// Finished deliveries of a range, oldest first; at most so many.
pub async fn list_replayable(c: &impl ConnectionTrait, range: ReplayRange, limit: u64) -> Result<Vec<Uuid>> {
    use delivery::{COLUMN, Column};
    let rows = delivery::Entity::find().select_only().column(Column::Id).filter(COLUMN.trigger_id.eq(range.trigger_id));
    let rows = match range.only_failed {
        true => {
            let ended = rows.filter(Column::State.eq(DeliveryState::Failed));
            let ended = ended
                .apply_if(range.since, |rows, since| rows.filter(COLUMN.finished_at.gte(StoredTimestamp::from(since))));
            ended.apply_if(range.until, |rows, until| rows.filter(COLUMN.finished_at.lt(StoredTimestamp::from(until))))
        }
        false => {
            let finished = [DeliveryState::Delivered, DeliveryState::Failed];
            let made = rows.filter(Column::State.is_in(finished));
            let made = made.apply_if(range.since, |rows, since| rows.filter(COLUMN.id.gte(first_id(since))));
            made.apply_if(range.until, |rows, until| rows.filter(COLUMN.id.lt(first_id(until))))
        }
    };
    Ok(rows.order_by_asc(Column::Id).limit(at_most(limit)).into_tuple().all(c).await?)
}

/// A branch that has an event to test a trigger with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBranch {
    pub id: Uuid,
    pub repository_full_name: String,
    pub branch_name: String,
}

/// Branches of the newest events, each once, that of the newest first; of at most so many events.
pub async fn list_test_branches(c: &impl ConnectionTrait, events: u64) -> Result<Vec<TestBranch>> {
    use branch_event::Column::{BranchId, Id};
    let newest = branch_event::Entity::find().inner_join(repository::Entity).inner_join(branch::Entity);
    let newest = newest.select_only().column(BranchId);
    let newest = newest.column(repository::Column::FullName).column(branch::Column::Name);
    let rows: Vec<(Uuid, String, String)> = newest.order_by_desc(Id).limit(at_most(events)).into_tuple().all(c).await?;
    let mut branches: Vec<TestBranch> = Vec::new();
    for (id, repository_full_name, branch_name) in rows {
        if branches.iter().all(|known| known.id != id) {
            branches.push(TestBranch { id, repository_full_name, branch_name });
        }
    }
    Ok(branches)
}

/// The newest event of a branch, in the branch's own order.
pub async fn newest_event(c: &impl ConnectionTrait, branch: Uuid) -> Result<Option<Uuid>> {
    use branch_event::Column::{Id, Kind, Sequence};
    let newest =
        branch_event::Entity::find().select_only().column(Id).filter(branch_event::COLUMN.branch_id.eq(branch));
    Ok(newest.order_by_desc(Sequence).order_by_desc(Kind).into_tuple().one(c).await?)
}

/// Has a trigger tell an event, whatever its condition says of it: makes the delivery, or asks for the one that is there once
/// more. Gives the delivery; nothing where the event is gone.
pub async fn tell_anyway(db: &Db, trigger: Uuid, event: Uuid, now: Timestamp) -> Result<Option<Uuid>> {
    let txn = db.begin().await?;
    let Some(row) = branch_event::Entity::find_by_id(event).one(&txn).await? else { return Ok(None) };
    let Some(commit) = row.new_commit.or(row.old_commit) else { return Ok(None) };
    lock_branch(&txn, row.branch_id).await?;
    let (id, is_new) = deliver(&txn, &row, trigger, commit, now).await?;
    if is_new {
        refresh_event(&txn, row.id).await?;
    }
    txn.commit().await?;
    if !is_new {
        replay_deliveries(db, &[id], now).await?;
    }
    Ok(Some(id))
}
