//! The tree of one commit as it stands: which files there are, and what they say.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use entity::input::ObjectId;
use yaml::{Document, Limits, Node, SharedNode};

use super::facts::{FileFacts, KustomizationFacts, documents, first_map};
use crate::build::{FastMap, Folders, Layout, Part, folder, rank};
use crate::file::DocumentIndex;
use crate::mask::Rules;

/// Where the texts of blobs are read that facts do not hold: files of values, ConfigMaps, charts of the tree.
pub trait Blobs {
    /// The blob's bytes; `None` where they cannot be had, or are too many.
    fn read(&self, id: ObjectId) -> Option<Vec<u8>>;
}

/// Blobs without one.
#[derive(Clone, Copy, Debug)]
pub struct NoBlobs;

impl Blobs for NoBlobs {
    fn read(&self, _: ObjectId) -> Option<Vec<u8>> {
        None
    }
}

/// A file of the tree.
#[derive(Debug)]
pub struct File {
    pub id: ObjectId,
    /// `None` for files that are not YAML.
    pub facts: Option<Arc<FileFacts>>,
    loaded: OnceLock<Option<Loaded>>,
}

/// A file's content, read because another file names it.
#[derive(Debug)]
pub struct Loaded {
    pub text: Box<str>,
    pub documents: Vec<Document>,
    /// What texts in it hold, by the numbers of their nodes.
    embedded: Mutex<HashMap<u32, Option<SharedNode>>>,
    rules: Rules,
}

impl Loaded {
    fn of(bytes: &[u8], rules: Rules) -> Self {
        let documents = documents(bytes, &Limits::default(), &rules);
        Self { text: String::from_utf8_lossy(bytes).into(), documents, embedded: Mutex::default(), rules }
    }

    /// The first document that is not empty, where it is a mapping.
    pub fn map(&self) -> Option<SharedNode> {
        first_map(&self.documents)
    }

    /// A document by its number among those that are not empty, and the numbers of items behind slashes.
    pub fn document(&self, number: &str) -> Option<SharedNode> {
        let mut numbers = number.split('/').map(|number| number.parse::<usize>().ok());
        let first = numbers.next()??;
        let mut root =
            self.documents.iter().filter(|document| !document.root().is_null()).nth(first)?.shared_root().clone();
        for number in numbers {
            let item = root.node().get("items")?.items().nth(number?)?;
            root = root.share(item);
        }
        Some(root)
    }

    /// The map that a text in it holds.
    pub fn embedded(&self, text: Node<'_>) -> Option<SharedNode> {
        // Whoever panicked while holding it left nothing half done.
        let mut known = self.embedded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let read = || first_map(&documents(text.scalar()?.as_bytes(), &Limits::default(), &self.rules));
        known.entry(text.id()).or_insert_with(read).clone()
    }
}

/// The tree.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<Arc<str>, File>,
    /// Where folders, YAML files and kustomizations are, for those who evaluate builds.
    layout: Layout,
    /// Files with documents that say something about builds.
    deciding: BTreeMap<Arc<str>, Arc<FileFacts>>,
    /// Files that may be a folder's kustomization, by folder, best first.
    kustomizations: FastMap<Box<str>, Vec<Arc<str>>>,
    /// How texts are masked.
    rules: Rules,
}

impl Tree {
    /// An empty tree, whose texts are masked so.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// How texts are masked.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Puts a file into the tree, in the place of what stands there. `facts`: of YAML files and kustomizations. Gives back
    /// the folders that came with it.
    pub fn insert(&mut self, path: &Arc<str>, id: ObjectId, facts: Option<Arc<FileFacts>>) -> Vec<Box<str>> {
        self.remove_kustomization(path);
        if rank(path).is_some() && facts.as_ref().is_some_and(|facts| facts.kustomize.is_some()) {
            let named = self.kustomizations.entry(folder(path).into()).or_default();
            named.push(Arc::clone(path));
            named.sort_by_key(|path| rank(path));
        }
        match &facts {
            Some(facts) if facts.documents.iter().any(|document| document.part.is_some()) => {
                self.deciding.insert(Arc::clone(path), Arc::clone(facts));
            }
            _ => drop(self.deciding.remove(path)),
        }
        self.layout.set_file(path, facts.as_ref().map(|facts| facts.documents.len()));
        let file = File { id, facts, loaded: OnceLock::new() };
        let is_new = self.files.insert(Arc::clone(path), file).is_none();
        self.lay_kustomization(path);
        if is_new { self.layout.count(path) } else { Vec::new() }
    }

    /// Takes a file away. Gives back the folders that went with it.
    pub fn remove(&mut self, path: &str) -> Vec<Box<str>> {
        self.remove_kustomization(path);
        let Some((path, _)) = self.files.remove_entry(path) else { return Vec::new() };
        self.deciding.remove(&path);
        self.layout.set_file(&path, None);
        self.lay_kustomization(&path);
        self.layout.uncount(&path)
    }

    /// Where a path is one of a kustomization, lays out the one that counts in its folder.
    fn lay_kustomization(&mut self, path: &str) {
        if rank(path).is_none() {
            return;
        }
        let counting = self.kustomizations.get(folder(path)).and_then(|named| named.first());
        let facts = counting.and_then(|counting| self.files.get(counting)?.facts.as_ref());
        let kustomize = facts.and_then(|facts| facts.kustomize.as_ref());
        self.layout.set_kustomization(folder(path), counting.zip(kustomize));
    }

    fn remove_kustomization(&mut self, path: &str) {
        if rank(path).is_some()
            && let Some(named) = self.kustomizations.get_mut(folder(path))
        {
            named.retain(|other| **other != *path);
            if named.is_empty() {
                self.kustomizations.remove(folder(path));
            }
        }
    }

    /// A file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// A file, and its path as the tree has it.
    #[must_use]
    pub fn entry(&self, path: &str) -> Option<(&Arc<str>, &File)> {
        self.files.get_key_value(path)
    }

    /// All files, in order.
    pub fn files(&self) -> impl Iterator<Item = (&Arc<str>, &File)> {
        self.files.iter()
    }

    /// Puts where things are into its order, after all that a commit did.
    pub(super) fn settle(&mut self) {
        self.layout.settle();
    }

    /// Where folders, YAML files and kustomizations are.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Files with documents that say something about builds, in order.
    pub(super) fn deciding(&self) -> impl Iterator<Item = &FileFacts> {
        self.deciding.values().map(|facts| &**facts)
    }

    /// What documents say about builds, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, DocumentIndex, &Part)> {
        self.deciding.iter().flat_map(|(path, facts)| {
            let documents = facts.documents.iter();
            documents.filter_map(move |document| Some((&**path, document.index, document.part.as_deref()?)))
        })
    }

    /// The facts of a file.
    #[must_use]
    pub fn facts(&self, path: &str) -> Option<&Arc<FileFacts>> {
        self.files.get(path)?.facts.as_ref()
    }

    /// A file's content.
    #[must_use]
    pub fn load(&self, path: &str, blobs: &dyn Blobs) -> Option<&Loaded> {
        let file = self.files.get(path)?;
        file.loaded.get_or_init(|| Some(Loaded::of(&blobs.read(file.id)?, self.rules))).as_ref()
    }

    /// The path of a folder's kustomization.
    #[must_use]
    pub fn kustomization(&self, folder: &str) -> Option<&Arc<str>> {
        self.kustomizations.get(folder)?.first()
    }

    /// A folder's kustomization.
    #[must_use]
    pub fn kustomization_facts(&self, folder: &str) -> Option<&KustomizationFacts> {
        self.facts(self.kustomization(folder)?)?.kustomization.as_deref()
    }

    /// Whether it is a folder's kustomization that counts.
    #[must_use]
    pub fn is_kustomization(&self, path: &str) -> bool {
        rank(path).is_some() && self.kustomization(folder(path)).is_some_and(|counting| **counting == *path)
    }
}

impl Folders for Tree {
    fn has_folder(&self, folder: &str) -> bool {
        self.layout.has_folder(folder)
    }

    fn folders(&self) -> Vec<&str> {
        self.layout.folders().collect()
    }
}
