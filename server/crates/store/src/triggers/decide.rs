//! Who is told of an event.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IdenStatic as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use super::deliveries::is_unfinished;
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::{BranchEventState, DeliveryState};
use entity::table::{branch, branch_event, delivery};
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

/// Writes what triggers make of an event: a delivery for each that matches, and what was decided why. Whether the event was
/// still to be decided; if not, nothing is written. Wants a transaction.
pub async fn decide(w: &impl ConnectionTrait, event: Uuid, decisions: &[Decision], now: Timestamp) -> Result<bool> {
    let Some(row) = branch_event::Entity::find_by_id(event).one(w).await? else { return Ok(false) };
    lock_branch(w, row.branch_id).await?;
    // Again, now that nobody else decides.
    let still = branch_event::Entity::find_by_id(event).filter(branch_event::COLUMN.due_at.is_not_null());
    let Some(row) = still.one(w).await? else { return Ok(false) };
    let mut verdicts = Vec::with_capacity(decisions.len());
    let mut follows = false;
    for decision in decisions {
        let mut verdict = Verdict {
            trigger_id: decision.trigger_id,
            trigger_name: decision.trigger_name.clone(),
            is_match: decision.is_match,
            clauses: decision.clauses.clone(),
            delivery_id: None,
            is_repeated: false,
        };
        // An event without any commit can't be.
        if let (true, Some(commit)) = (decision.is_match, row.new_commit.or(row.old_commit)) {
            let (id, is_new) = deliver(w, &row, decision.trigger_id, commit, now).await?;
            verdict.delivery_id = Some(id);
            verdict.is_repeated = !is_new;
            follows |= is_new;
        }
        verdicts.push(verdict);
    }
    let state = if follows { BranchEventState::Pending } else { BranchEventState::Processed };
    let decided = branch_event::ActiveModel {
        state: Set(state),
        matches: Set(i32::try_from(verdicts.iter().filter(|verdict| verdict.is_match).count()).unwrap_or(i32::MAX)),
        verdicts: Set(JsonText(verdicts)),
        due_at: Set(None),
        processed_at: Set(Some(now.into())),
        error: Set(None),
        ..Default::default()
    };
    branch_event::Entity::update_many().set(decided).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    Ok(true)
}

/// The row that whoever adds or ends deliveries of a branch holds, so that none of them stays behind one that has ended.
pub(super) async fn lock_branch(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let row = branch::Entity::find_by_id(id).select_only().column(branch::Column::Id);
    row.lock_exclusive().into_tuple::<Uuid>().one(w).await?;
    Ok(())
}

/// The delivery of this trigger, branch, commit and kind, and whether it is new.
async fn deliver(
    w: &impl ConnectionTrait,
    event: &branch_event::Model,
    trigger: Uuid,
    commit: ObjectId,
    now: Timestamp,
) -> Result<(Uuid, bool)> {
    use delivery::Column::{BranchId, CommitHash, Id, Kind, TriggerId};
    let of_trigger = || delivery::Entity::find().select_only().column(Id).filter(TriggerId.eq(trigger));
    let of_branch = || of_trigger().filter(BranchId.eq(event.branch_id));
    let before: Option<Uuid> = of_branch().filter(is_unfinished()).into_tuple().one(w).await?;
    let row = delivery::ActiveModel {
        id: Set(new_id(now)),
        trigger_id: Set(trigger),
        event_id: Set(event.id),
        repository_id: Set(event.repository_id),
        branch_id: Set(event.branch_id),
        kind: Set(event.kind),
        commit_hash: Set(commit),
        sequence: Set(event.sequence),
        state: Set(if before.is_some() { DeliveryState::Behind } else { DeliveryState::Pending }),
        tries: Set(0),
        attempts: Set(0),
        next_try_at: Set(before.is_none().then(|| now.into())),
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
    let known: Option<Uuid> = known.into_tuple().one(w).await?;
    let known = known.ok_or(crate::DataError::NotFound { what: "delivery", id: event.id })?;
    Ok((known, false))
}
