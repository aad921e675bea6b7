//! What a look at a remote, or a webhook, says of its branches, against what is stored.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::WatchState;
use super::hold::hold_watch;
use super::lag::{Lag, may_be_late};
use super::write::{Known, Writer};
use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use entity::input::is_branch_name;
use entity::kind::{BranchEventKind, NoticedBy};
use entity::table::{branch, watch};
use entity::value::ObjectId;
use entity::view::Timestamp;

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
    /// When that was, where somebody said so.
    began_at: Option<Timestamp>,
    /// The pattern then, which says which branches are watched.
    branch_regex: Option<String>,
    how: NoticedBy,
    branches: Vec<SeenBranch>,
    hash: [u8; 32],
    /// What it did not see is not there.
    is_complete: bool,
    /// Branches whose names are not kept.
    left_out: usize,
}

impl Look {
    /// A look that began when the watch stood so.
    #[must_use]
    pub fn new(began: &WatchState, how: NoticedBy, mut branches: Vec<SeenBranch>) -> Self {
        let all = branches.len();
        branches.retain(|branch| is_branch_name(&branch.name));
        branches.sort_by(|a, b| a.name.cmp(&b.name));
        branches.dedup_by(|a, b| a.name == b.name);
        let mut hasher = blake3::Hasher::new();
        for branch in &branches {
            let protected = branch.is_protected.map_or(2, u8::from);
            hasher.update(branch.name.as_bytes()).update(&[0]).update(&branch.commit.0);
            hasher.update(&[u8::from(branch.is_watched), protected]);
        }
        let hash = *hasher.finalize().as_bytes();
        let (branch_regex, left_out) = (began.branch_regex.clone(), all - branches.len());
        let version = began.version;
        Self { version, began_at: None, branch_regex, how, left_out, branches, hash, is_complete: true }
    }

    /// The same of a look that began then, which may be a while before it is noted.
    #[must_use]
    pub fn begun_at(self, at: Timestamp) -> Self {
        Self { began_at: Some(at), ..self }
    }

    /// The same of a list that may lack branches: what it did not see is not gone. It can't be the first look either, as what it
    /// missed would be new to the next one.
    #[must_use]
    pub fn with_gaps(self) -> Self {
        Self { is_complete: false, ..self }
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
    /// Branches of which something newer was noted, while it went on or right before it began; the next look says more.
    pub overtaken: usize,
    /// When a list is believed that shows what this one did: it may lag behind what webhooks told right before.
    pub look_again_at: Option<Timestamp>,
    /// Branches whose names are not kept.
    pub left_out: usize,
    /// Nothing was noted, as other branches are watched now than when it began: somebody has to look again.
    pub look_again: bool,
}

/// Notes what a look saw: branches, and an event for each change of one that is watched. Wants a transaction, in which
/// what follows from the events can be written too.
pub async fn note_refs(w: &impl ConnectionTrait, repository: Uuid, look: &Look, now: Timestamp) -> Result<Noted> {
    let mut noted = Noted { left_out: look.left_out, ..Noted::default() };
    let Some(watch) = hold_watch(w, repository).await? else { return Ok(noted) };
    if watch.branch_regex != look.branch_regex {
        noted.look_again = true;
        return Ok(noted);
    }
    if watch.first_look_at.is_none() && !look.is_complete {
        return Ok(noted);
    }
    noted.is_first = watch.first_look_at.is_none();
    if watch.refs_hash.as_deref() == Some(&look.hash) {
        return Ok(noted);
    }
    let tells = !noted.is_first || watch.tells_first_look;
    let mut writer = Writer::new(w, repository, watch.version + 1, look.how, now);
    let mut known = known_branches(w, repository, look).await?;
    let seen = look.branches.iter().map(|seen| (known.remove(&seen.name), seen));
    let seen: Vec<(Option<Known>, &SeenBranch)> = seen.collect();
    let mut gone: Vec<(String, Known)> =
        known.into_iter().filter(|(_, before)| !before.is_deleted && look.is_complete).collect();
    let moved = seen.iter().filter_map(|(before, seen)| Some((before.as_ref()?, seen)));
    let moved = moved.filter(|(before, seen)| before.stands_at() != Some(seen.commit)).map(|(before, _)| before);
    let elsewhere: Vec<&Known> = moved.chain(gone.iter().map(|(_, before)| before)).collect();
    let lag = Lag::read(w, &elsewhere, look.began_at.unwrap_or(now)).await?;
    let mut is_overtaken = |before: &Known, shown: Option<ObjectId>| {
        let lags_until = lag.until(before.id, shown);
        noted.look_again_at = noted.look_again_at.max(lags_until);
        let is_overtaken = before.version > look.version || lags_until.is_some();
        noted.overtaken += usize::from(is_overtaken);
        is_overtaken
    };
    for (before, seen) in &seen {
        if before.as_ref().is_some_and(|before| is_overtaken(before, Some(seen.commit))) {
            continue;
        }
        writer.see(before.as_ref(), seen, tells).await?;
    }
    gone.retain(|(_, before)| !is_overtaken(before, None));
    gone.sort_by(|a, b| a.0.cmp(&b.0));
    writer.lose(gone).await?;
    let (has_written, events) = writer.finish().await?;
    noted.events = events;
    // A look that was overtaken, or has gaps, has not seen what is there now: the next one compares again.
    let state = watch::ActiveModel {
        version: Set(watch.version + i64::from(has_written)),
        refs_hash: Set((noted.overtaken == 0 && look.is_complete).then(|| look.hash.to_vec())),
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
    /// The watch's pattern, as it was when it was asked whether the branch is watched.
    pub branch_regex: Option<String>,
    pub is_watched: bool,
}

/// What a change that was told came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was news; an event where the branch is watched.
    Noted(Option<NewEvent>),
    /// The branch stands there already, or is gone; also where it came and went unseen.
    Known,
    /// It does not follow from what is stored, it may tell of a time before the branch went, nothing is stored yet, or other
    /// branches are watched now: only a look can tell.
    LookNeeded,
}

/// Notes one change if it follows from what is stored, and leaves all else to a look. Wants a transaction.
pub async fn note_change(
    w: &impl ConnectionTrait,
    repository: Uuid,
    change: &Change,
    how: NoticedBy,
    now: Timestamp,
) -> Result<Told> {
    if !is_branch_name(&change.branch) {
        return Ok(Told::LookNeeded);
    }
    let Some(watch) = hold_watch(w, repository).await? else { return Ok(Told::LookNeeded) };
    if watch.first_look_at.is_none() || watch.branch_regex != change.branch_regex {
        return Ok(Told::LookNeeded);
    }
    let named = branch::Entity::find().filter(branch::COLUMN.repository_id.eq(repository));
    let before = named.filter(branch::COLUMN.name.eq(change.branch.as_str())).one(w).await?.map(Known::from);
    let standing = before.as_ref().and_then(Known::stands_at);
    let seen = |commit: ObjectId| {
        let (name, is_watched) = (change.branch.clone(), change.is_watched);
        SeenBranch { name, commit, is_watched, is_protected: None }
    };
    let mut writer = Writer::new(w, repository, watch.version + 1, how, now);
    if standing == change.new {
        // It came and went before anybody saw it. The webhook of its beginning, which this one overtook, is not to make it.
        if let (None, None, Some(commit), true) = (&before, change.new, change.old, change.is_watched) {
            writer.miss(&seen(commit)).await?;
            end_change(w, repository, watch.version + 1, writer).await?;
        }
        return Ok(Told::Known);
    }
    if standing != change.old {
        return Ok(Told::LookNeeded);
    }
    if let (Some(gone), Some(commit)) = (before.as_ref().filter(|before| before.is_deleted), change.new)
        && may_be_late(w, gone, commit, now).await?
    {
        return Ok(Told::LookNeeded);
    }
    match (change.new, before) {
        (Some(commit), before) => writer.see(before.as_ref(), &seen(commit), true).await?,
        (None, Some(before)) => writer.lose(vec![(change.branch.clone(), before)]).await?,
        (None, None) => return Ok(Told::Known),
    }
    let mut events = end_change(w, repository, watch.version + 1, writer).await?;
    Ok(Told::Noted(events.pop()))
}

/// Writes what a change came to. The next look compares again, whatever the last one saw.
async fn end_change<C: ConnectionTrait>(
    w: &C,
    repository: Uuid,
    version: i64,
    writer: Writer<'_, C>,
) -> Result<Vec<NewEvent>> {
    let (_, events) = writer.finish().await?;
    let state = watch::ActiveModel { version: Set(version), refs_hash: Set(None), ..Default::default() };
    let state = watch::Entity::update_many().set(state);
    state.filter(watch::COLUMN.repository_id.eq(repository)).exec(w).await?;
    Ok(events)
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
