//! Events in the making: what is known while a commit is applied, before sources are resolved.

use entity::input::{FoundEvent, ResourceKey};
use entity::kind::{ChangeTag, EventType};
use entity::view::FieldChange;
use uuid::Uuid;

use super::matching::{After, Before};
use super::rows::{Row, RowId};
use crate::detect::Provides;
use crate::diff::{diff, diff_as_written};

/// An event without the parts that other resources of the same commit decide.
pub(super) struct Draft {
    pub row: RowId,
    pub event_type: EventType,
    /// Whether the manifest itself did it; otherwise only what its source delivers changed.
    pub own: bool,
    key: ResourceKey,
    api_version: String,
    place: String,
    place_before: Option<String>,
    hash_before: Option<String>,
    pub hash_after: String,
    version_before: Option<String>,
    tags: Vec<ChangeTag>,
    changes: Vec<FieldChange>,
    changes_total: i64,
    /// What a source delivered before, for those who deploy from it.
    pub provided_before: Option<Provides>,
    caused_by: Option<Uuid>,
}

impl Draft {
    fn new(row: RowId, event_type: EventType, state: &Row) -> Self {
        Self {
            row,
            event_type,
            own: true,
            key: state.key.clone(),
            api_version: state.api_version.clone(),
            place: state.file_path.clone(),
            place_before: None,
            hash_before: None,
            hash_after: String::new(),
            version_before: state.version.clone(),
            tags: Vec::new(),
            changes: Vec::new(),
            changes_total: 0,
            provided_before: None,
            caused_by: None,
        }
    }

    /// The manifest stands, changed or elsewhere. `events` says whether anybody will read more than the count.
    pub(super) fn modified(state: &Row, before: &Before, after: &After, events: bool) -> Self {
        let (old, new) = (before.body.manifest(), after.body.manifest());
        let mut draft = Self::new(before.row, EventType::Modified, state);
        draft.provided_before.clone_from(&old.facts.provides);
        draft.key.clone_from(&new.key);
        draft.api_version.clone_from(&new.api_version);
        draft.place = new.place(&after.path);
        draft.hash_after.clone_from(&state.file_hash);
        if !events {
            return draft;
        }
        draft.hash_before = Some(state.file_hash.clone());
        if !old.is_same(new) {
            draft.tags.push(ChangeTag::FileContent);
            draft.hash_after = new.file_hash();
            let compare = if old.digest() == new.digest() { diff_as_written } else { diff };
            let changes = compare(old.root(), new.root());
            (draft.changes, draft.changes_total) = (changes.kept, changes.total);
        }
        if before.path != after.path {
            draft.tags.push(ChangeTag::FilePath);
            draft.place_before = Some(state.file_path.clone());
        }
        if old.api_version != new.api_version {
            draft.tags.push(ChangeTag::ApiVersion);
        }
        draft
    }

    pub(super) fn deleted(row: RowId, state: &Row, before: &Before) -> Self {
        let mut draft = Self::new(row, EventType::Deleted, state);
        draft.hash_before = Some(state.file_hash.clone());
        draft.tags.push(ChangeTag::ResourceDeleted);
        draft.provided_before.clone_from(&before.body.manifest().facts.provides);
        draft
    }

    pub(super) fn resurrected(row: RowId, state: &Row, after: &After) -> Self {
        let hash_before = Some(state.file_hash.clone());
        Self {
            hash_before,
            ..Self::appeared(row, state, after, EventType::Resurrected, ChangeTag::ResourceResurrected)
        }
    }

    pub(super) fn created(row: RowId, state: &Row, after: &After) -> Self {
        Self::appeared(row, state, after, EventType::Created, ChangeTag::ResourceCreated)
    }

    fn appeared(row: RowId, state: &Row, after: &After, event_type: EventType, tag: ChangeTag) -> Self {
        let manifest = after.body.manifest();
        let mut draft = Self::new(row, event_type, state);
        draft.key.clone_from(&manifest.key);
        draft.api_version.clone_from(&manifest.api_version);
        draft.place = manifest.place(&after.path);
        draft.hash_after = manifest.file_hash();
        draft.tags.push(tag);
        draft
    }

    /// The manifest stayed as it is; what it deploys did not.
    pub(super) fn by_source(row: RowId, state: &Row) -> Self {
        let mut draft = Self::new(row, EventType::Modified, state);
        draft.own = false;
        draft.hash_before = Some(state.file_hash.clone());
        draft.hash_after.clone_from(&state.file_hash);
        draft
    }

    /// Whether another resource was found to be the cause already.
    pub(super) fn is_blamed(&self) -> bool {
        self.caused_by.is_some()
    }

    /// What the resource deploys changed because of another one.
    pub(super) fn blame(&mut self, source: Uuid, changes: Vec<FieldChange>) {
        if !self.tags.contains(&ChangeTag::Source) {
            self.tags.push(ChangeTag::Source);
        }
        self.caused_by = Some(source);
        self.changes_total += i64::try_from(changes.len()).unwrap_or(i64::MAX);
        self.changes.extend(changes);
    }

    /// What the order of a commit's events is decided by: only what the manifests say.
    pub(super) fn order(&self) -> impl Ord {
        (&self.place, self.event_type, &self.key)
    }

    /// The event, once the row is as the commit leaves it.
    pub(super) fn event(self, state: &Row) -> FoundEvent {
        let deleted = self.event_type == EventType::Deleted;
        let version_after = if deleted { None } else { state.version.clone() };
        let mut tags = self.tags;
        if self.event_type == EventType::Modified && self.version_before != version_after {
            let source = tags.iter().position(|tag| *tag == ChangeTag::Source).unwrap_or(tags.len());
            tags.insert(source, ChangeTag::Version);
        }
        let paths = self.changes.iter().map(|change| change.path.clone());
        FoundEvent {
            resource_id: state.id,
            event_type: self.event_type,
            api_version: self.api_version,
            namespace: (!self.key.namespace.is_empty()).then_some(self.key.namespace),
            kind: self.key.kind,
            name: self.key.name,
            file_path: self.place,
            file_path_before: self.place_before,
            file_hash_before: self.hash_before,
            file_hash_after: (!deleted).then_some(self.hash_after),
            version_before: self.version_before,
            version_after,
            changes_detected: tags.iter().map(ToString::to_string).chain(paths).collect(),
            changes: self.changes,
            changes_total: self.changes_total,
            place: (!deleted).then_some(state.place),
            caused_by_resource_id: self.caused_by,
        }
    }
}

/// About how many bytes an event takes in memory.
pub(super) fn size(event: &FoundEvent) -> usize {
    let change = |change: &FieldChange| {
        2 * change.path.len() + change.old.as_ref().map_or(0, String::len) + change.new.as_ref().map_or(0, String::len)
    };
    500 + event.file_path.len() + event.changes.iter().map(change).sum::<usize>()
}
