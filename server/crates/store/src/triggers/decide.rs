//! Who is told of an event.

use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IdenStatic as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::attempts::refresh_event;
use super::bounds::{bounded_clauses, bounded_tekton};
use super::deliveries::is_unfinished;
use crate::db::select::constant;
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use crate::watch::NewEvent;
use crate::watch::hold::{hold_branch, hold_triggers};
use crate::watch::write::event_row;
use entity::kind::{BranchEventKind, BranchEventState, DeliveryState};
use entity::table::{branch_event, delivery};
use entity::value::{JsonText, ObjectId};
use entity::view::{Clause, TektonFound, Timestamp, Verdict};

/// What a trigger makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub trigger_id: Uuid,
    pub trigger_name: String,
    pub is_match: bool,
    pub clauses: Vec<Clause>,
}

/// What was read of an event's commit for the decision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learned<'a> {
    /// What it brings in `.tekton/`; nothing where nobody asked.
    pub tekton: Option<&'a TektonFound>,
    /// Whether it leaves the old commit behind; nothing where nobody asked.
    pub is_forced: Option<bool>,
}

/// What a decision led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Deliveries that wait for an attempt now, or for one before them.
    pub deliveries: Vec<Uuid>,
    /// The commit brings Tekton's resources, which it did not when it was last asked: an event of its own, that is to be
    /// decided next.
    pub tekton_event: Option<NewEvent>,
}

/// Writes what triggers make of an event: a delivery for each that matches, and what was decided why. Nothing where the event
/// was decided before, is gone, or an earlier one of its branch is not decided yet; triggers that are gone are left out. Wants a transaction: its own, or that of the look.
pub async fn decide(
    w: &impl ConnectionTrait,
    event: Uuid,
    learned: Learned<'_>,
    decisions: &[Decision],
    now: Timestamp,
) -> Result<Option<Decided>> {
    use branch_event::Column::{BranchId, RepositoryId};
    let of = branch_event::Entity::find_by_id(event).select_only().columns([RepositoryId, BranchId]);
    let Some((repository, branch)) = of.into_tuple::<(Uuid, Uuid)>().one(w).await? else { return Ok(None) };
    let Some(branch_name) = hold_branch(w, repository, branch).await? else { return Ok(None) };
    // Now that nobody else decides.
    let still = branch_event::Entity::find_by_id(event).filter(branch_event::COLUMN.due_at.is_not_null());
    let Some(row) = still.one(w).await? else { return Ok(None) };
    // Targets are told in the order of a branch's events, so they are decided in it.
    let earlier = branch_event::Entity::find().select_only().column(branch_event::Column::Id);
    let earlier =
        earlier.filter(branch_event::COLUMN.branch_id.eq(branch)).filter(branch_event::COLUMN.due_at.is_not_null());
    let earlier = earlier.filter(branch_event::COLUMN.sequence.lt(row.sequence));
    if earlier.into_tuple::<Uuid>().one(w).await?.is_some() {
        return Ok(None);
    }
    let matching = decisions.iter().filter(|decision| decision.is_match).map(|decision| decision.trigger_id);
    let there = hold_triggers(w, &matching.collect::<Vec<_>>()).await?;
    let mut verdicts = Vec::with_capacity(decisions.len());
    let mut decided = Decided::default();
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
            let (id, follows) = deliver(w, &row, decision.trigger_id, commit, now).await?;
            verdict.delivery_id = Some(id);
            verdict.is_repeated = !follows;
            decided.deliveries.extend(follows.then_some(id));
        }
        verdicts.push(verdict);
    }
    let matches = verdicts.iter().filter(|verdict| verdict.is_match).count();
    let mut update = branch_event::ActiveModel {
        state: Set(match decided.deliveries.is_empty() {
            true => BranchEventState::Processed,
            false => BranchEventState::Pending,
        }),
        verdicts: Set(JsonText(verdicts)),
        matches: Set(i32::try_from(matches).unwrap_or(i32::MAX)),
        due_at: Set(None),
        processed_at: Set(Some(now.into())),
        error: Set(None),
        ..Default::default()
    };
    if let Some(found) = learned.tekton {
        let found = bounded_tekton(found);
        decided.tekton_event = tell_tekton(w, &row, branch_name, &found, now).await?;
        update.tekton = Set(Some(JsonText(found)));
        update.facts_due_at = Set(None);
    }
    if learned.is_forced.is_some() {
        update.is_forced = Set(learned.is_forced);
    }
    branch_event::Entity::update_many().set(update).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    Ok(Some(decided))
}

/// The event that a branch came to a commit that brings Tekton's resources: one for each branch and commit.
pub(crate) async fn tell_tekton(
    w: &impl ConnectionTrait,
    of: &branch_event::Model,
    branch_name: String,
    found: &TektonFound,
    now: Timestamp,
) -> Result<Option<NewEvent>> {
    use branch_event::Column::{BranchId, Id, Kind, NewCommit};
    use sea_orm::sea_query::ExprTrait as _;
    let kind = BranchEventKind::TektonDetected;
    let is_standing = matches!(of.kind, BranchEventKind::BranchCreated | BranchEventKind::BranchUpdated);
    let Some(commit) = of.new_commit.filter(|_| is_standing && !found.resources.is_empty()) else { return Ok(None) };
    let before = branch_event::Entity::find().select_only().column(Id).filter(BranchId.eq(of.branch_id));
    let before = before.filter(NewCommit.eq(commit)).filter(Kind.into_expr().eq(constant(kind)));
    if before.into_tuple::<Uuid>().one(w).await?.is_some() {
        return Ok(None);
    }
    let event = NewEvent {
        id: new_id(now),
        branch_id: of.branch_id,
        branch_name,
        kind,
        old_commit: of.old_commit,
        new_commit: Some(commit),
    };
    let mut row = event_row(&event, of.repository_id, of.sequence, of.noticed_by, now);
    row.tekton = Set(Some(JsonText(found.clone())));
    branch_event::Entity::insert(row).exec_without_returning(w).await?;
    Ok(Some(event))
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
