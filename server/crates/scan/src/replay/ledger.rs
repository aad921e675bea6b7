//! The history in plain numbers: keys that appear, disappear or change, by the counting rules.
//!
//! Kept apart from events: it counts documents by key wherever they stand, a `List` once and not its items.

use std::collections::HashMap;

use entity::input::ResourceKey;
use serde::Serialize;
use yaml::Digest;

use crate::file::ParsedFile;

/// The figures of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HistoryEvents {
    pub resources_in_first_commit: i64,
    pub resources_at_head: i64,
    /// From here on, of all commits but the first.
    pub added: i64,
    pub removed: i64,
    pub modified: i64,
    pub commits_with_events: i64,
    /// Resources that went on in another file.
    pub moved: i64,
}

/// A key's documents: content and how often; rarely more than one.
type Documents = Vec<(Digest, i32)>;

#[derive(Default)]
pub(super) struct Ledger {
    state: HashMap<ResourceKey, Documents>,
    /// The documents before the commit of keys that it touches.
    touched: HashMap<ResourceKey, Documents>,
    began: bool,
    figures: HistoryEvents,
}

impl Ledger {
    pub(super) fn begin(&mut self) {
        self.touched.clear();
    }

    /// A file changed from one content to another.
    pub(super) fn file(&mut self, old: Option<&ParsedFile>, new: Option<&ParsedFile>) {
        let mut minus: Vec<_> = old.into_iter().flat_map(documents).collect();
        for (key, digest) in new.into_iter().flat_map(documents) {
            // What stands on both sides needs no entry.
            match minus.iter().position(|(other, before)| *before == digest && *other == key) {
                Some(same) => drop(minus.swap_remove(same)),
                None => self.count(key, digest, 1),
            }
        }
        for (key, digest) in minus {
            self.count(key, digest, -1);
        }
    }

    fn count(&mut self, key: &ResourceKey, digest: Digest, by: i32) {
        if !self.state.contains_key(key) {
            self.state.insert(key.clone(), Documents::new());
        }
        let Some(documents) = self.state.get_mut(key) else { return };
        if !self.touched.contains_key(key) {
            self.touched.insert(key.clone(), documents.clone());
        }
        match documents.iter_mut().find(|(other, _)| *other == digest) {
            Some((_, count)) => *count += by,
            None => documents.push((digest, by)),
        }
        documents.retain(|(_, count)| *count != 0);
    }

    pub(super) fn end(&mut self) {
        let (mut added, mut removed, mut modified) = (0, 0, 0);
        for (key, before) in &self.touched {
            let after = self.state.get(key).map_or(&[][..], Vec::as_slice);
            match (before.is_empty(), after.is_empty()) {
                (true, false) => added += 1,
                (false, true) => removed += 1,
                (false, false) => modified += i64::from(!same(before, after)),
                (true, true) => {}
            }
        }
        self.figures.resources_at_head += added - removed;
        if self.began {
            self.figures.added += added;
            self.figures.removed += removed;
            self.figures.modified += modified;
            self.figures.commits_with_events += i64::from(added + removed + modified > 0);
        } else {
            self.figures.resources_in_first_commit = added;
            self.began = true;
        }
        for key in self.touched.keys() {
            if self.state.get(key).is_some_and(Vec::is_empty) {
                self.state.remove(key);
            }
        }
    }

    pub(super) fn figures(&self) -> HistoryEvents {
        self.figures
    }
}

fn same(left: &[(Digest, i32)], right: &[(Digest, i32)]) -> bool {
    left.len() == right.len() && left.iter().all(|entry| right.contains(entry))
}

fn documents(file: &ParsedFile) -> impl Iterator<Item = (&ResourceKey, Digest)> {
    let manifests = file.manifests.iter().filter(|manifest| manifest.index.item.is_none());
    let others = file.figures.other_documents.iter().map(|(key, digest)| (key, *digest));
    manifests.map(|manifest| (&manifest.key, manifest.written_digest())).chain(others)
}

/// Whether a file counts for anything here.
pub(super) fn has_documents(file: &ParsedFile) -> bool {
    documents(file).next().is_some()
}
