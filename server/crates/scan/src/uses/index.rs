//! What the documents of a tree are called in their builds, and who asks for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::input::ObjectId;

use super::facts::{DocumentFacts, Subject};
use super::tree::File;
use super::ways::Way;
use crate::build::{Build, FastMap};

/// Entries that are looked at for one name. Real trees have some dozen; who has more means to be slow.
const MAX_CANDIDATES: usize = 2_000;

/// Something that an evaluation asks for; if the answer changes, it has to be done again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Flux sources of a kind and name.
    Source(Arc<str>, Arc<str>),
    /// ConfigMaps of a name, documents and generated ones.
    ConfigMap(Arc<str>),
    /// Documents of a kind and name.
    Object(Arc<str>, Arc<str>),
    /// What other controllers make, by kind and name.
    Made(Arc<str>, Arc<str>),
    /// Pods with a label.
    Pod(Arc<str>, Arc<str>),
    /// Values for charts of k3s, by name.
    K3sConfig(Arc<str>),
    /// The source that a Flux instance makes.
    Synced(Arc<str>, Arc<str>),
    /// Releases of charts, by name.
    Release(Arc<str>),
    /// Whether a file is there, and what it holds.
    File(Arc<str>),
    /// Whether a folder is there.
    Folder(Arc<str>),
    /// Which folders there are.
    Folders,
    /// The kustomization of a folder.
    Kustomization(Arc<str>),
    /// Whether a source of this kind and name serves a folder of the tree.
    Serving(Arc<str>, Arc<str>),
    /// Whether an address serves a folder of the tree to an Application.
    Home(Arc<str>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub file: Arc<str>,
    /// Position of the document in its file, or of what a kustomization makes.
    pub position: usize,
    /// In its build; `None` is unknown, and fits all.
    pub namespace: Option<Arc<str>>,
    pub build: Option<Arc<Build>>,
    pub fact: Fact,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Source { id: ObjectId, url: Option<Arc<str>>, version: EvaluatedVersion },
    ConfigMap { id: ObjectId, generated: bool },
    Object { group: Arc<str>, number: Arc<str> },
    Made,
    Pod { id: ObjectId, kind: Arc<str>, name: Arc<str>, number: Arc<str> },
    K3sConfig { id: ObjectId },
    Synced,
    Release,
}

/// The version of an OCIRepository, in a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluatedVersion {
    pub tag: Option<Arc<str>>,
    pub semver: Option<Arc<str>>,
    pub digest: Option<Arc<str>>,
}

/// All answers.
#[derive(Debug, Default)]
pub struct Index {
    /// By key, in the order of files and of positions in them.
    entries: FastMap<Key, Vec<Entry>>,
    by_file: FastMap<Arc<str>, Vec<(Key, Entry)>>,
}

impl Index {
    /// The answers for a key, as many as are worth looking at.
    pub fn get(&self, key: &Key) -> &[Entry] {
        self.entries.get(key).map_or(&[], |entries| &entries[..entries.len().min(MAX_CANDIDATES)])
    }

    /// Puts a file's entries in the place of those that it had. Gives back the keys whose answers changed.
    pub fn replace(&mut self, file: &Arc<str>, entries: Vec<(Key, Entry)>) -> BTreeSet<Key> {
        if self.by_file.get(file).map_or(&[][..], Vec::as_slice) == entries {
            return BTreeSet::new();
        }
        let old = match entries.is_empty() {
            true => self.by_file.remove(file),
            false => self.by_file.insert(Arc::clone(file), entries.clone()),
        };
        let old = old.unwrap_or_default();
        let (old, new) = (by_key(old), by_key(entries));
        let mut changed = BTreeSet::new();
        for key in old.keys().chain(new.keys()) {
            if old.get(key) != new.get(key) {
                changed.insert(key.clone());
            }
        }
        for key in &changed {
            let entries = self.entries.entry(key.clone()).or_default();
            let start = entries.partition_point(|entry| entry.file < *file);
            let end = entries.partition_point(|entry| entry.file <= *file);
            entries.splice(start..end, new.get(key).cloned().unwrap_or_default());
            if entries.is_empty() {
                self.entries.remove(key);
            }
        }
        changed
    }
}

fn by_key(entries: Vec<(Key, Entry)>) -> FastMap<Key, Vec<Entry>> {
    let mut by_key: FastMap<Key, Vec<Entry>> = FastMap::default();
    for (key, entry) in entries {
        let entries = by_key.entry(key).or_default();
        if entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    by_key
}

/// What a file's documents are called in the builds that reach it; `walks` where it is a folder's kustomization.
pub fn entries(path: &Arc<str>, file: &File, ways: &[Way], walks: Option<&[Way]>) -> Vec<(Key, Entry)> {
    let mut entries = Vec::new();
    let Some(facts) = &file.facts else { return entries };
    for (position, document) in facts.documents.iter().enumerate() {
        for way in ways {
            let namespace = way.namespace(document.namespace.as_deref(), document.literal);
            let entry = |fact| Entry {
                file: Arc::clone(path),
                position,
                namespace: namespace.clone(),
                build: way.build.clone(),
                fact,
            };
            add_document(&mut entries, document, way, file.id, entry);
        }
    }
    let Some((walks, kustomization)) = walks.zip(facts.kustomization.as_deref()) else { return entries };
    for way in walks {
        let entry = |position, namespace: &Option<Box<str>>, fact| Entry {
            file: Arc::clone(path),
            position,
            namespace: way.namespace_as_written(namespace.as_deref()),
            build: way.build.clone(),
            fact,
        };
        for (position, generator) in kustomization.config_maps.iter().enumerate() {
            let name = way.put_into(&generator.name, false);
            let fact = Fact::ConfigMap { id: file.id, generated: true };
            entries.push((Key::ConfigMap(Arc::clone(&name)), entry(position, &generator.namespace, fact)));
            entries.push((Key::Made("ConfigMap".into(), name), entry(position, &generator.namespace, Fact::Made)));
        }
        for (position, (name, namespace)) in kustomization.secrets.iter().enumerate() {
            let name = way.put_into(name, false);
            entries.push((Key::Made("Secret".into(), name), entry(position, namespace, Fact::Made)));
        }
    }
    entries
}

fn add_document(
    entries: &mut Vec<(Key, Entry)>,
    document: &DocumentFacts,
    way: &Way,
    id: ObjectId,
    entry: impl Fn(Fact) -> Entry,
) {
    let put_in = |text: &str| way.put_into(text, document.literal);
    for made in &document.makes {
        let mut entry = entry(Fact::Made);
        if made.anywhere {
            entry.namespace = None;
        }
        entries.push((Key::Made(made.kind.into(), put_in(&made.name)), entry));
    }
    if let Subject::FluxInstance(kind, name) = &document.subject {
        entries.push((Key::Synced(kind.as_ref().into(), name.as_ref().into()), entry(Fact::Synced)));
    }
    let Some(written) = &document.name else { return };
    let name = put_in(written);
    let object = Fact::Object { group: Arc::clone(&document.group), number: Arc::clone(&document.number) };
    entries.push((Key::Object(Arc::clone(&document.kind), Arc::clone(&name)), entry(object)));
    match &document.subject {
        Subject::Source(source) => {
            let put_in = |text: &Option<Box<str>>| text.as_deref().map(put_in);
            let version = EvaluatedVersion {
                tag: put_in(&source.version.tag),
                semver: put_in(&source.version.semver),
                digest: put_in(&source.version.digest),
            };
            let fact = Fact::Source { id, url: put_in(&source.url), version };
            entries.push((Key::Source(Arc::clone(&document.kind), name), entry(fact)));
        }
        Subject::ConfigMap => {
            entries.push((Key::ConfigMap(name), entry(Fact::ConfigMap { id, generated: false })));
        }
        Subject::K3sConfig(_) => {
            entries.push((Key::K3sConfig(Arc::clone(written)), entry(Fact::K3sConfig { id })));
        }
        _ => {}
    }
    for (label, value) in &document.pod_labels {
        let (kind, number) = (Arc::clone(&document.kind), Arc::clone(&document.number));
        let fact = Fact::Pod { id, kind, name: Arc::clone(written), number };
        entries.push((Key::Pod(label.as_ref().into(), value.as_ref().into()), entry(fact)));
    }
}
