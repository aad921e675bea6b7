//! The namespaces that resources inherit: by the builds of the tree as it stands at the end of a batch.
//!
//! They are worked out anew for everything when something changed that decides about them, and only then; so they depend on
//! the tree alone, never on where batches are cut.

use std::collections::HashSet;
use std::sync::Arc;

use entity::view::file_of;

use super::rows::RowId;
use super::{Memory, MemoryError, Replay, StoredTree};
use crate::build::{Builds, KustomizeFile, Part, PartKind, Tree, is_kustomization, is_literal};
use crate::file::{DocumentIndex, Manifest, ParsedFile};

/// What changed since namespaces were inherited last.
#[derive(Debug, Default)]
pub(super) struct Decisive {
    /// Something that always decides: files that came or went, kustomizations, Flux Kustomizations, Applications...
    pub tree: bool,
    /// ConfigMaps by name: they decide where a Flux Kustomization takes variables from them.
    config_maps: HashSet<String>,
}

impl Decisive {
    /// Notes what a manifest decided before, and what it decides now.
    pub fn manifest(&mut self, old: Option<&Manifest>, new: Option<&Manifest>) {
        if self.tree {
            return;
        }
        if let (Some(old), Some(new)) = (old, new) {
            // A `${...}` in a namespace is put in or left alone as the document asks.
            let asks = |manifest: &Manifest| manifest.key.namespace.contains("${") && is_literal(manifest.root());
            self.tree |= old.key != new.key || asks(old) != asks(new);
        }
        let (old, new) = (old.and_then(Part::read), new.and_then(Part::read));
        if old == new {
            return;
        }
        for part in old.into_iter().chain(new) {
            match part {
                Part::ConfigMap(map) => drop(self.config_maps.insert(map.name)),
                Part::Flux(_) | Part::Source(_) | Part::Argo(_) | Part::Custom(_) => self.tree = true,
            }
        }
    }
}

impl Replay {
    pub(super) fn note_path(&mut self, path: &Arc<str>, before: bool, after: bool) {
        self.decisive.tree |= before != after;
        match after {
            true if self.complete => drop(self.paths.insert(Arc::clone(path))),
            true => {}
            false => drop(self.paths.remove(path)),
        }
    }

    pub(super) fn note_kustomization(&mut self, path: &str, old: Option<&ParsedFile>, new: Option<&ParsedFile>) {
        let kustomize = |file: Option<&ParsedFile>| file.and_then(|file| file.kustomize.clone());
        self.decisive.tree |= is_kustomization(path) && kustomize(old) != kustomize(new);
    }

    /// Works out what every active resource inherits, where that may have changed.
    pub(super) fn inherit_namespaces(&mut self, memory: &mut dyn Memory) -> Result<(), MemoryError> {
        if !self.decisive.tree && self.decisive.config_maps.is_empty() {
            return Ok(());
        }
        if !self.complete && !self.asked.active {
            // Flux Kustomizations decide, wherever they stand, and everybody is asked.
            self.asked.active = true;
            for known in memory.active()? {
                self.rows.remember(known);
            }
        }
        let mut parts = self.parts(memory, |kind, _| matches!(kind, PartKind::Flux | PartKind::Argo))?;
        let (mut sources, mut config_maps) = (HashSet::new(), HashSet::new());
        for (_, _, part) in &parts {
            if let Part::Flux(part) = part {
                // Without a kind no document is meant.
                sources.extend(part.source.clone().and_then(|(kind, name)| Some((kind?, name))));
                config_maps
                    .extend(part.post_build.iter().flat_map(|post_build| post_build.config_maps.iter().cloned()));
            }
        }
        if !self.decisive.tree && config_maps.is_disjoint(&self.decisive.config_maps) {
            return Ok(());
        }
        let groups: HashSet<String> = self.rows.active().map(|row| self.rows[row].key.group.clone()).collect();
        parts.extend(self.parts(memory, |kind, key| match kind {
            PartKind::Source => sources.contains(&(key.kind.clone(), key.name.clone())),
            PartKind::ConfigMap => config_maps.contains(&key.name),
            // A definition is called `<plural>.<group>`; of groups that nobody uses it decides nothing.
            PartKind::Custom => key.name.split_once('.').is_some_and(|(_, group)| groups.contains(group)),
            PartKind::Flux | PartKind::Argo => false,
        })?);
        let stored = match (self.complete, self.through) {
            (false, Some(through)) => memory.tree(through.id)?,
            _ => StoredTree::default(),
        };
        let builds = self.builds(&stored, &parts);
        let active: Vec<RowId> = self.rows.active().collect();
        for row in active {
            let state = &self.rows[row];
            let file = file_of(&state.file_path);
            let literal = if builds.asks_literal(file, &state.key) {
                self.load_body(row, memory)?;
                self.rows[row].body.as_ref().is_some_and(|body| is_literal(body.manifest().root()))
            } else {
                false
            };
            let state = &self.rows[row];
            let inherited = builds.inherited(file_of(&state.file_path), &state.key, literal);
            if inherited != state.inherited {
                self.rows[row].inherited = inherited;
                self.rows.touch(row);
            }
        }
        Ok(())
    }

    fn builds(&self, stored: &StoredTree, parts: &[(String, DocumentIndex, Part)]) -> Builds {
        let live = self.files.iter().filter(|_| self.complete).map(|(path, live)| (&**path, &live.file));
        let files = stored.kustomizations.iter().map(|(path, file)| (path.as_str(), file)).chain(live);
        let kustomizations = files.filter_map(kustomization);
        let paths = stored.paths.iter().map(String::as_str).chain(self.paths.iter().map(|path| &**path));
        let parts = parts.iter().map(|(file, index, part)| (file.as_str(), *index, part));
        Builds::of(&Tree::new(paths, kustomizations, parts))
    }

    /// What the active resources that are wanted say about builds.
    fn parts(
        &mut self,
        memory: &mut dyn Memory,
        wanted: impl Fn(PartKind, &entity::input::ResourceKey) -> bool,
    ) -> Result<Vec<(String, DocumentIndex, Part)>, MemoryError> {
        let deciding: Vec<RowId> = self
            .rows
            .active()
            .filter(|row| {
                let key = &self.rows[*row].key;
                PartKind::of(key).is_some_and(|kind| wanted(kind, key))
            })
            .collect();
        let mut parts = Vec::with_capacity(deciding.len());
        for row in deciding {
            self.load_body(row, memory)?;
            let state = &self.rows[row];
            let Some(manifest) = state.body.as_ref().map(super::rows::Body::manifest) else { continue };
            if let Some(part) = Part::read(manifest) {
                parts.push((file_of(&state.file_path).to_owned(), manifest.index, part));
            }
        }
        Ok(parts)
    }
}

fn kustomization<'a>((path, file): (&'a str, &'a Arc<ParsedFile>)) -> Option<(&'a str, &'a KustomizeFile)> {
    is_kustomization(path).then_some(())?;
    Some((path, file.kustomize.as_ref()?))
}
