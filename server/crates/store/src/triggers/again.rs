//! What may be sent once more, and events that are told whatever a condition says of them.

use std::collections::HashSet;

use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::attempts::refresh_event;
use super::decide::deliver;
use super::replay::replay_deliveries;
use crate::db::select::at_most;
use crate::db::{ConnectionTrait, Db, Result, first_id};
use crate::watch::hold::{hold_branch, hold_triggers};
use crate::watch::newest_standing;
use entity::kind::{BranchEventKind, DeliveryState};
use entity::table::{branch, branch_event, delivery, repository};
use entity::view::Timestamp;

/// Finished deliveries of a trigger that were made within this time, oldest first; at most so many.
pub async fn finished_deliveries(
    c: &impl ConnectionTrait,
    trigger: Uuid,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    limit: u64,
) -> Result<Vec<Uuid>> {
    use delivery::{COLUMN, Column};
    let finished = [DeliveryState::Delivered, DeliveryState::Failed];
    let rows = delivery::Entity::find().select_only().column(Column::Id).filter(COLUMN.trigger_id.eq(trigger));
    let rows = rows.filter(Column::State.is_in(finished));
    let rows = rows.apply_if(since, |rows, since| rows.filter(COLUMN.id.gte(first_id(since))));
    let rows = rows.apply_if(until, |rows, until| rows.filter(COLUMN.id.lt(first_id(until))));
    Ok(rows.order_by_asc(Column::Id).limit(at_most(limit)).into_tuple().all(c).await?)
}

/// A branch to test a trigger with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBranch {
    pub id: Uuid,
    pub repository_full_name: String,
    pub branch_name: String,
}

/// Branches of the newest events, each once, that of the newest first, and then those that are watched and changed last, whatever
/// was noticed of them; at most so many of each.
pub async fn list_test_branches(c: &impl ConnectionTrait, most: u64) -> Result<Vec<TestBranch>> {
    use branch_event::Column::{BranchId, Id};
    let newest = branch_event::Entity::find().inner_join(repository::Entity).inner_join(branch::Entity);
    let newest = newest.select_only().column(BranchId);
    let newest = newest.column(repository::Column::FullName).column(branch::Column::Name);
    let rows: Vec<(Uuid, String, String)> = newest.order_by_desc(Id).limit(at_most(most)).into_tuple().all(c).await?;
    let standing = newest_standing(c, most).await?;
    let mut known = HashSet::new();
    let branches = rows.into_iter().chain(standing).filter(|(id, ..)| known.insert(*id));
    let branch = |(id, repository_full_name, branch_name)| TestBranch { id, repository_full_name, branch_name };
    Ok(branches.map(branch).collect())
}

/// The newest change of a branch, in the branch's own order.
pub async fn newest_event(c: &impl ConnectionTrait, branch: Uuid) -> Result<Option<Uuid>> {
    use branch_event::Column::{Id, Kind, Sequence};
    let newest =
        branch_event::Entity::find().select_only().column(Id).filter(branch_event::COLUMN.branch_id.eq(branch));
    // That Tekton's resources were found in a commit is told beside the change that brought it.
    let newest = newest.filter(branch_event::COLUMN.kind.ne(BranchEventKind::TektonDetected));
    Ok(newest.order_by_desc(Sequence).order_by_desc(Kind).into_tuple().one(c).await?)
}

/// Has a trigger tell an event, whatever its condition says of it: makes the delivery, or asks for the one that is there once
/// more. Gives the delivery; nothing where the event or the trigger is gone.
pub async fn tell_anyway(db: &Db, trigger: Uuid, event: Uuid, now: Timestamp) -> Result<Option<Uuid>> {
    let txn = db.begin().await?;
    let Some(row) = branch_event::Entity::find_by_id(event).one(&txn).await? else { return Ok(None) };
    let Some(commit) = row.new_commit.or(row.old_commit) else { return Ok(None) };
    if hold_branch(&txn, row.repository_id, row.branch_id).await?.is_none()
        || hold_triggers(&txn, &[trigger]).await?.is_empty()
    {
        return Ok(None);
    }
    let (id, follows) = deliver(&txn, &row, trigger, commit, now).await?;
    if follows {
        refresh_event(&txn, row.id).await?;
    }
    txn.commit().await?;
    if !follows {
        replay_deliveries(db, &[id], now).await?;
    }
    Ok(Some(id))
}
