//! Taking deliveries whose time has come. A target that hangs or fails holds no more than its own room, and one that fails
//! again and again gets one attempt at a time.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Set,
};
use uuid::Uuid;

use super::deliveries::{is_sending, is_waiting};
use crate::db::select::{at_most, count_all, is_any};
use crate::db::{ConnectionTrait, Db, Engine, Result, Transaction, Turn, wait_for_turn};
use crate::queue::lease_end;
use entity::kind::{BranchEventKind, DeliveryState, Provider};
use entity::table::{branch, branch_event, delivery, repository, trigger};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{Pace, Target, Timestamp};

/// So many failures in a row, and a target gets one attempt at a time until one does not fail.
const BREAKER: i64 = 5;

/// What a worker has room for.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryRoom<'a> {
    /// Names the worker in the deliveries it holds.
    pub worker: &'a str,
    /// Deliveries at most.
    pub most: usize,
    /// Attempts at one trigger's target at the same time, over all workers.
    pub per_trigger: usize,
    /// How long an attempt may take; whoever holds one for longer is taken for dead.
    pub lease: Duration,
}

/// A delivery that a worker holds, with what is to be told.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "delivery::Entity")]
pub struct ClaimedDelivery {
    /// The same at every attempt.
    pub id: Uuid,
    /// The number of this attempt, from 1.
    pub attempts: i32,
    pub kind: BranchEventKind,
    pub commit_hash: ObjectId,
    pub trigger_id: Uuid,
    #[sea_orm(from_expr = "trigger::Column::Target")]
    pub target: JsonText<Target>,
    #[sea_orm(from_expr = "trigger::Column::Pace")]
    pub pace: JsonText<Pace>,
    pub event_id: Uuid,
    #[sea_orm(from_expr = "branch_event::Column::NoticedAt")]
    pub noticed_at: Timestamp,
    #[sea_orm(from_expr = "branch_event::Column::OldCommit")]
    pub old_commit: Option<ObjectId>,
    #[sea_orm(from_expr = "branch_event::Column::NewCommit")]
    pub new_commit: Option<ObjectId>,
    #[sea_orm(from_expr = "branch::Column::Name")]
    pub branch_name: String,
    pub repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::Url")]
    pub repository_url: String,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    pub repository_full_name: String,
    #[sea_orm(from_expr = "repository::Column::Provider")]
    pub provider: Provider,
}

/// A trigger that has something to tell.
struct Waiting {
    id: Uuid,
    failures: i64,
    first: Timestamp,
}

/// Triggers that are on and have something to tell, the longest waiting first: one look into an index for each trigger,
/// whatever waits for it.
async fn waiting(c: &impl ConnectionTrait) -> Result<Vec<Waiting>> {
    use trigger::Column::{FailuresInRow, Id};
    let first = delivery::Entity::find().select_only().column_as(delivery::COLUMN.next_try_at.min(), "first");
    let of_trigger = delivery::Column::TriggerId.into_expr().equals((trigger::Entity, Id));
    let first = first.filter(is_waiting()).filter(of_trigger).into_query();
    let triggers =
        trigger::Entity::find().select_only().columns([Id, FailuresInRow]).column_as(Expr::from(first), "first");
    let triggers = triggers.filter(trigger::COLUMN.is_enabled.eq(true));
    let rows: Vec<(Uuid, i64, Option<StoredTimestamp>)> = triggers.into_tuple().all(c).await?;
    let waiting =
        rows.into_iter().filter_map(|(id, failures, first)| Some(Waiting { id, failures, first: first?.into() }));
    let mut waiting: Vec<Waiting> = waiting.collect();
    waiting.sort_by_key(|waiting| (waiting.first, waiting.id));
    Ok(waiting)
}

/// When the next attempt is due, for a worker that sleeps.
pub async fn next_delivery_at(c: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
    Ok(waiting(c).await?.first().map(|waiting| waiting.first))
}

/// Takes deliveries whose time has come: each is given to one caller only. Its row says so before anything is sent.
pub async fn claim_deliveries(db: &Db, room: DeliveryRoom<'_>, now: Timestamp) -> Result<Vec<ClaimedDelivery>> {
    let due = waiting(&db.read).await?;
    let due: Vec<Waiting> = due.into_iter().take_while(|waiting| waiting.first <= now).collect();
    if due.is_empty() || room.most == 0 {
        return Ok(Vec::new());
    }
    let txn = db.begin().await?;
    if db.engine == Engine::Postgres {
        // One process at a time looks, so that the room of each target holds and nobody picks what another just took.
        wait_for_turn(&txn, Turn::Deliver).await?;
    }
    let picked = pick(&txn, &due, room, now).await?;
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let taken = delivery::ActiveModel {
        state: Set(DeliveryState::Sending),
        worker: Set(Some(room.worker.to_owned())),
        lease_until: Set(Some(lease_end(now, room.lease).into())),
        next_try_at: Set(None),
        ..Default::default()
    };
    let ids = || is_any(delivery::Column::Id.into_expr(), picked.iter().copied());
    let take = delivery::Entity::update_many().set(taken).filter(ids());
    let take = take.col_expr(delivery::Column::Attempts, delivery::COLUMN.attempts.add(1));
    let take = take.col_expr(delivery::Column::Tries, delivery::COLUMN.tries.add(1));
    take.exec(&txn).await?;
    let claimed = delivery::Entity::find().inner_join(trigger::Entity).inner_join(branch_event::Entity);
    let claimed = claimed.inner_join(branch::Entity).inner_join(repository::Entity).filter(ids());
    let mut claimed: Vec<ClaimedDelivery> = claimed.into_partial_model().all(&txn).await?;
    txn.commit().await?;
    claimed.sort_by_key(|claimed| picked.iter().position(|id| *id == claimed.id));
    Ok(claimed)
}

/// What to take: of each target as much as it has room for, one of each in turn.
async fn pick(txn: &Transaction, due: &[Waiting], room: DeliveryRoom<'_>, now: Timestamp) -> Result<Vec<Uuid>> {
    use delivery::Column::{Id, NextTryAt, TriggerId};
    let sending = delivery::Entity::find().filter(is_sending()).select_only().column(TriggerId);
    let sending = sending.column_as(count_all(), "deliveries").group_by(TriggerId);
    let sending: HashMap<Uuid, i64> = sending.into_tuple().all(txn).await?.into_iter().collect();
    let mut by_trigger = Vec::with_capacity(due.len());
    for waiting in due {
        let most = if waiting.failures >= BREAKER { 1 } else { room.per_trigger.min(room.most) };
        let held = sending.get(&waiting.id).map_or(0, |held| usize::try_from(*held).unwrap_or(0));
        let Some(free) = most.checked_sub(held).filter(|free| *free > 0) else { continue };
        let next = delivery::Entity::find().select_only().column(Id).filter(is_waiting());
        let next = next.filter(TriggerId.eq(waiting.id)).filter(NextTryAt.lte(StoredTimestamp::from(now)));
        let next = next.order_by_asc(NextTryAt).order_by_asc(Id).limit(at_most(free as u64));
        let next: Vec<Uuid> = next.into_tuple().all(txn).await?;
        by_trigger.push(next.into_iter());
    }
    let mut picked = Vec::new();
    while picked.len() < room.most {
        let before = picked.len();
        for next in &mut by_trigger {
            picked.extend(next.next());
        }
        if picked.len() == before {
            break;
        }
    }
    picked.truncate(room.most);
    Ok(picked)
}
