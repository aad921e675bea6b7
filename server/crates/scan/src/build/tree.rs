//! A commit's tree, as far as it decides what is built from it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use entity::input::ResourceKey;
use entity::view::shared_folders;
use yaml::Node;

use super::argo::Application;
use super::flux::{FluxKustomization, FluxSource};
use super::kustomization::{KustomizeFile, folder, rank};
use super::scope::CustomKind;
use super::variables::Variables;
use crate::detect::SOURCE_GROUP;
use crate::file::{DocumentIndex, Manifest};

/// Sources or ConfigMaps of one name that are compared; a tree with more of them means to be slow.
const MAX_CANDIDATES: usize = 200;

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
    pub data: Variables,
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
                Self::ConfigMap(ConfigMap { name: key.name.clone(), data: Variables::read(root.get("data")) })
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

/// The tree of one commit.
#[derive(Debug, Default)]
pub struct Tree<'t> {
    /// YAML files and kustomizations.
    paths: BTreeSet<&'t str>,
    folders: HashSet<&'t str>,
    /// By folder.
    kustomizations: BTreeMap<&'t str, (usize, &'t KustomizeFile)>,
    parts: Vec<(&'t str, DocumentIndex, &'t Part)>,
    /// By kind and name.
    sources: HashMap<(&'t str, &'t str), Vec<Placed<'t, FluxSource>>>,
    config_maps: HashMap<&'t str, Vec<Placed<'t, ConfigMap>>>,
}

impl<'t> Tree<'t> {
    /// Puts a tree together, whatever the order in which it is told: the paths of all files that are read, the
    /// kustomizations among them, and what the documents in them say.
    pub fn new(
        paths: impl IntoIterator<Item = &'t str>,
        kustomizations: impl IntoIterator<Item = (&'t str, &'t KustomizeFile)>,
        parts: impl IntoIterator<Item = (&'t str, DocumentIndex, &'t Part)>,
    ) -> Self {
        let mut tree = Self::default();
        for path in paths {
            tree.paths.insert(path);
            let mut at = folder(path);
            while tree.folders.insert(at) && !at.is_empty() {
                at = folder(at);
            }
        }
        for (path, file) in kustomizations {
            let Some(rank) = rank(path) else { continue };
            let entry = tree.kustomizations.entry(folder(path)).or_insert((rank, file));
            if rank < entry.0 {
                *entry = (rank, file);
            }
        }
        tree.parts = parts.into_iter().collect();
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

    pub(super) fn has_file(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = &'t str> {
        self.folders.iter().copied()
    }

    /// A folder's kustomization, and the folder as the tree has it.
    pub(super) fn kustomization(&self, folder: &str) -> Option<(&'t str, &'t KustomizeFile)> {
        self.kustomizations.get_key_value(folder).map(|(folder, (_, file))| (*folder, *file))
    }

    pub(super) fn kustomizations(&self) -> impl Iterator<Item = (&'t str, &'t KustomizeFile)> {
        self.kustomizations.iter().map(|(folder, (_, file))| (*folder, *file))
    }

    /// Files below a folder.
    pub(super) fn files_below(&self, root: &str) -> Vec<&'t str> {
        let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
        self.paths
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .copied()
            .take_while(|path| path.starts_with(&prefix))
            .collect()
    }

    /// The file as the tree has it.
    pub(super) fn file(&self, path: &str) -> Option<&'t str> {
        self.paths.get(path).copied()
    }

    pub(super) fn flux(&self) -> impl Iterator<Item = Placed<'t, FluxKustomization>> {
        self.placed(|part| if let Part::Flux(part) = part { Some(part) } else { None })
    }

    /// The nearest documents of a source.
    pub(super) fn sources(&self, kind: &str, name: &str, file: &str) -> Vec<&'t FluxSource> {
        self.sources.get(&(kind, name)).map_or_else(Vec::new, |placed| nearest(placed, file))
    }

    pub(super) fn argo(&self) -> impl Iterator<Item = Placed<'t, Application>> {
        self.placed(|part| if let Part::Argo(part) = part { Some(part) } else { None })
    }

    pub(super) fn custom_kinds(&self) -> impl Iterator<Item = Placed<'t, CustomKind>> {
        self.placed(|part| if let Part::Custom(part) = part { Some(part) } else { None })
    }

    /// The variables of a Flux Kustomization's build; `None` where nothing is replaced in it.
    pub(super) fn variables(&self, placed: &Placed<'_, FluxKustomization>) -> Option<Variables> {
        let post_build = placed.part.post_build.as_ref()?;
        let mut variables = Variables::default();
        for name in &post_build.config_maps {
            let Some(named) = self.config_maps.get(name.as_str()) else { continue };
            if let Some(map) = nearest(named, placed.file).first() {
                variables.extend(&map.data);
            }
        }
        variables.extend(&post_build.substitute);
        Some(variables)
    }

    fn placed<T: 't>(&self, of: impl Fn(&'t Part) -> Option<&'t T>) -> impl Iterator<Item = Placed<'t, T>> {
        self.parts.iter().filter_map(move |(file, index, part)| Some(Placed { file, index: *index, part: of(part)? }))
    }
}

/// Those in the folders that share the most leading names with the folder of the asking file, in the tree's order.
fn nearest<'t, T>(candidates: &[Placed<'t, T>], file: &str) -> Vec<&'t T> {
    let near = |placed: &Placed<'t, T>| shared_folders(placed.file, file);
    let candidates = &candidates[..candidates.len().min(MAX_CANDIDATES)];
    let most = candidates.iter().map(near).max();
    candidates.iter().filter(|placed| Some(near(placed)) == most).map(|placed| placed.part).collect()
}
