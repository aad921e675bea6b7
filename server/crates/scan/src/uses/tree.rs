//! The tree of one commit as it stands: which files there are, and what they say.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use entity::input::ObjectId;
use yaml::{Document, Limits, Node, SharedNode};

use super::facts::{FileFacts, KustomizationFacts, documents, first_map};
use crate::build::{FastMap, Folders, folder, rank};
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
    /// Folders, and how many entries each has.
    folders: FastMap<Box<str>, usize>,
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
        let mut came = Vec::new();
        if rank(path).is_some() && facts.as_ref().is_some_and(|facts| facts.kustomize.is_some()) {
            let named = self.kustomizations.entry(folder(path).into()).or_default();
            named.push(Arc::clone(path));
            named.sort_by_key(|path| rank(path));
        }
        let file = File { id, facts, loaded: OnceLock::new() };
        if self.files.insert(Arc::clone(path), file).is_none() {
            let mut at = folder(path);
            loop {
                match self.folders.get_mut(at) {
                    Some(entries) => {
                        *entries += 1;
                        break;
                    }
                    None => {
                        self.folders.insert(at.into(), 1);
                        came.push(at.into());
                    }
                }
                if at.is_empty() {
                    break;
                }
                at = folder(at);
            }
        }
        came
    }

    /// Takes a file away. Gives back the folders that went with it.
    pub fn remove(&mut self, path: &str) -> Vec<Box<str>> {
        self.remove_kustomization(path);
        let mut went: Vec<Box<str>> = Vec::new();
        if self.files.remove(path).is_none() {
            return went;
        }
        let mut at = folder(path);
        while let Some(entries) = self.folders.get_mut(at) {
            *entries -= 1;
            if *entries > 0 {
                break;
            }
            self.folders.remove(at);
            went.push(at.into());
            if at.is_empty() {
                break;
            }
            at = folder(at);
        }
        went
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
        self.folders.contains_key(folder)
    }

    fn folders(&self) -> Vec<&str> {
        self.folders.keys().map(|folder| &**folder).collect()
    }
}
