//! What one round of changes touches.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::super::facts::FileFacts;
use super::super::index::Key;
use crate::build::Part;
use crate::file::DocumentIndex;

/// What one round of changes touches.
#[derive(Default)]
pub(super) struct Round {
    /// Whether builds have to be evaluated anew.
    pub decisive: bool,
    /// Or if variables are taken from these.
    pub config_maps: HashSet<String>,
    /// Whether something changed that decides which sources serve the tree.
    pub special: bool,
    /// Files all of whose documents are evaluated anew.
    pub touched: BTreeSet<Arc<str>>,
    /// Keys whose answers changed.
    pub dirty: BTreeSet<Key>,
}

impl Round {
    /// Notes what a file said about builds, and what it says now.
    pub fn note_parts(&mut self, old: Option<&FileFacts>, new: Option<&FileFacts>) {
        fn parts(facts: Option<&FileFacts>) -> BTreeMap<DocumentIndex, &Part> {
            let documents = facts.into_iter().flat_map(|facts| &facts.documents);
            documents.filter_map(|document| Some((document.index, document.part.as_deref()?))).collect()
        }
        let (old, new) = (parts(old), parts(new));
        let other = |of: &BTreeMap<DocumentIndex, &Part>, index, part: &Part| of.get(index).copied() != Some(part);
        let went = old.iter().filter(|(index, part)| other(&new, index, part));
        let came = new.iter().filter(|(index, part)| other(&old, index, part));
        for (_, part) in went.chain(came) {
            match part {
                Part::ConfigMap(map) => drop(self.config_maps.insert(map.name.clone())),
                Part::Flux(_) | Part::Source(_) | Part::Argo(_) | Part::Custom(_) => self.decisive = true,
            }
        }
    }
}
