//! A commit's tree, as far as it decides what is built from it.

use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::sync::Arc;

use entity::input::ResourceKey;
use yaml::Node;

use super::argo::Application;
use super::flux::{FluxKustomization, FluxSource};
use super::kustomization::{KustomizeFile, folder, join, rank};
use super::layout::{Kustomization, Layout, PathId};
use super::scope::CustomKind;
use super::tables::Layer;
use super::variables::Variables;
use super::{FastMap, FastSet};
use crate::detect::SOURCE_GROUP;
use crate::file::{DocumentIndex, Manifest};

/// Sources or ConfigMaps of one name, all as near, that are given back; a tree with more of them means to be slow.
const MAX_NEAREST: usize = 200;

/// What one document says about builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Flux(FluxKustomization),
    Source(FluxSource),
    Argo(Application),
    /// A kind that a CustomResourceDefinition makes.
    Custom(CustomKind),
    /// Values that a Flux Kustomization may put into its build.
    ConfigMap(ConfigMap),
}

/// The kinds of [`Part`]: what a document may be, by its group and kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    Flux,
    Source,
    Argo,
    Custom,
    ConfigMap,
}

impl PartKind {
    /// `None` for documents that decide nothing.
    #[must_use]
    pub fn of(key: &ResourceKey) -> Option<Self> {
        Some(match (key.group.as_str(), key.kind.as_str()) {
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => Self::Flux,
            (SOURCE_GROUP, "GitRepository" | "OCIRepository" | "Bucket") => Self::Source,
            ("argoproj.io", "Application" | "ApplicationSet") => Self::Argo,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Self::Custom,
            ("", "ConfigMap") => Self::ConfigMap,
            _ => return None,
        })
    }
}

/// A ConfigMap's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMap {
    pub name: String,
    pub data: Arc<Variables>,
}

impl Part {
    /// What a manifest says about builds; `None` where it says nothing.
    #[must_use]
    pub fn read(manifest: &Manifest) -> Option<Self> {
        Self::of(&manifest.key, manifest.root())
    }

    /// The same of a document that is known by `key`.
    #[must_use]
    pub fn of(key: &ResourceKey, root: Node<'_>) -> Option<Self> {
        Some(match PartKind::of(key)? {
            PartKind::Flux => {
                let namespace = (!key.namespace.is_empty()).then(|| key.namespace.clone());
                Self::Flux(FluxKustomization::read(root, namespace))
            }
            PartKind::Source => Self::Source(FluxSource::read(root, &key.kind, &key.name)),
            PartKind::Argo => Self::Argo(Application::read(root, &key.kind)),
            PartKind::Custom => Self::Custom(CustomKind::read(root)?),
            PartKind::ConfigMap => {
                let data = Arc::new(Variables::read(root.get("data")));
                Self::ConfigMap(ConfigMap { name: key.name.clone(), data })
            }
        })
    }
}

/// Something that a document says, and where it stands.
#[derive(Debug)]
pub struct Placed<'t, T> {
    pub file: &'t str,
    pub index: DocumentIndex,
    pub part: &'t T,
}

/// What an entry of a kustomization leads to, by its number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    File(usize),
    /// The kustomization of a folder.
    Kustomization(usize),
}

/// Nothing stands there.
const NOTHING: u32 = u32::MAX;

/// A layout of this tree alone, or one that lives on.
#[derive(Debug)]
enum Held<'t> {
    Own(Box<Layout>),
    Lent(&'t Layout),
}

impl Deref for Held<'_> {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        match self {
            Self::Own(layout) => layout,
            Self::Lent(layout) => layout,
        }
    }
}

/// The tree of one commit. Files and kustomizations have numbers in their order, as builds come to them again and again.
#[derive(Debug)]
pub struct Tree<'t> {
    layout: Held<'t>,
    /// Numbers of files by those of their paths.
    files: Vec<u32>,
    /// Numbers of kustomizations by those of their folders' paths.
    kustomizations: Vec<u32>,
    parts: Vec<(&'t str, DocumentIndex, &'t Part)>,
    /// By kind and name.
    sources: FastMap<(&'t str, &'t str), Vec<Placed<'t, FluxSource>>>,
    config_maps: FastMap<&'t str, Vec<Placed<'t, ConfigMap>>>,
}

impl<'t> Tree<'t> {
    /// Puts a tree together, whatever the order in which it is told: the paths of all files that are read, the
    /// kustomizations among them, and what the documents in them say.
    pub fn new(
        paths: impl IntoIterator<Item = &'t str>,
        kustomizations: impl IntoIterator<Item = (&'t str, &'t KustomizeFile)>,
        parts: impl IntoIterator<Item = (&'t str, DocumentIndex, &'t Part)>,
    ) -> Self {
        let mut paths: Vec<&str> = paths.into_iter().collect();
        paths.sort_unstable();
        paths.dedup();
        let mut layout = Layout::default();
        for path in paths {
            let path: Arc<str> = path.into();
            layout.set_file(&path, Some(0));
            layout.count(&path);
        }
        // Of each folder the kustomization that counts.
        let mut best: BTreeMap<&'t str, (usize, &'t str, &'t KustomizeFile)> = BTreeMap::new();
        for (path, file) in kustomizations {
            let Some(rank) = rank(path) else { continue };
            let entry = best.entry(folder(path)).or_insert((rank, path, file));
            if rank < entry.0 {
                *entry = (rank, path, file);
            }
        }
        for (folder, (_, path, file)) in best {
            let path: Arc<str> = path.into();
            layout.set_kustomization(folder, Some((&path, file)));
        }
        layout.settle();
        Self::of(Held::Own(Box::new(layout)), parts)
    }

    /// A tree whose files, folders and kustomizations are known already.
    pub(crate) fn on(layout: &'t Layout, parts: impl IntoIterator<Item = (&'t str, DocumentIndex, &'t Part)>) -> Self {
        Self::of(Held::Lent(layout), parts)
    }

    fn of(layout: Held<'t>, parts: impl IntoIterator<Item = (&'t str, DocumentIndex, &'t Part)>) -> Self {
        let numbers = |ids: &mut dyn Iterator<Item = PathId>| {
            let mut numbers = vec![NOTHING; layout.id_count()];
            for (number, id) in (0..NOTHING).zip(ids) {
                numbers[id as usize] = number;
            }
            numbers
        };
        let mut tree = Self {
            files: numbers(&mut layout.files().iter().map(|file| file.id)),
            kustomizations: numbers(&mut layout.kustomizations().iter().map(|one| one.id)),
            layout,
            parts: parts.into_iter().collect(),
            sources: FastMap::default(),
            config_maps: FastMap::default(),
        };
        tree.parts.sort_by_key(|(file, index, _)| (*file, *index));
        for &(file, index, part) in &tree.parts {
            match part {
                Part::Source(part) => {
                    let named = tree.sources.entry((part.kind.as_str(), part.name.as_str())).or_default();
                    named.push(Placed { file, index, part });
                }
                Part::ConfigMap(part) => {
                    tree.config_maps.entry(part.name.as_str()).or_default().push(Placed { file, index, part });
                }
                Part::Flux(_) | Part::Argo(_) | Part::Custom(_) => {}
            }
        }
        tree
    }

    /// What a folder's entry leads to.
    pub(super) fn entry(&self, folder: &str, entry: &str) -> Option<Entry> {
        self.at(self.layout.id(&join(folder, entry)?)?)
    }

    /// What stands at a path: a file, else the kustomization of a folder.
    pub(super) fn at(&self, id: PathId) -> Option<Entry> {
        let number = |numbers: &[u32]| Some(numbers[id as usize]).filter(|number| *number != NOTHING);
        let file = number(&self.files).map(|number| Entry::File(number as usize));
        file.or_else(|| number(&self.kustomizations).map(|number| Entry::Kustomization(number as usize)))
    }

    /// Whether kustomizations name more than there is room for.
    pub(super) fn is_too_much(&self) -> bool {
        self.layout.is_too_much()
    }

    /// How many files there are.
    pub(super) fn file_count(&self) -> usize {
        self.layout.files().len()
    }

    /// The path of a file, by its number.
    pub(super) fn path(&self, file: usize) -> &Arc<str> {
        self.layout.path(self.layout.files()[file].id)
    }

    /// A file's number.
    pub(super) fn file(&self, path: &str) -> Option<usize> {
        match self.at(self.layout.id(path)?)? {
            Entry::File(number) => Some(number),
            Entry::Kustomization(_) => None,
        }
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.layout.has_folder(path)
    }

    /// All folders, in order.
    pub(super) fn folders(&self) -> Vec<&str> {
        let mut folders: Vec<&str> = self.layout.folders().collect();
        folders.sort_unstable();
        folders
    }

    /// How many folders there are.
    pub(super) fn folder_count(&self) -> usize {
        self.layout.folders().len()
    }

    /// The number of a folder's kustomization.
    pub(super) fn kustomization(&self, folder: &str) -> Option<usize> {
        let number = self.kustomizations[self.layout.id(folder)? as usize];
        (number != NOTHING).then_some(number as usize)
    }

    /// Kustomizations, by their numbers.
    pub(super) fn kustomizations(&self) -> &[Kustomization] {
        self.layout.kustomizations()
    }

    /// Numbers of the files below a folder.
    pub(super) fn files_below(&self, root: &str) -> Range<usize> {
        let files = self.layout.files();
        if root.is_empty() {
            return 0..files.len();
        }
        let prefix = format!("{root}/");
        let start = files.partition_point(|file| **self.layout.path(file.id) < *prefix);
        let length = files[start..].partition_point(|file| self.layout.path(file.id).starts_with(&prefix));
        start..start + length
    }

    pub(super) fn flux(&self) -> impl Iterator<Item = Placed<'t, FluxKustomization>> {
        self.placed(|part| if let Part::Flux(part) = part { Some(part) } else { None })
    }

    /// The nearest documents of a source.
    pub(super) fn sources(&self, kind: &str, name: &str, file: &str) -> Vec<&'t FluxSource> {
        self.sources.get(&(kind, name)).map_or_else(Vec::new, |placed| nearest(placed, file).collect())
    }

    pub(super) fn argo(&self) -> impl Iterator<Item = Placed<'t, Application>> {
        self.placed(|part| if let Part::Argo(part) = part { Some(part) } else { None })
    }

    pub(super) fn custom_kinds(&self) -> impl Iterator<Item = Placed<'t, CustomKind>> {
        self.placed(|part| if let Part::Custom(part) = part { Some(part) } else { None })
    }

    /// What the variables of a Flux Kustomization's build are put together of, later ones over earlier ones; `None` where nothing
    /// is replaced in it.
    pub(super) fn variables(&self, placed: &Placed<'_, FluxKustomization>) -> Option<Vec<Layer>> {
        let post_build = placed.part.post_build.as_ref()?;
        let named = post_build.config_maps.iter().filter_map(|name| self.config_maps.get(name.as_str()));
        let maps = named.filter_map(|named| nearest(named, placed.file).next());
        let layers = maps.map(|map| &map.data).chain([&post_build.substitute]);
        let layers: Vec<Layer> = layers.map(|layer| Layer(Arc::clone(layer))).collect();
        // What is put over itself is there once, where it counts.
        let mut seen = FastSet::default();
        let mut layers: Vec<Layer> = layers.into_iter().rev().filter(|layer| seen.insert(layer.clone())).collect();
        layers.reverse();
        Some(layers)
    }

    fn placed<T: 't>(&self, of: impl Fn(&'t Part) -> Option<&'t T>) -> impl Iterator<Item = Placed<'t, T>> {
        self.parts.iter().filter_map(move |(file, index, part)| Some(Placed { file, index: *index, part: of(part)? }))
    }
}

/// Those in the folders that share the most leading names with the folder of the asking file, in the tree's order.
///
/// Candidates are in the order of their files, so that all below one folder stand together and are found without a look at
/// the others, however many those are.
fn nearest<'n, 't, T>(candidates: &'n [Placed<'t, T>], file: &str) -> impl Iterator<Item = &'t T> + use<'n, 't, T> {
    let mut at = folder(file);
    let near = loop {
        let prefix = if at.is_empty() { "" } else { &file[..=at.len()] };
        let start = candidates.partition_point(|placed| placed.file < prefix);
        let length = candidates[start..].partition_point(|placed| placed.file.starts_with(prefix));
        if length > 0 || at.is_empty() {
            break &candidates[start..start + length];
        }
        at = folder(at);
    };
    near.iter().take(MAX_NEAREST).map(|placed| placed.part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(files: &[&str], file: &str) -> Vec<usize> {
        let parts: Vec<usize> = (0..files.len()).collect();
        let index = DocumentIndex { document: 0, item: None };
        let placed = |(file, part)| Placed { file, index, part };
        let candidates: Vec<Placed<'_, usize>> = files.iter().copied().zip(&parts).map(placed).collect();
        nearest(&candidates, file).copied().collect()
    }

    #[test]
    fn the_nearest_share_the_most_leading_folders() {
        let files = ["a-b/x.yaml", "a.yaml", "a/b/c/x.yaml", "a/b/x.yaml", "a/b/y.yaml", "a/bc/x.yaml", "x.yaml"];
        assert!(files.is_sorted());
        assert_eq!(near(&files, "a/b/flux.yaml"), [2, 3, 4]);
        assert_eq!(near(&files, "a/b/c/d/flux.yaml"), [2]);
        assert_eq!(near(&files, "a/d/flux.yaml"), [2, 3, 4, 5]);
        assert_eq!(near(&files, "flux.yaml"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(near(&files, "else/where/flux.yaml"), [0, 1, 2, 3, 4, 5, 6]);
        assert!(near(&[], "a/flux.yaml").is_empty());
    }

    #[test]
    fn of_very_many_the_nearest_is_found_wherever_it_stands() {
        let paths: Vec<String> = (0..1_000).map(|number| format!("clusters/{number:04}/settings.yaml")).collect();
        let files: Vec<&str> = paths.iter().map(String::as_str).collect();
        for number in [0_usize, 199, 200, 229, 999] {
            assert_eq!(near(&files, &format!("clusters/{number:04}/apps.yaml")), [number]);
        }
    }
}
