//! Who is told of an event.

use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IdenStatic as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::attempts::refresh_event;
use super::bounds::bounded_clauses;
use super::deliveries::is_unfinished;
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use crate::repositories::shorten;
use crate::watch::hold::{hold_branch, hold_triggers};
use entity::kind::{BranchEventState, DeliveryState};
use entity::table::{branch_event, delivery};
use entity::value::{JsonText, ObjectId};
use entity::view::{Clause, Timestamp, Verdict};

/// What a trigger makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub trigger_id: Uuid,
    pub trigger_name: String,
    pub is_match: bool,
    pub clauses: Vec<Clause>,
}

/// Writes what triggers make of an event: a delivery for each that matches, and what was decided why; whether it was still to be
/// decided. Nothing is written where it was decided before, is gone, or an earlier one of its branch is not decided yet; triggers
/// that are gone are left out. Wants a transaction: its own, or that of the look.
pub async fn decide(w: &impl ConnectionTrait, event: Uuid, decisions: &[Decision], now: Timestamp) -> Result<bool> {
    write(w, event, decisions, None, now).await
}

/// The same where something that a trigger asked for can't be found out any more, and why not: the event has failed, whatever
/// comes of what others are told of it.
pub async fn decide_unknown(
    w: &impl ConnectionTrait,
    event: Uuid,
    decisions: &[Decision],
    why: &str,
    now: Timestamp,
) -> Result<bool> {
    write(w, event, decisions, Some(why), now).await
}

async fn write(
    w: &impl ConnectionTrait,
    event: Uuid,
    decisions: &[Decision],
    unknown: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    use branch_event::Column::{BranchId, RepositoryId};
    let of = branch_event::Entity::find_by_id(event).select_only().columns([RepositoryId, BranchId]);
    let Some((repository, branch)) = of.into_tuple::<(Uuid, Uuid)>().one(w).await? else { return Ok(false) };
    if hold_branch(w, repository, branch).await?.is_none() {
        return Ok(false);
    }
    // Now that nobody else decides.
    let still = branch_event::Entity::find_by_id(event).filter(branch_event::COLUMN.due_at.is_not_null());
    let Some(row) = still.one(w).await? else { return Ok(false) };
    // Targets are told in the order of a branch's events, so they are decided in it.
    let earlier = branch_event::Entity::find().select_only().column(branch_event::Column::Id);
    let earlier =
        earlier.filter(branch_event::COLUMN.branch_id.eq(branch)).filter(branch_event::COLUMN.due_at.is_not_null());
    let earlier = earlier.filter(branch_event::COLUMN.sequence.lt(row.sequence));
    if earlier.into_tuple::<Uuid>().one(w).await?.is_some() {
        return Ok(false);
    }
    let matching = decisions.iter().filter(|decision| decision.is_match).map(|decision| decision.trigger_id);
    let there = hold_triggers(w, &matching.collect::<Vec<_>>()).await?;
    let mut verdicts = Vec::with_capacity(decisions.len());
    let mut follows = false;
    for decision in decisions {
        let mut verdict = Verdict {
            trigger_id: decision.trigger_id,
            trigger_name: decision.trigger_name.clone(),
            is_match: decision.is_match,
            clauses: bounded_clauses(&decision.clauses),
            delivery_id: None,
            is_repeated: false,
        };
        // An event without any commit can't be.
        if let (true, Some(commit)) = (decision.is_match, row.new_commit.or(row.old_commit)) {
            if !there.contains(&decision.trigger_id) {
                continue;
            }
            let (id, is_told) = deliver(w, &row, decision.trigger_id, commit, now).await?;
            verdict.delivery_id = Some(id);
            verdict.is_repeated = !is_told;
            follows |= is_told;
        }
        verdicts.push(verdict);
    }
    let matches = verdicts.iter().filter(|verdict| verdict.is_match).count();
    let state = match (follows, unknown) {
        (true, _) => BranchEventState::Pending,
        (false, Some(_)) => BranchEventState::Failed,
        (false, None) => BranchEventState::Processed,
    };
    let update = branch_event::ActiveModel {
        state: Set(state),
        verdicts: Set(JsonText(verdicts)),
        matches: Set(i32::try_from(matches).unwrap_or(i32::MAX)),
        due_at: Set(None),
        processed_at: Set(Some(now.into())),
        error: Set(unknown.map(shorten)),
        ..Default::default()
    };
    branch_event::Entity::update_many().set(update).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    Ok(true)
}

/// The delivery of this trigger, branch, commit and kind, and whether it goes out now: it does where it is new, or was given up.
pub(super) async fn deliver(
    w: &impl ConnectionTrait,
    event: &branch_event::Model,
    trigger: Uuid,
    commit: ObjectId,
    now: Timestamp,
) -> Result<(Uuid, bool)> {
    use delivery::Column::{BranchId, CommitHash, Id, Kind, TriggerId};
    let of_branch = || delivery::Entity::find().filter(TriggerId.eq(trigger)).filter(BranchId.eq(event.branch_id));
    let before = of_branch().select_only().column(Id).filter(is_unfinished());
    let is_behind = before.into_tuple::<Uuid>().one(w).await?.is_some();
    let state = if is_behind { DeliveryState::Behind } else { DeliveryState::Pending };
    let next_try_at = (!is_behind).then(|| now.into());
    // Twice, where what was there before is removed at this very moment.
    for _ in 0..2 {
        let row = delivery::ActiveModel {
            id: Set(new_id(now)),
            trigger_id: Set(trigger),
            event_id: Set(event.id),
            repository_id: Set(event.repository_id),
            branch_id: Set(event.branch_id),
            kind: Set(event.kind),
            commit_hash: Set(commit),
            sequence: Set(event.sequence),
            state: Set(state),
            tries: Set(0),
            attempts: Set(0),
            next_try_at: Set(next_try_at),
            worker: Set(None),
            lease_until: Set(None),
            created_at: Set(now.into()),
            finished_at: Set(None),
            status: Set(None),
            error: Set(None),
            answer_id: Set(None),
            run_state: Set(None),
            run_name: Set(None),
            run_at: Set(None),
        };
        let mut insert = delivery::Entity::insert(row).into_query();
        let same = OnConflict::columns([TriggerId, BranchId, CommitHash, Kind]).do_nothing().to_owned();
        insert.on_conflict(same).returning_col(Id);
        if let Some(row) = w.query_one(&insert).await? {
            return Ok((row.try_get("", Id.as_str())?, true));
        }
        let known = of_branch().filter(CommitHash.eq(commit)).filter(Kind.eq(event.kind));
        let Some(known) = known.lock(LockType::NoKeyUpdate).one(w).await? else { continue };
        if known.state != DeliveryState::Failed {
            return Ok((known.id, false));
        }
        // It was given up: this event asks for it once more, in its own place of the order.
        let again = delivery::ActiveModel {
            event_id: Set(event.id),
            sequence: Set(event.sequence),
            state: Set(state),
            tries: Set(0),
            next_try_at: Set(next_try_at),
            finished_at: Set(None),
            ..Default::default()
        };
        delivery::Entity::update_many().set(again).filter(delivery::COLUMN.id.eq(known.id)).exec(w).await?;
        refresh_event(w, known.event_id).await?;
        return Ok((known.id, true));
    }
    Err(DataError::NotFound { what: "delivery", id: event.id })
}
