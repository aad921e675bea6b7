//! Branches and their events as they are written: many by few statements.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::look::{NewEvent, SeenBranch};
use crate::db::bulk::Bulk;
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::{BranchEventKind, BranchEventState, NoticedBy};
use entity::table::{branch, branch_event, repository};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::Timestamp;

/// So many branches that come to be alike are written by one statement.
const ALIKE: usize = 500;
/// So many that come to commits of their own.
const MOVED: usize = 100;

/// What is stored of a branch.
pub(super) struct Known {
    pub id: Uuid,
    pub commit: ObjectId,
    pub is_watched: bool,
    pub is_protected: Option<bool>,
    pub version: i64,
    pub changed_at: Timestamp,
    pub is_deleted: bool,
}

impl Known {
    /// Where it stands; nothing where it is gone.
    pub(super) fn stands_at(&self) -> Option<ObjectId> {
        (!self.is_deleted).then_some(self.commit)
    }
}

impl From<branch::Model> for Known {
    fn from(row: branch::Model) -> Self {
        Self {
            id: row.id,
            commit: row.head,
            is_watched: row.is_watched,
            is_protected: row.is_protected,
            version: row.version,
            changed_at: row.changed_at.into(),
            is_deleted: row.deleted_at.is_some(),
        }
    }
}

/// Whether a branch is watched, and whether it is protected.
type Marks = (bool, Option<bool>);

/// Writes branches and their events.
pub(super) struct Writer<'a, C: ConnectionTrait> {
    w: &'a C,
    repository: Uuid,
    version: i64,
    how: NoticedBy,
    now: Timestamp,
    branches: Bulk<'a, C, branch::Entity>,
    /// Those that stand elsewhere now.
    moved: BTreeMap<Marks, Vec<(Uuid, ObjectId)>>,
    /// Those that only come to be watched or protected, or not to be.
    marked: BTreeMap<Marks, Vec<Uuid>>,
    events: Vec<NewEvent>,
    has_written: bool,
}

impl<'a, C: ConnectionTrait> Writer<'a, C> {
    pub(super) fn new(w: &'a C, repository: Uuid, version: i64, how: NoticedBy, now: Timestamp) -> Self {
        let (moved, marked) = (BTreeMap::new(), BTreeMap::new());
        let (branches, events) = (Bulk::new(w), Vec::new());
        Self { w, repository, version, how, now, branches, moved, marked, events, has_written: false }
    }

    /// A branch is there.
    pub(super) async fn see(&mut self, before: Option<&Known>, seen: &SeenBranch, tells: bool) -> Result<()> {
        let Some(before) = before else {
            let id = self.add(seen, None).await?;
            if tells && seen.is_watched {
                self.tell(id, &seen.name, BranchEventKind::BranchCreated, None, Some(seen.commit));
            }
            return Ok(());
        };
        let has_moved = before.stands_at() != Some(seen.commit);
        let is_protected = seen.is_protected.or(before.is_protected);
        if !has_moved && before.is_watched == seen.is_watched && before.is_protected == is_protected {
            return Ok(());
        }
        let marks = (seen.is_watched, is_protected);
        match has_moved {
            true => self.moved.entry(marks).or_default().push((before.id, seen.commit)),
            false => self.marked.entry(marks).or_default().push(before.id),
        }
        self.has_written = true;
        if has_moved && tells && seen.is_watched {
            let (kind, old) = match before.is_deleted {
                true => (BranchEventKind::BranchCreated, None),
                false => (BranchEventKind::BranchUpdated, Some(before.commit)),
            };
            self.tell(before.id, &seen.name, kind, old, Some(seen.commit));
        }
        Ok(())
    }

    /// A branch went that nobody saw, from that commit: it is kept as one that is gone, seen when its end was told, and no event
    /// tells of it.
    pub(super) async fn miss(&mut self, unseen: &SeenBranch) -> Result<()> {
        self.add(unseen, Some(self.now)).await?;
        Ok(())
    }

    /// A branch of which nothing was stored.
    async fn add(&mut self, seen: &SeenBranch, deleted_at: Option<Timestamp>) -> Result<Uuid> {
        let (id, now) = (new_id(self.now), StoredTimestamp::from(self.now));
        self.has_written = true;
        self.branches
            .push(branch::ActiveModel {
                id: Set(id),
                repository_id: Set(self.repository),
                name: Set(seen.name.clone()),
                head: Set(seen.commit),
                is_watched: Set(seen.is_watched),
                is_protected: Set(seen.is_protected),
                version: Set(self.version),
                first_seen_at: Set(now),
                changed_at: Set(now),
                last_seen_at: Set(now),
                deleted_at: Set(deleted_at.map(Into::into)),
            })
            .await?;
        Ok(id)
    }

    /// Branches are gone.
    pub(super) async fn lose(&mut self, gone: Vec<(String, Known)>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        // A look before this one saw them, which may have been a while after they changed. One that failed did not: what the last
        // good one saw was kept then.
        let synced = repository::Entity::find_by_id(self.repository).filter(repository::COLUMN.sync_failures.eq(0));
        let synced = synced.select_only();
        let synced: Option<Option<StoredTimestamp>> =
            synced.column(repository::Column::LastSyncAt).into_tuple().one(self.w).await?;
        let synced = synced.flatten();
        for gone in gone.chunks(ALIKE) {
            let ids = || is_any(branch::Column::Id.into_expr(), gone.iter().map(|(_, known)| known.id));
            if let Some(synced) = synced {
                let seen = branch::ActiveModel { last_seen_at: Set(synced), ..Default::default() };
                let seen = branch::Entity::update_many().set(seen).filter(ids());
                seen.filter(branch::COLUMN.last_seen_at.lt(synced)).exec(self.w).await?;
            }
            let row = branch::ActiveModel {
                version: Set(self.version),
                changed_at: Set(self.now.into()),
                deleted_at: Set(Some(self.now.into())),
                ..Default::default()
            };
            branch::Entity::update_many().set(row).filter(ids()).exec(self.w).await?;
            self.has_written = true;
            for (name, known) in gone.iter().filter(|(_, known)| known.is_watched) {
                self.tell(known.id, name, BranchEventKind::BranchDeleted, Some(known.commit), None);
            }
        }
        Ok(())
    }

    fn tell(
        &mut self,
        branch_id: Uuid,
        name: &str,
        kind: BranchEventKind,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) {
        let (id, branch_name) = (new_id(self.now), name.to_owned());
        self.events.push(NewEvent { id, branch_id, branch_name, kind, old_commit: old, new_commit: new });
    }

    async fn move_branches(&mut self) -> Result<()> {
        use branch::Column::{Head, Id};
        for ((is_watched, is_protected), moved) in std::mem::take(&mut self.moved) {
            for moved in moved.chunks(MOVED) {
                let row = branch::ActiveModel {
                    is_watched: Set(is_watched),
                    is_protected: Set(is_protected),
                    version: Set(self.version),
                    changed_at: Set(self.now.into()),
                    last_seen_at: Set(self.now.into()),
                    deleted_at: Set(None),
                    ..Default::default()
                };
                let Some(((id, commit), rest)) = moved.split_first() else { continue };
                let first = Expr::case(Id.eq(*id), Expr::val(*commit));
                let heads = rest.iter().fold(first, |heads, (id, commit)| heads.case(Id.eq(*id), Expr::val(*commit)));
                let update =
                    branch::Entity::update_many().set(row).col_expr(Head, heads.finally(Head.into_expr()).into());
                let ids = is_any(Id.into_expr(), moved.iter().map(|(id, _)| *id));
                update.filter(ids).exec(self.w).await?;
            }
        }
        Ok(())
    }

    async fn mark_branches(&mut self) -> Result<()> {
        for ((is_watched, is_protected), ids) in std::mem::take(&mut self.marked) {
            for ids in ids.chunks(ALIKE) {
                let (is_watched, is_protected) = (Set(is_watched), Set(is_protected));
                let row = branch::ActiveModel { is_watched, is_protected, ..Default::default() };
                let update = branch::Entity::update_many().set(row);
                update.filter(is_any(branch::Column::Id.into_expr(), ids.iter().copied())).exec(self.w).await?;
            }
        }
        Ok(())
    }

    /// Whether anything was written, and the events.
    pub(super) async fn finish(mut self) -> Result<(bool, Vec<NewEvent>)> {
        self.move_branches().await?;
        self.mark_branches().await?;
        // A name that another process brought in at this very moment can't be: it would hold the watch's row.
        self.branches.finish().await?;
        let mut rows = Bulk::new(self.w);
        for event in &self.events {
            rows.push(event_row(event, self.repository, self.version, self.how, self.now)).await?;
        }
        rows.finish().await?;
        Ok((self.has_written, self.events))
    }
}

/// An event that waits for its decision.
pub(crate) fn event_row(
    event: &NewEvent,
    repository: Uuid,
    sequence: i64,
    how: NoticedBy,
    now: Timestamp,
) -> branch_event::ActiveModel {
    branch_event::ActiveModel {
        id: Set(event.id),
        repository_id: Set(repository),
        branch_id: Set(event.branch_id),
        sequence: Set(sequence),
        kind: Set(event.kind),
        old_commit: Set(event.old_commit),
        new_commit: Set(event.new_commit),
        is_forced: Set(None),
        noticed_by: Set(how),
        noticed_at: Set(now.into()),
        state: Set(BranchEventState::Pending),
        verdicts: Set(JsonText(Vec::new())),
        matches: Set(0),
        tekton: Set(None),
        tries: Set(0),
        due_at: Set(Some(now.into())),
        // Of what is gone there is no commit to read, and what was found was read.
        facts_due_at: Set(event
            .new_commit
            .filter(|_| event.kind != BranchEventKind::TektonDetected)
            .map(|_| now.into())),
        processed_at: Set(None),
        error: Set(None),
    }
}
