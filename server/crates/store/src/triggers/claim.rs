//! Taking deliveries whose time has come. A target that hangs or fails holds no more than its own room, and one that fails
//! again and again gets one attempt at a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Set,
};
use uuid::Uuid;

use super::deliveries::{is_sending, is_waiting};
use crate::db::select::{at_most, count_all, is_any};
use crate::db::{ConnectionTrait, Db, Engine, Result, Turn, wait_for_turn};
use crate::queue::lease_end;
use entity::kind::{BranchEventKind, DeliveryState, Provider};
use entity::table::{branch, branch_event, delivery, repository, trigger};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{Pace, Target, TektonFound, Timestamp};

/// So many failures in a row, and a target gets one attempt at a time until one does not fail.
pub const BREAKER: i64 = 5;
/// Whoever holds a delivery for so much longer than its target's timeout is taken for dead.
pub(super) const MARGIN: Duration = Duration::from_mins(1);
/// No timeout counts for more.
pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);

/// What a worker has room for.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryRoom<'a> {
    /// Names the worker in the deliveries it holds.
    pub worker: &'a str,
    /// Deliveries at most.
    pub most: usize,
    /// Attempts at one trigger's target at the same time, over all workers.
    pub per_trigger: usize,
    /// Attempts at the same time, over all workers, at targets that fail again and again: however many of these there are,
    /// the rest is for those that answer.
    pub failing: usize,
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
    #[sea_orm(from_expr = "trigger::Column::Name")]
    pub trigger_name: String,
    #[sea_orm(from_expr = "trigger::Column::Target")]
    pub target: JsonText<Target>,
    /// Whether its trigger is written in the configuration.
    #[sea_orm(from_expr = "trigger::Column::IsConfigured")]
    pub is_configured: bool,
    #[sea_orm(from_expr = "trigger::Column::Pace")]
    pub pace: JsonText<Pace>,
    pub event_id: Uuid,
    #[sea_orm(from_expr = "branch_event::Column::NoticedAt")]
    pub noticed_at: Timestamp,
    #[sea_orm(from_expr = "branch_event::Column::OldCommit")]
    pub old_commit: Option<ObjectId>,
    #[sea_orm(from_expr = "branch_event::Column::NewCommit")]
    pub new_commit: Option<ObjectId>,
    #[sea_orm(from_expr = "branch_event::Column::IsForced")]
    pub is_forced: Option<bool>,
    /// What the commit brings in `.tekton/`, where that is known.
    #[sea_orm(from_expr = "branch_event::Column::Tekton")]
    pub tekton: Option<JsonText<TektonFound>>,
    pub branch_id: Uuid,
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
    /// Its target failed so often that it gets one attempt at a time.
    is_failing: bool,
    timeout: Duration,
    first: Timestamp,
}

/// Triggers that are on and have something to tell, those whose targets answer before those whose do not, the longest
/// waiting first: one look into an index for each trigger, whatever waits for it.
async fn waiting(c: &impl ConnectionTrait) -> Result<Vec<Waiting>> {
    use trigger::Column::{FailuresInRow, Id, Pace as PaceColumn};
    let first = delivery::Entity::find().select_only().column_as(delivery::COLUMN.next_try_at.min(), "first");
    let of_trigger = delivery::Column::TriggerId.into_expr().equals((trigger::Entity, Id));
    let first = first.filter(is_waiting()).filter(of_trigger).into_query();
    let triggers = trigger::Entity::find().select_only().columns([Id, FailuresInRow, PaceColumn]);
    let triggers = triggers.column_as(Expr::from(first), "first").filter(trigger::COLUMN.is_enabled.eq(true));
    let rows: Vec<(Uuid, i64, JsonText<Pace>, Option<StoredTimestamp>)> = triggers.into_tuple().all(c).await?;
    let waiting = rows.into_iter().filter_map(|(id, failures, pace, first)| {
        let timeout = Duration::from_millis(pace.0.timeout_ms).min(LONGEST_TIMEOUT);
        Some(Waiting { id, is_failing: failures >= BREAKER, timeout, first: first?.into() })
    });
    let mut waiting: Vec<Waiting> = waiting.collect();
    waiting.sort_by_key(|waiting| (waiting.is_failing, waiting.first, waiting.id));
    Ok(waiting)
}

/// When the delivery is due, or was, that waits longest: its target may have no room for it.
pub async fn first_delivery_at(c: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
    Ok(waiting(c).await?.into_iter().map(|waiting| waiting.first).min())
}

/// When the next trigger has something to tell after that time, for a worker that took what it could then and sleeps. One whose
/// delivery was due and not taken has no room for a later one either.
pub async fn next_delivery_at(c: &impl ConnectionTrait, after: Timestamp) -> Result<Option<Timestamp>> {
    Ok(waiting(c).await?.into_iter().map(|waiting| waiting.first).filter(|first| *first > after).min())
}

/// Whether a worker tells a target something right now: what the target calls that is not known yet.
pub async fn is_telling(c: &impl ConnectionTrait) -> Result<bool> {
    let held = delivery::Entity::find().select_only().column(delivery::Column::Id).filter(is_sending()).limit(1);
    Ok(held.into_tuple::<Uuid>().one(c).await?.is_some())
}

/// Takes deliveries whose time has come: each is given to one caller only, for as long as its target's timeout lasts and a
/// minute. Its row says so before anything is sent.
pub async fn claim_deliveries(db: &Db, room: DeliveryRoom<'_>, now: Timestamp) -> Result<Vec<ClaimedDelivery>> {
    use delivery::Column::{Attempts, Id, Tries};
    if room.most == 0 || first_delivery_at(&db.read).await?.is_none_or(|first| first > now) {
        return Ok(Vec::new());
    }
    let txn = db.begin().await?;
    if db.engine == Engine::Postgres {
        // One process at a time looks, so that the room of each target holds and nobody picks what another just took.
        wait_for_turn(&txn, Turn::Deliver).await?;
    }
    let picked = due_deliveries(&txn, room, now).await?;
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let mut by_timeout = BTreeMap::<Duration, Vec<Uuid>>::new();
    for (id, timeout) in &picked {
        by_timeout.entry(*timeout).or_default().push(*id);
    }
    for (timeout, ids) in by_timeout {
        let taken = delivery::ActiveModel {
            state: Set(DeliveryState::Sending),
            worker: Set(Some(room.worker.to_owned())),
            lease_until: Set(Some(lease_end(now, timeout + MARGIN).into())),
            next_try_at: Set(None),
            ..Default::default()
        };
        let take = delivery::Entity::update_many().set(taken).filter(is_any(Id.into_expr(), ids));
        let take = take.col_expr(Attempts, delivery::COLUMN.attempts.add(1));
        take.col_expr(Tries, delivery::COLUMN.tries.add(1)).exec(&txn).await?;
    }
    let claimed = delivery::Entity::find().inner_join(trigger::Entity).inner_join(branch_event::Entity);
    let claimed = claimed.inner_join(branch::Entity).inner_join(repository::Entity);
    let claimed = claimed.filter(is_any(Id.into_expr(), picked.iter().map(|(id, _)| *id)));
    let mut claimed: Vec<ClaimedDelivery> = claimed.into_partial_model().all(&txn).await?;
    txn.commit().await?;
    claimed.sort_by_key(|claimed| picked.iter().position(|(id, _)| *id == claimed.id));
    Ok(claimed)
}

/// What a worker with this room takes now, each with its target's timeout: of each target as much as it has room for, one of
/// each in turn.
pub async fn due_deliveries(
    c: &impl ConnectionTrait,
    room: DeliveryRoom<'_>,
    now: Timestamp,
) -> Result<Vec<(Uuid, Duration)>> {
    use delivery::Column::{Id, NextTryAt, TriggerId};
    let due: Vec<Waiting> = waiting(c).await?.into_iter().filter(|waiting| waiting.first <= now).collect();
    let held = Held::read(c).await?;
    let mut failing = room.failing.saturating_sub(held.failing);
    let mut by_trigger = Vec::new();
    for waiting in due {
        // One of each in turn: those beyond get nothing this time.
        if by_trigger.len() == room.most {
            break;
        }
        let most = if waiting.is_failing { failing.min(1) } else { room.per_trigger.min(room.most) };
        let free = most.saturating_sub(held.of(waiting.id));
        if free == 0 {
            continue;
        }
        let next = delivery::Entity::find().select_only().column(Id).filter(is_waiting());
        let next = next.filter(TriggerId.eq(waiting.id)).filter(NextTryAt.lte(StoredTimestamp::from(now)));
        let next = next.order_by_asc(NextTryAt).order_by_asc(Id).limit(at_most(free as u64));
        // What goes with its trigger or repository right now is left to whoever removes it.
        let next = next.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        let next: Vec<Uuid> = next.into_tuple().all(c).await?;
        if next.is_empty() {
            continue;
        }
        failing -= usize::from(waiting.is_failing);
        by_trigger.push((next.into_iter(), waiting.timeout));
    }
    let mut picked = Vec::new();
    while picked.len() < room.most {
        let before = picked.len();
        for (next, timeout) in &mut by_trigger {
            picked.extend(next.next().map(|id| (id, *timeout)));
        }
        if picked.len() == before {
            break;
        }
    }
    picked.truncate(room.most);
    Ok(picked)
}

/// What workers hold.
struct Held {
    by_trigger: HashMap<Uuid, usize>,
    /// Of targets that fail again and again.
    failing: usize,
}

impl Held {
    async fn read(c: &impl ConnectionTrait) -> Result<Self> {
        use delivery::Column::TriggerId;
        let sending = delivery::Entity::find().filter(is_sending()).select_only().column(TriggerId);
        let sending = sending.column_as(count_all(), "deliveries").group_by(TriggerId);
        let sending: Vec<(Uuid, i64)> = sending.into_tuple().all(c).await?;
        let number = |held: i64| usize::try_from(held).unwrap_or(0);
        let by_trigger: HashMap<Uuid, usize> = sending.into_iter().map(|(id, held)| (id, number(held))).collect();
        let failing = trigger::Entity::find().select_only().column(trigger::Column::Id);
        let failing = failing.filter(is_any(trigger::Column::Id.into_expr(), by_trigger.keys().copied()));
        let failing = failing.filter(trigger::COLUMN.failures_in_row.gte(BREAKER));
        let failing: Vec<Uuid> = failing.into_tuple().all(c).await?;
        let failing = failing.iter().filter_map(|id| by_trigger.get(id)).sum();
        Ok(Self { by_trigger, failing })
    }

    fn of(&self, trigger: Uuid) -> usize {
        self.by_trigger.get(&trigger).copied().unwrap_or(0)
    }
}
