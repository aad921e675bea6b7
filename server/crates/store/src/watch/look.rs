//! What a look at a remote, or a webhook, says of its branches, against what is stored.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::WatchState;
use crate::db::bulk::Bulk;
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::{BranchEventKind, BranchEventState, NoticedBy};
use entity::table::{branch, branch_event, repository, watch};
use entity::value::{JsonText, ObjectId, StoredTimestamp};
use entity::view::Timestamp;

/// Longer names are left out: no index holds them. Forges take 250 characters at most.
const MAX_NAME_BYTES: usize = 1_024;
/// So many names are looked for by one statement.
const NAMES: usize = 500;

/// A branch as a look saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBranch {
    /// Without `refs/heads/`.
    pub name: String,
    pub commit: ObjectId,
    /// Whether its name is one of those that are watched.
    pub is_watched: bool,
    /// Nothing where the one who was asked does not tell.
    pub is_protected: Option<bool>,
}

/// All branches of a remote, as one look saw them.
#[derive(Clone, Debug)]
pub struct Look {
    /// The watch's version when the look began.
    version: i64,
    how: NoticedBy,
    branches: Vec<SeenBranch>,
    hash: [u8; 32],
    /// Branches whose names are too long.
    left_out: usize,
}

impl Look {
    /// A look that began when the watch stood so.
    #[must_use]
    pub fn new(began: &WatchState, how: NoticedBy, mut branches: Vec<SeenBranch>) -> Self {
        let all = branches.len();
        branches.retain(|branch| branch.name.len() <= MAX_NAME_BYTES && !branch.name.contains('\0'));
        branches.sort_by(|a, b| a.name.cmp(&b.name));
        branches.dedup_by(|a, b| a.name == b.name);
        let mut hasher = blake3::Hasher::new();
        for branch in &branches {
            let protected = branch.is_protected.map_or(2, u8::from);
            hasher.update(branch.name.as_bytes()).update(&[0]).update(&branch.commit.0);
            hasher.update(&[u8::from(branch.is_watched), protected]);
        }
        let hash = *hasher.finalize().as_bytes();
        Self { version: began.version, how, left_out: all - branches.len(), branches, hash }
    }

    /// Whether it saw what the look before it saw, so that there is nothing to note.
    #[must_use]
    pub fn is_nothing_new(&self, began: &WatchState) -> bool {
        began.refs_hash.as_deref() == Some(&self.hash)
    }
}

/// An event that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub id: Uuid,
    pub branch_id: Uuid,
    pub branch_name: String,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    pub new_commit: Option<ObjectId>,
}

/// What came of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    pub events: Vec<NewEvent>,
    /// It was the first one: what it saw is what changes are told against.
    pub is_first: bool,
    /// Branches of which something newer was noted while it went on; the next look says more.
    pub overtaken: usize,
    /// Branches whose names are too long.
    pub left_out: usize,
}

/// What is stored of a branch.
struct Known {
    id: Uuid,
    commit: ObjectId,
    is_watched: bool,
    is_protected: Option<bool>,
    version: i64,
    is_deleted: bool,
}

/// Notes what a look saw: branches, and an event for each change of one that is watched. Wants a transaction, in which
/// what follows from the events can be written too.
pub async fn note_refs(w: &impl ConnectionTrait, repository: Uuid, look: &Look, now: Timestamp) -> Result<Noted> {
    let mut noted = Noted { left_out: look.left_out, ..Noted::default() };
    let Some(watch) = locked_watch(w, repository).await? else { return Ok(noted) };
    noted.is_first = watch.first_look_at.is_none();
    if watch.refs_hash.as_deref() == Some(&look.hash) {
        return Ok(noted);
    }
    let tells = !noted.is_first || watch.tells_first_look;
    let mut writer = Writer::new(w, repository, watch.version + 1, look.how, now);
    let mut known = known_branches(w, repository, look).await?;
    for seen in &look.branches {
        let before = known.remove(&seen.name);
        if before.as_ref().is_some_and(|before| before.version > look.version) {
            noted.overtaken += 1;
            continue;
        }
        writer.see(before, seen, tells).await?;
    }
    let mut gone = Vec::new();
    for (name, before) in known {
        if before.is_deleted {
            continue;
        }
        if before.version > look.version {
            noted.overtaken += 1;
            continue;
        }
        gone.push((name, before));
    }
    gone.sort_by(|a, b| a.0.cmp(&b.0));
    writer.lose(gone).await?;
    let (has_written, events) = writer.finish().await?;
    noted.events = events;
    // A look that was overtaken has not seen what is there now: the next one compares again.
    let state = watch::ActiveModel {
        version: Set(watch.version + i64::from(has_written)),
        refs_hash: Set((noted.overtaken == 0).then(|| look.hash.to_vec())),
        first_look_at: Set(watch.first_look_at.or_else(|| Some(now.into()))),
        ..Default::default()
    };
    let state = watch::Entity::update_many().set(state);
    state.filter(watch::COLUMN.repository_id.eq(repository)).exec(w).await?;
    Ok(noted)
}

/// A change of one branch, as a forge tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Without `refs/heads/`.
    pub branch: String,
    /// Nothing where the branch is new.
    pub old: Option<ObjectId>,
    /// Nothing where it is gone.
    pub new: Option<ObjectId>,
    pub is_watched: bool,
}

/// What a change that was told came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was news; an event where the branch is watched.
    Noted(Option<NewEvent>),
    /// The branch stands there already.
    Known,
    /// It does not follow from what is stored, or nothing is stored yet: only a look can tell.
    LookNeeded,
}

/// Whether a webhook was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    First,
    /// The same one was taken before.
    Again,
}

/// Notes one change if it follows from what is stored, and leaves all else to a look. Wants a transaction.
pub async fn note_change(
    w: &impl ConnectionTrait,
    repository: Uuid,
    change: &Change,
    how: NoticedBy,
    now: Timestamp,
) -> Result<Told> {
    if change.branch.len() > MAX_NAME_BYTES || change.branch.contains('\0') {
        return Ok(Told::LookNeeded);
    }
    let Some(watch) = locked_watch(w, repository).await? else { return Ok(Told::LookNeeded) };
    if watch.first_look_at.is_none() {
        return Ok(Told::LookNeeded);
    }
    let named = branch::Entity::find().filter(branch::COLUMN.repository_id.eq(repository));
    let before = named.filter(branch::COLUMN.name.eq(change.branch.as_str())).one(w).await?.map(Known::from);
    let standing = before.as_ref().filter(|known| !known.is_deleted).map(|known| known.commit);
    if standing == change.new {
        return Ok(Told::Known);
    }
    if standing != change.old {
        return Ok(Told::LookNeeded);
    }
    let mut writer = Writer::new(w, repository, watch.version + 1, how, now);
    match (change.new, before) {
        (Some(commit), before) => {
            let seen =
                SeenBranch { name: change.branch.clone(), commit, is_watched: change.is_watched, is_protected: None };
            writer.see(before, &seen, true).await?;
        }
        (None, Some(before)) => writer.lose(vec![(change.branch.clone(), before)]).await?,
        (None, None) => return Ok(Told::Known),
    }
    let (_, mut events) = writer.finish().await?;
    let state = watch::ActiveModel { version: Set(watch.version + 1), refs_hash: Set(None), ..Default::default() };
    let state = watch::Entity::update_many().set(state);
    state.filter(watch::COLUMN.repository_id.eq(repository)).exec(w).await?;
    Ok(Told::Noted(events.pop()))
}

/// The row that whoever writes of a repository's branches holds; SQLite has one writer, and no such locks.
async fn locked_watch(w: &impl ConnectionTrait, repository: Uuid) -> Result<Option<watch::Model>> {
    let row = watch::Entity::find_by_id(repository).filter(watch::COLUMN.is_enabled.eq(true));
    Ok(row.lock_exclusive().one(w).await?)
}

impl From<branch::Model> for Known {
    fn from(row: branch::Model) -> Self {
        Self {
            id: row.id,
            commit: row.head,
            is_watched: row.is_watched,
            is_protected: row.is_protected,
            version: row.version,
            is_deleted: row.deleted_at.is_some(),
        }
    }
}

/// The branches that are there by what is stored, and those of the look that were there once. Of a repository that makes
/// and deletes many branches, those that are gone are not read otherwise.
async fn known_branches(w: &impl ConnectionTrait, repository: Uuid, look: &Look) -> Result<HashMap<String, Known>> {
    let all = || branch::Entity::find().filter(branch::COLUMN.repository_id.eq(repository));
    let rows = all().filter(branch::COLUMN.deleted_at.is_null()).all(w).await?;
    let mut known: HashMap<String, Known> = rows.into_iter().map(|row| (row.name.clone(), row.into())).collect();
    let names = look.branches.iter().map(|branch| branch.name.as_str());
    let new: Vec<&str> = names.filter(|name| !known.contains_key(*name)).collect();
    for names in new.chunks(NAMES) {
        let named = all().filter(is_any(branch::Column::Name.into_expr(), names.iter().copied()));
        known.extend(named.all(w).await?.into_iter().map(|row| (row.name.clone(), row.into())));
    }
    Ok(known)
}

/// Writes branches and their events.
struct Writer<'a, C: ConnectionTrait> {
    w: &'a C,
    repository: Uuid,
    version: i64,
    how: NoticedBy,
    now: Timestamp,
    branches: Bulk<'a, C, branch::Entity>,
    events: Vec<NewEvent>,
    has_written: bool,
}

impl<'a, C: ConnectionTrait> Writer<'a, C> {
    fn new(w: &'a C, repository: Uuid, version: i64, how: NoticedBy, now: Timestamp) -> Self {
        let branches = Bulk::new(w);
        Self { w, repository, version, how, now, branches, events: Vec::new(), has_written: false }
    }

    /// A branch is there.
    async fn see(&mut self, before: Option<Known>, seen: &SeenBranch, tells: bool) -> Result<()> {
        let Some(before) = before else {
            let id = new_id(self.now);
            let now = StoredTimestamp::from(self.now);
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
                    deleted_at: Set(None),
                })
                .await?;
            if tells && seen.is_watched {
                self.tell(id, &seen.name, BranchEventKind::BranchCreated, None, Some(seen.commit));
            }
            return Ok(());
        };
        let has_moved = before.is_deleted || before.commit != seen.commit;
        let is_protected = seen.is_protected.or(before.is_protected);
        if !has_moved && before.is_watched == seen.is_watched && before.is_protected == is_protected {
            return Ok(());
        }
        let mut row = branch::ActiveModel {
            is_watched: Set(seen.is_watched),
            is_protected: Set(is_protected),
            ..Default::default()
        };
        if has_moved {
            row.head = Set(seen.commit);
            row.version = Set(self.version);
            row.changed_at = Set(self.now.into());
            row.last_seen_at = Set(self.now.into());
            row.deleted_at = Set(None);
        }
        branch::Entity::update_many().set(row).filter(branch::COLUMN.id.eq(before.id)).exec(self.w).await?;
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

    /// Branches are gone.
    async fn lose(&mut self, gone: Vec<(String, Known)>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        // A look before this one saw them, which may have been a while after they changed.
        let synced = repository::Entity::find_by_id(self.repository).select_only();
        let synced: Option<Option<StoredTimestamp>> =
            synced.column(repository::Column::LastSyncAt).into_tuple().one(self.w).await?;
        let synced = synced.flatten();
        for gone in gone.chunks(NAMES) {
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

    /// Whether anything was written, and the events.
    async fn finish(self) -> Result<(bool, Vec<NewEvent>)> {
        // A name that another process brought in at this very moment can't be: it would hold the watch's row.
        self.branches.finish().await?;
        let mut rows = Bulk::new(self.w);
        for event in &self.events {
            rows.push(branch_event::ActiveModel {
                id: Set(event.id),
                repository_id: Set(self.repository),
                branch_id: Set(event.branch_id),
                sequence: Set(self.version),
                kind: Set(event.kind),
                old_commit: Set(event.old_commit),
                new_commit: Set(event.new_commit),
                is_forced: Set(None),
                noticed_by: Set(self.how),
                noticed_at: Set(self.now.into()),
                state: Set(BranchEventState::Pending),
                verdicts: Set(JsonText(Vec::new())),
                matches: Set(0),
                tekton: Set(None),
                tries: Set(0),
                due_at: Set(Some(self.now.into())),
                // Of what is gone there is no commit to read.
                facts_due_at: Set(event.new_commit.map(|_| self.now.into())),
                processed_at: Set(None),
                error: Set(None),
            })
            .await?;
        }
        rows.finish().await?;
        Ok((self.has_written, self.events))
    }
}
