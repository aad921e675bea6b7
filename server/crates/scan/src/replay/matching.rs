//! Which manifest after a commit is which manifest before it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use entity::input::ResourceKey;

use super::rows::{Body, RowId};
use crate::file::{Manifest, ParsedFile};

/// Candidates compared for the nearest path; beyond that the first in order is as good as any.
const MAX_CANDIDATES: usize = 64;

/// A manifest that stood before the commit, and its row.
pub(super) struct Before {
    pub path: Arc<str>,
    pub body: Body,
    pub row: RowId,
}

/// A manifest that stands after the commit.
pub(super) struct After {
    pub path: Arc<str>,
    pub body: Body,
}

/// Pairs of one file's manifests before and after, by their numbers, and who is left over.
#[derive(Default)]
pub(super) struct FilePairs {
    pub pairs: Vec<(usize, usize)>,
    pub before: Vec<usize>,
    pub after: Vec<usize>,
}

/// Matches within one file: the same key at the same place, then the same content, then the same key, then a
/// namespace that was added, dropped or changed. `has_row` says which manifests before are known.
pub(super) fn within_file(old: &ParsedFile, new: &ParsedFile, has_row: impl Fn(usize) -> bool) -> FilePairs {
    let (old, new) = (&old.manifests, &new.manifests);
    let same_place = |(old, new): (&Manifest, &Manifest)| old.index == new.index && old.key == new.key;
    if old.len() == new.len() && (0..old.len()).all(&has_row) && old.iter().zip(new).all(same_place) {
        return FilePairs { pairs: (0..old.len()).map(|at| (at, at)).collect(), ..FilePairs::default() };
    }
    let mut pairs = Pairing {
        before: (0..old.len()).filter(|at| has_row(*at)).map(Some).collect(),
        after: (0..new.len()).map(Some).collect(),
        pairs: Vec::new(),
    };
    pairs.by(|at| (old[at].index, &old[at].key), |at| (new[at].index, &new[at].key));
    pairs.by(|at| old[at].digest(), |at| new[at].digest());
    pairs.by(|at| &old[at].key, |at| &new[at].key);
    pairs.by(
        |at| (old[at].index, without_namespace(&old[at].key)),
        |at| (new[at].index, without_namespace(&new[at].key)),
    );
    let unnamed = |key: &ResourceKey| key.namespace.is_empty();
    for appeared in [true, false] {
        pairs.by(
            |at| (unnamed(&old[at].key) == appeared).then(|| without_namespace(&old[at].key)).ok_or(at),
            |at| (unnamed(&new[at].key) != appeared).then(|| without_namespace(&new[at].key)).ok_or(at + old.len()),
        );
    }
    FilePairs {
        pairs: pairs.pairs,
        before: pairs.before.into_iter().flatten().collect(),
        after: pairs.after.into_iter().flatten().collect(),
    }
}

/// Matches what is left over between files: the same content, then the same key, nearest path first; then a
/// namespace that was added or dropped on the way, where there is one candidate only.
pub(super) fn between_files(before: Vec<Before>, after: Vec<After>) -> (Vec<(Before, After)>, Vec<Before>, Vec<After>) {
    if before.is_empty() || after.is_empty() {
        return (Vec::new(), before, after);
    }
    let mut before: Vec<Option<Before>> = before.into_iter().map(Some).collect();
    let mut pairs = Vec::new();
    let after = nearest(&mut before, after, &mut pairs, Manifest::digest);
    let after = nearest(&mut before, after, &mut pairs, |manifest| manifest.key.clone());
    let mut single: HashMap<ResourceKey, (Vec<usize>, usize)> = HashMap::new();
    for (at, before) in before.iter().enumerate() {
        if let Some(before) = before {
            single.entry(without_namespace(&before.body.manifest().key)).or_default().0.push(at);
        }
    }
    for after in &after {
        if let Some(entry) = single.get_mut(&without_namespace(&after.body.manifest().key)) {
            entry.1 += 1;
        }
    }
    let mut left = Vec::new();
    for after in after {
        let key = &after.body.manifest().key;
        let candidate = match single.get(&without_namespace(key)) {
            Some((candidates, 1)) if candidates.len() == 1 => before[candidates[0]].take_if(|before| {
                let other = &before.body.manifest().key;
                other.namespace.is_empty() != key.namespace.is_empty()
            }),
            _ => None,
        };
        match candidate {
            Some(before) => pairs.push((before, after)),
            None => left.push(after),
        }
    }
    (pairs, before.into_iter().flatten().collect(), left)
}

fn nearest<K: std::hash::Hash + Eq>(
    before: &mut [Option<Before>],
    after: Vec<After>,
    pairs: &mut Vec<(Before, After)>,
    key: impl Fn(&Manifest) -> K,
) -> Vec<After> {
    let mut candidates: HashMap<K, VecDeque<usize>> = HashMap::new();
    for (at, before) in before.iter().enumerate() {
        if let Some(before) = before {
            candidates.entry(key(before.body.manifest())).or_default().push_back(at);
        }
    }
    let mut left = Vec::new();
    for after in after {
        let found = candidates.get_mut(&key(after.body.manifest())).and_then(|candidates| {
            let best = candidates
                .iter()
                .take(MAX_CANDIDATES)
                .enumerate()
                .max_by_key(|(place, at)| {
                    let path = before[**at].as_ref().map_or("", |before| &*before.path);
                    (closeness(path, &after.path), std::cmp::Reverse(*place))
                })
                .map(|(place, _)| place)?;
            before[candidates.remove(best)?].take()
        });
        match found {
            Some(before) => pairs.push((before, after)),
            None => left.push(after),
        }
    }
    left
}

/// How many folders and names two paths share at their start and end.
pub(super) fn closeness(left: &str, right: &str) -> usize {
    let start = left.split('/').zip(right.split('/')).take_while(|(left, right)| left == right).count();
    let end = left.rsplit('/').zip(right.rsplit('/')).take_while(|(left, right)| left == right).count();
    start + end
}

fn without_namespace(key: &ResourceKey) -> ResourceKey {
    ResourceKey { group: key.group.clone(), kind: key.kind.clone(), namespace: String::new(), name: key.name.clone() }
}

struct Pairing {
    before: Vec<Option<usize>>,
    after: Vec<Option<usize>>,
    pairs: Vec<(usize, usize)>,
}

impl Pairing {
    /// Pairs those left over that have the same key, in order.
    fn by<K: std::hash::Hash + Eq>(&mut self, old: impl Fn(usize) -> K, new: impl Fn(usize) -> K) {
        if self.before.iter().all(Option::is_none) || self.after.iter().all(Option::is_none) {
            return;
        }
        let mut places: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (slot, at) in self.before.iter().enumerate() {
            if let Some(at) = at {
                places.entry(old(*at)).or_default().push_back(slot);
            }
        }
        for after in &mut self.after {
            let Some(at) = *after else { continue };
            if let Some(slot) = places.get_mut(&new(at)).and_then(VecDeque::pop_front)
                && let Some(before) = self.before[slot].take()
            {
                self.pairs.push((before, at));
                *after = None;
            }
        }
    }
}
