//! What becomes of rows: their manifest changed or moved, went, or came (back). And the events of a finished commit.

use entity::input::FoundCommit;
use entity::kind::{EventType, ResourceStatus};

use super::draft::{self, Draft};
use super::matching::{After, Before};
use super::rows::{Row, RowId};
use super::{CommitInfo, Replay};

impl Replay {
    /// The row's manifest moved or changed, or neither.
    pub(super) fn modify(&mut self, commit: &CommitInfo, before: Before, after: After, drafts: &mut Vec<Draft>) {
        let row = before.row;
        let (old, new) = (before.body.manifest(), after.body.manifest());
        let moved = before.path != after.path;
        if !moved && old.is_same(new) {
            let place = new.place(&after.path);
            if self.rows[row].file_path != place {
                self.decisive.manifest(None, Some(new));
                self.rows[row].file_path = place;
                self.rows.touch(row);
            }
            self.rows[row].body = Some(after.body);
            return;
        }
        self.moved += i64::from(moved);
        if moved {
            self.decisive.tree = true;
        }
        self.decisive.manifest(Some(old), Some(new));
        self.rows.unindex(row);
        let draft = Draft::modified(&self.rows[row], &before, &after, self.options.events);
        let state = &mut self.rows[row];
        state.key.clone_from(&new.key);
        state.api_version.clone_from(&new.api_version);
        state.file_path = new.place(&after.path);
        state.source.clone_from(&new.facts.source);
        state.updated_at = commit.committed_at;
        state.commit = commit.id;
        state.place = after.body.place();
        state.file_hash.clone_from(&draft.hash_after);
        state.body = Some(after.body);
        self.rows.index(row);
        drafts.push(draft);
    }

    pub(super) fn delete(&mut self, commit: &CommitInfo, before: Before, drafts: &mut Vec<Draft>) {
        let row = before.row;
        self.decisive.manifest(Some(before.body.manifest()), None);
        drafts.push(Draft::deleted(row, &self.rows[row], &before));
        self.rows.unindex(row);
        let state = &mut self.rows[row];
        state.status = ResourceStatus::Deleted;
        state.deleted_at = Some(commit.committed_at);
        state.updated_at = commit.committed_at;
        state.commit = commit.id;
        // Of a tree that is gone nothing can be said; a cut between commits must not decide what is kept.
        state.inherited = None;
        state.body = Some(before.body);
        self.rows.index(row);
    }

    /// A manifest without predecessor: a deleted resource comes back, or a new one is there.
    pub(super) fn appear(&mut self, commit: &CommitInfo, after: After, drafts: &mut Vec<Draft>) {
        let manifest = after.body.manifest();
        let place = manifest.place(&after.path);
        // It has a namespace to inherit itself, whatever it decides.
        self.decisive.tree = true;
        let row = match self.rows.to_resurrect(&manifest.key, &place) {
            Some(row) => {
                drafts.push(Draft::resurrected(row, &self.rows[row], &after));
                self.rows.unindex(row);
                row
            }
            None => {
                let row = self.rows.push_unindexed(Row {
                    id: self.options.new_id(),
                    key: manifest.key.clone(),
                    api_version: String::new(),
                    file_path: String::new(),
                    inherited: None,
                    file_hash: String::new(),
                    version: None,
                    chart: None,
                    status: ResourceStatus::Active,
                    place: after.body.place(),
                    created_at: commit.committed_at,
                    updated_at: commit.committed_at,
                    deleted_at: None,
                    first_sequence: commit.sequence,
                    commit: commit.id,
                    source: None,
                    body: None,
                    new_events: 0,
                    dirty: false,
                });
                drafts.push(Draft::created(row, &self.rows[row], &after));
                row
            }
        };
        let hash = drafts.last().map(|draft| draft.hash_after.clone()).unwrap_or_default();
        self.seat(&after, row);
        let state = &mut self.rows[row];
        state.status = ResourceStatus::Active;
        state.deleted_at = None;
        state.api_version.clone_from(&manifest.api_version);
        state.file_path = place;
        state.source.clone_from(&manifest.facts.source);
        state.updated_at = commit.committed_at;
        state.commit = commit.id;
        state.place = after.body.place();
        state.file_hash = hash;
        state.body = Some(after.body);
        self.rows.index(row);
    }

    /// Tells the file that the row is its manifest's.
    pub(super) fn seat(&mut self, after: &After, row: RowId) {
        if let Some(file) = self.files.get_mut(&after.path) {
            file.rows[after.body.at] = Some(row);
        }
    }

    /// Turns drafts into events, in an order that only their places decide.
    pub(super) fn finish(&mut self, commit: &CommitInfo, mut drafts: Vec<Draft>) {
        if drafts.is_empty() {
            return;
        }
        drafts.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut events = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let row = draft.row;
            self.rows.touch(row);
            self.rows[row].new_events += 1;
            self.pending.events += 1;
            if !self.options.events {
                continue;
            }
            if draft.own && draft.event_type != EventType::Deleted {
                self.keep_text(row);
            }
            let event = draft.event(&self.rows[row]);
            self.pending.bytes += draft::size(&event);
            events.push(event);
        }
        if self.options.events {
            self.commits.push(FoundCommit {
                id: commit.id,
                sequence: commit.sequence,
                committed_at: commit.committed_at,
                author_name: commit.author_name.clone(),
                subject: commit.subject.chars().take(500).collect(),
                events,
            });
        }
    }

    fn keep_text(&mut self, row: RowId) {
        if !self.options.texts {
            return;
        }
        if let Some(body) = &self.rows[row].body
            && self.given.insert(body.file.id)
            && let Some(masked) = body.file.masked()
        {
            self.pending.bytes += masked.len();
            self.texts.push((body.file.id, masked));
        }
    }
}
