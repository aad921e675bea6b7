//! Events whose commits are not read yet: what their conditions may ask for, and what of it is kept.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use super::NewEvent;
use super::hold::{hold_branch, hold_watch};
use super::write::event_row;
use crate::db::select::{at_most, constant, is_any};
use crate::db::{ConnectionTrait, Result, new_id};
use crate::triggers::bounded_tekton;
use entity::kind::BranchEventKind;
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
    pub noticed_at: Timestamp,
    /// How often following it failed.
    pub tries: i32,
    pub is_undecided: bool,
    /// Its commit is not read yet.
    pub is_unread: bool,
    /// What the commit brings in `.tekton/`, where that is known already.
    pub tekton: Option<TektonFound>,
    /// Whether the old commit was left behind, where that is known already.
    pub is_forced: Option<bool>,
    sequence: i64,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "branch_event::Entity")]
struct Row {
    id: Uuid,
    #[sea_orm(from_expr = "branch::Column::Name")]
    branch_name: String,
    kind: BranchEventKind,
    old_commit: Option<ObjectId>,
    new_commit: Option<ObjectId>,
    tekton: Option<JsonText<TektonFound>>,
    is_forced: Option<bool>,
    noticed_at: Timestamp,
    tries: i32,
    sequence: i64,
    due_at: Option<StoredTimestamp>,
    facts_due_at: Option<StoredTimestamp>,
}

impl From<Row> for FollowedEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            branch_name: row.branch_name,
            kind: row.kind,
            old_commit: row.old_commit,
            new_commit: row.new_commit,
            noticed_at: row.noticed_at,
            tries: row.tries,
            is_undecided: row.due_at.is_some(),
            is_unread: row.facts_due_at.is_some(),
            tekton: row.tekton.map(|found| found.0),
            is_forced: row.is_forced,
            sequence: row.sequence,
        }
    }
}

/// Events of a repository whose time has come: those that wait for a decision, and those whose commits are not read; of each
/// branch only the first, so that its events are followed in their order, and those behind what only the clone can still tell.
pub async fn events_to_follow(
    c: &impl ConnectionTrait,
    repository: Uuid,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<FollowedEvent>> {
    use branch_event::Column::{DueAt, FactsDueAt, Id, Sequence};
    let mut found: Vec<FollowedEvent> = Vec::new();
    // One index each.
    for waits in [DueAt, FactsDueAt] {
        let due = branch_event::Entity::find().inner_join(branch::Entity);
        let due = due.filter(branch_event::COLUMN.repository_id.eq(repository)).filter(is_due(waits, now));
        let due = due.order_by_asc(Sequence).order_by_asc(Id).limit(at_most(limit));
        let rows: Vec<Row> = due.into_partial_model().all(c).await?;
        found.extend(rows.into_iter().map(FollowedEvent::from));
    }
    found.sort_by_key(|event| (event.sequence, event.id));
    found.dedup_by_key(|event| event.id);
    Ok(found)
}

/// Repositories with events whose time has come, for which nobody may have been asked to look.
pub async fn repositories_to_follow(c: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    use branch_event::Column::{DueAt, FactsDueAt, RepositoryId};
    let mut found: Vec<Uuid> = Vec::new();
    // One index each.
    for waits in [DueAt, FactsDueAt] {
        let due = branch_event::Entity::find().select_only().column(RepositoryId).filter(is_due(waits, now));
        let due = due.group_by(RepositoryId).order_by_asc(RepositoryId).limit(at_most(limit));
        found.extend(due.into_tuple::<Uuid>().all(c).await?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Whether an event is to be followed now, for one of the two reasons: it waits for its decision, or only for its commit to be
/// read. What stands before it in its branch goes first, and whoever waits for both waits for the time of the decision. Where it
/// is known what an earlier commit brings for Tekton, nothing else that is read of it is an event that could come too late.
fn is_due(waits: branch_event::Column, now: Timestamp) -> Condition {
    use branch_event::Column::{BranchId, DueAt, FactsDueAt, Sequence, Tekton};
    let of_other = |column| Expr::col(("other", column));
    let earlier = |waits: branch_event::Column| {
        let mut earlier = Query::select();
        earlier
            .expr(constant(1))
            .from_as(branch_event::Entity, "other")
            .and_where(of_other(BranchId).equals((branch_event::Entity, BranchId)))
            .and_where(of_other(Sequence).lt(Expr::col((branch_event::Entity, Sequence))))
            .and_where(of_other(waits).is_not_null());
        if matches!(waits, FactsDueAt) {
            earlier.and_where(of_other(Tekton).is_null());
        }
        Expr::not_exists(earlier)
    };
    let due = Condition::all().add(waits.lte(StoredTimestamp::from(now))).add(earlier(DueAt)).add(earlier(FactsDueAt));
    if matches!(waits, FactsDueAt) { due.add(DueAt.is_null()) } else { due }
}

/// What was read of an event's commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learned<'a> {
    /// What it brings in `.tekton/`; nothing where it could not be read.
    pub tekton: Option<&'a TektonFound>,
    /// Whether it leaves the old commit behind, where that is known.
    pub is_forced: Option<bool>,
}

/// Keeps what was read of an event's commit. Where it brings Tekton's resources, that is an event of its own, which is given
/// back. Nothing where the event is gone or its commit was read before. Wants a transaction.
pub async fn note_facts(
    w: &impl ConnectionTrait,
    event: Uuid,
    learned: Learned<'_>,
    now: Timestamp,
) -> Result<Option<NewEvent>> {
    let Some((row, branch_name)) = hold_unread(w, event).await? else { return Ok(None) };
    // What was told meanwhile is kept where nothing else was found.
    let found = match learned.tekton {
        Some(found) => Some(bounded_tekton(found)),
        None => row.tekton.as_ref().map(|told| told.0.clone()),
    };
    let is_forced = learned.is_forced.or(row.is_forced);
    let detected = match &found {
        Some(found) => tell_tekton(w, &row, branch_name, found, is_forced, now).await?,
        None => None,
    };
    let read = branch_event::ActiveModel {
        is_forced: Set(is_forced),
        tekton: Set(found.map(JsonText)),
        facts_due_at: Set(None),
        ..Default::default()
    };
    branch_event::Entity::update_many().set(read).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    Ok(detected)
}

/// Keeps what was told of an event's commit while that is still to be read, and tells what it brings as [`note_facts`] does, as
/// soon as it is decided who is told of the change itself: that comes first. Nothing where the event is gone or its commit was
/// read. Wants a transaction.
pub async fn note_told(
    w: &impl ConnectionTrait,
    event: Uuid,
    told: Learned<'_>,
    now: Timestamp,
) -> Result<Option<NewEvent>> {
    let Some((row, branch_name)) = hold_unread(w, event).await? else { return Ok(None) };
    let found = told.tekton.map(bounded_tekton);
    let is_forced = told.is_forced.or(row.is_forced);
    let detected = match &found {
        Some(found) if row.due_at.is_none() => tell_tekton(w, &row, branch_name, found, is_forced, now).await?,
        _ => None,
    };
    let mut kept = branch_event::ActiveModel { is_forced: Set(is_forced), ..Default::default() };
    if let Some(found) = found {
        kept.tekton = Set(Some(JsonText(found)));
    }
    branch_event::Entity::update_many().set(kept).filter(branch_event::COLUMN.id.eq(event)).exec(w).await?;
    Ok(detected)
}

/// An event whose commit is not read yet, and the name of its branch, now that nobody else notes.
async fn hold_unread(w: &impl ConnectionTrait, event: Uuid) -> Result<Option<(branch_event::Model, String)>> {
    let of = branch_event::Entity::find_by_id(event).select_only();
    let of = of.columns([branch_event::Column::RepositoryId, branch_event::Column::BranchId]);
    let Some((repository, branch)) = of.into_tuple::<(Uuid, Uuid)>().one(w).await? else { return Ok(None) };
    let Some(branch_name) = hold_branch(w, repository, branch).await? else { return Ok(None) };
    let unread = branch_event::Entity::find_by_id(event).filter(branch_event::COLUMN.facts_due_at.is_not_null());
    Ok(unread.one(w).await?.map(|row| (row, branch_name)))
}

/// The event that a branch came to a commit that brings Tekton's resources: one for each branch and commit.
async fn tell_tekton(
    w: &impl ConnectionTrait,
    of: &branch_event::Model,
    branch_name: String,
    found: &TektonFound,
    is_forced: Option<bool>,
    now: Timestamp,
) -> Result<Option<NewEvent>> {
    use branch_event::Column::{BranchId, Id, Kind, NewCommit};
    let kind = BranchEventKind::TektonDetected;
    let is_standing = matches!(of.kind, BranchEventKind::BranchCreated | BranchEventKind::BranchUpdated);
    let Some(commit) = of.new_commit.filter(|_| is_standing && found.is_usable()) else { return Ok(None) };
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
    row.is_forced = Set(is_forced);
    branch_event::Entity::insert(row).exec_without_returning(w).await?;
    Ok(Some(event))
}

/// Reading an event's commit failed, and is tried again then; it counts as a try unless that is counted elsewhere.
pub async fn postpone_facts(w: &impl ConnectionTrait, event: Uuid, again: Timestamp, counts: bool) -> Result<()> {
    use branch_event::Column::{FactsDueAt, Tries};
    let row = branch_event::ActiveModel { facts_due_at: Set(Some(again.into())), ..Default::default() };
    let tries = branch_event::COLUMN.tries.add(i32::from(counts));
    let update = branch_event::Entity::update_many().set(row).col_expr(Tries, tries);
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

/// Whether anybody told of any branch of a repository whether it is protected.
pub async fn knows_protection(c: &impl ConnectionTrait, repository: Uuid) -> Result<bool> {
    let told = branch::Entity::find().select_only().column(branch::Column::Id);
    let told =
        told.filter(branch::COLUMN.repository_id.eq(repository)).filter(branch::COLUMN.is_protected.is_not_null());
    Ok(told.into_tuple::<Uuid>().one(c).await?.is_some())
}

/// Notes which branches are protected, as their forge tells. It is no change of the branch. Wants a transaction.
pub async fn mark_protected(w: &impl ConnectionTrait, repository: Uuid, told: &[(String, bool)]) -> Result<()> {
    if hold_watch(w, repository).await?.is_none() {
        return Ok(());
    }
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
