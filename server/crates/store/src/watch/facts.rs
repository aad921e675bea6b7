//! Events whose commits are not read yet: what their conditions may ask for, and what of it is kept.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::NewEvent;
use crate::db::select::{at_most, constant, is_any};
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::{BranchEventKind, BranchEventState};
use entity::table::{branch, branch_event};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::{TektonFound, Timestamp};

/// So many names are looked for by one statement.
const NAMES: usize = 500;

/// An event that is followed now: its commit is read, and it is decided who is told, as far as that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedEvent {
    pub id: Uuid,
    pub branch_name: String,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    pub new_commit: Option<ObjectId>,
    /// How often following it failed.
    pub tries: i32,
    pub is_undecided: bool,
    sequence: i64,
}

/// Events of a repository whose time has come: those that wait for a decision, and those whose commits are not read; of each
/// branch only the first, so that its events are followed in their order.
pub async fn events_to_follow(
    c: &impl ConnectionTrait,
    repository: Uuid,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<FollowedEvent>> {
    use branch_event::Column::{BranchId, DueAt, FactsDueAt, Id, Kind, NewCommit, OldCommit, Sequence, Tries};
    let of_other = |column| Expr::col(("other", column));
    let earlier = |waits: branch_event::Column| {
        let earlier = Query::select()
            .expr(constant(1))
            .from_as(branch_event::Entity, "other")
            .and_where(of_other(BranchId).equals((branch_event::Entity, BranchId)))
            .and_where(of_other(Sequence).lt(Expr::col((branch_event::Entity, Sequence))))
            .and_where(of_other(waits).is_not_null())
            .to_owned();
        Expr::not_exists(earlier)
    };
    let mut found: Vec<FollowedEvent> = Vec::new();
    // One index each.
    for waits in [DueAt, FactsDueAt] {
        let due = branch_event::Entity::find().inner_join(branch::Entity).select_only();
        let due = due.column(Id).column(branch::Column::Name).columns([Kind, OldCommit, NewCommit, Tries, Sequence]);
        let due = due.column(DueAt).filter(branch_event::COLUMN.repository_id.eq(repository));
        let due = due.filter(waits.lte(StoredTimestamp::from(now))).filter(earlier(DueAt)).filter(earlier(FactsDueAt));
        let due = due.order_by_asc(Sequence).order_by_asc(Id).limit(at_most(limit));
        type Row =
            (Uuid, String, BranchEventKind, Option<ObjectId>, Option<ObjectId>, i32, i64, Option<StoredTimestamp>);
        let rows: Vec<Row> = due.into_tuple().all(c).await?;
        let event = |(id, branch_name, kind, old_commit, new_commit, tries, sequence, due_at): Row| FollowedEvent {
            id,
            branch_name,
            kind,
            old_commit,
            new_commit,
            tries,
            is_undecided: due_at.is_some(),
            sequence,
        };
        found.extend(rows.into_iter().map(event));
    }
    found.sort_by_key(|event| (event.sequence, event.id));
    found.dedup_by_key(|event| event.id);
    Ok(found)
}

/// Repositories with events whose time has come, for which nobody may have been asked to look.
pub async fn repositories_to_follow(c: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    use branch_event::Column::{DueAt, FactsDueAt, RepositoryId};
    let now = StoredTimestamp::from(now);
    let mut found: Vec<Uuid> = Vec::new();
    // One index each.
    for column in [DueAt, FactsDueAt] {
        let due = branch_event::Entity::find().select_only().column(RepositoryId).filter(column.lte(now));
        let due = due.group_by(RepositoryId).limit(at_most(limit));
        found.extend(due.into_tuple::<Uuid>().all(c).await?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// What was read of an event's commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFacts {
    pub is_forced: Option<bool>,
    /// Nothing where the commit can't be had any more.
    pub tekton: Option<TektonFound>,
}

/// Keeps what was read of an event's commit. Where it brings Tekton's resources and its branch has not told so of the same
/// commit before, that is an event of its own, which is given back. Nothing where the event is gone or was read already.
pub async fn note_facts(
    w: &impl ConnectionTrait,
    event: Uuid,
    facts: &EventFacts,
    now: Timestamp,
) -> Result<Option<NewEvent>> {
    let unread = branch_event::Entity::find_by_id(event).filter(branch_event::COLUMN.facts_due_at.is_not_null());
    let Some(row) = unread.lock_exclusive().one(w).await? else { return Ok(None) };
    let read = branch_event::ActiveModel {
        is_forced: Set(facts.is_forced.or(row.is_forced)),
        tekton: Set(facts.tekton.clone().map(JsonText)),
        facts_due_at: Set(None),
        ..Default::default()
    };
    branch_event::Entity::update_many().set(read).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    let Some(tekton) = facts.tekton.as_ref().filter(|tekton| !tekton.resources.is_empty()) else { return Ok(None) };
    let Some(commit) = row.new_commit else { return Ok(None) };
    let told = branch_event::Entity::find().select_only().column(branch_event::Column::Id);
    let told = told.filter(branch_event::COLUMN.branch_id.eq(row.branch_id));
    let told = told.filter(branch_event::Column::Kind.eq(BranchEventKind::TektonDetected));
    let told = told.filter(branch_event::Column::NewCommit.eq(commit));
    if told.into_tuple::<Uuid>().one(w).await?.is_some() {
        return Ok(None);
    }
    let branch = branch::Entity::find_by_id(row.branch_id).one(w).await?;
    let Some(branch) = branch else { return Ok(None) };
    let id = new_id(now);
    let detected = branch_event::ActiveModel {
        id: Set(id),
        kind: Set(BranchEventKind::TektonDetected),
        old_commit: Set(row.old_commit),
        new_commit: Set(row.new_commit),
        repository_id: Set(row.repository_id),
        branch_id: Set(row.branch_id),
        sequence: Set(row.sequence),
        is_forced: Set(None),
        noticed_by: Set(row.noticed_by),
        noticed_at: Set(now.into()),
        state: Set(BranchEventState::Pending),
        verdicts: Set(JsonText(Vec::new())),
        tekton: Set(Some(JsonText(tekton.clone()))),
        tries: Set(0),
        due_at: Set(Some(now.into())),
        facts_due_at: Set(None),
        processed_at: Set(None),
        error: Set(None),
    };
    branch_event::Entity::insert(detected).exec_without_returning(w).await?;
    Ok(Some(NewEvent {
        id,
        branch_id: row.branch_id,
        branch_name: branch.name,
        kind: BranchEventKind::TektonDetected,
        old_commit: row.old_commit,
        new_commit: row.new_commit,
    }))
}

/// Reading an event's commit failed, and is tried again then.
pub async fn postpone_facts(w: &impl ConnectionTrait, event: Uuid, again: Timestamp) -> Result<()> {
    use branch_event::Column::{FactsDueAt, Tries};
    let row = branch_event::ActiveModel { facts_due_at: Set(Some(again.into())), ..Default::default() };
    let update = branch_event::Entity::update_many().set(row).col_expr(Tries, branch_event::COLUMN.tries.add(1));
    update.filter(branch_event::COLUMN.id.eq(event)).filter(FactsDueAt.is_not_null()).exec(w).await?;
    Ok(())
}

/// Whether there are watched branches of which nobody told whether they are protected.
pub async fn lacks_protection(c: &impl ConnectionTrait, repository: Uuid) -> Result<bool> {
    use branch::Column::{DeletedAt, Id, IsProtected};
    let untold = branch::Entity::find().select_only().column(Id).filter(branch::COLUMN.repository_id.eq(repository));
    let untold = untold.filter(branch::COLUMN.is_watched.eq(true)).filter(DeletedAt.is_null());
    Ok(untold.filter(IsProtected.is_null()).into_tuple::<Uuid>().one(c).await?.is_some())
}

/// Notes which branches are protected, as their forge tells. It is no change of the branch.
pub async fn mark_protected(w: &impl ConnectionTrait, repository: Uuid, told: &[(String, bool)]) -> Result<()> {
    for is_protected in [true, false] {
        let names = told.iter().filter(|(_, protected)| *protected == is_protected).map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.collect();
        for names in names.chunks(NAMES) {
            let row = branch::ActiveModel { is_protected: Set(Some(is_protected)), ..Default::default() };
            let mark = branch::Entity::update_many().set(row).filter(branch::COLUMN.repository_id.eq(repository));
            let other = Condition::any()
                .add(branch::Column::IsProtected.is_null())
                .add(branch::Column::IsProtected.eq(!is_protected));
            mark.filter(is_any(branch::Column::Name.into_expr(), names.iter().copied())).filter(other).exec(w).await?;
        }
    }
    Ok(())
}
