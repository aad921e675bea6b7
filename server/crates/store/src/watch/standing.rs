//! Branches that stand where they stood when they were first seen: the first look makes no events of them.

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::branches::is_standing_watched;
use super::hold::hold_watch;
use super::look::NewEvent;
use super::write::event_row;
use crate::db::select::at_most;
use crate::db::{ConnectionTrait, Result, new_id};
use crate::triggers::newest_event;
use entity::kind::{BranchEventKind, BranchEventState, NoticedBy};
use entity::table::{branch, branch_event, repository};
use entity::view::Timestamp;

/// Branches that are there and watched, those that changed last first and at most so many: each with the full name of its
/// repository, and its own.
pub(crate) async fn newest_standing(c: &impl ConnectionTrait, limit: u64) -> Result<Vec<(Uuid, String, String)>> {
    use branch::Column::{ChangedAt, Id, Name};
    let standing = branch::Entity::find().inner_join(repository::Entity).filter(is_standing_watched());
    let standing = standing.select_only().column(Id).column(repository::Column::FullName).column(Name);
    let standing = standing.order_by_desc(ChangedAt).order_by_desc(Id).limit(at_most(limit));
    Ok(standing.into_tuple().all(c).await?)
}

/// The newest change of a branch. Of a watched one of which nothing was noticed since it was first seen, the event that the first
/// look leaves out unless it is told otherwise: that the branch is there. It stands where that look would have put it and is
/// decided, so that it is told to nobody but whom somebody chooses. Nothing of one that is gone or not watched. Wants a transaction.
pub async fn find_or_note_event(w: &impl ConnectionTrait, branch: Uuid) -> Result<Option<Uuid>> {
    if let Some(known) = newest_event(w, branch).await? {
        return Ok(Some(known));
    }
    let Some(found) = branch::Entity::find_by_id(branch).one(w).await? else { return Ok(None) };
    if hold_watch(w, found.repository_id).await?.is_none() {
        return Ok(None);
    }
    // Again, now that nobody else writes of it.
    let standing = branch::Entity::find().filter(branch::COLUMN.id.eq(branch)).filter(is_standing_watched());
    let Some(row) = standing.one(w).await? else { return Ok(None) };
    if let Some(known) = newest_event(w, branch).await? {
        return Ok(Some(known));
    }
    let at = Timestamp::from(row.changed_at);
    let event = NewEvent {
        id: new_id(at),
        branch_id: row.id,
        branch_name: row.name,
        kind: BranchEventKind::BranchCreated,
        old_commit: None,
        new_commit: Some(row.head),
    };
    let decided = branch_event::ActiveModel {
        state: Set(BranchEventState::Processed),
        due_at: Set(None),
        // What its commit brings is an event of its own, which all triggers would be asked about.
        facts_due_at: Set(None),
        processed_at: Set(Some(row.changed_at)),
        ..event_row(&event, row.repository_id, row.version, NoticedBy::Poll, at)
    };
    branch_event::Entity::insert(decided).exec_without_returning(w).await?;
    Ok(Some(event.id))
}
