//! A commit's tree, as far as it decides what is built from it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use entity::input::ResourceKey;
use yaml::Node;

use super::argo::Application;
use super::flux::{FluxKustomization, FluxSource};
use super::kustomization::{KustomizeFile, folder, join, rank};
use super::scope::CustomKind;
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

/// What an entry of a kustomization leads to, by its number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    File(usize),
    /// The kustomization of a folder.
    Kustomization(usize),
}

/// A folder's kustomization, and what its entries lead to; those that lead nowhere in the tree are left out.
#[derive(Debug)]
pub(super) struct Kustomization<'t> {
    pub folder: &'t str,
    pub namespace: Option<Arc<str>>,
    pub components: Vec<Entry>,
    pub resources: Vec<Entry>,
    pub generators: Vec<Entry>,
}

/// The tree of one commit. Files and kustomizations have numbers, as builds come to them again and again.
#[derive(Debug, Default)]
pub struct Tree<'t> {
    /// YAML files and kustomizations, in order.
    paths: Vec<&'t str>,
    numbers: FastMap<&'t str, usize>,
    folders: FastSet<&'t str>,
    /// In the order of their folders.
    kustomizations: Vec<Kustomization<'t>>,
    by_folder: FastMap<&'t str, usize>,
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
        let mut tree = Self { paths: paths.into_iter().collect(), ..Self::default() };
        tree.paths.sort_unstable();
        tree.paths.dedup();
        let mut last = None;
        for (number, path) in tree.paths.iter().enumerate() {
            tree.numbers.insert(path, number);
            let mut at = folder(path);
            // Neighbours mostly lie in one folder.
            if last != Some(at) {
                last = Some(at);
                while tree.folders.insert(at) && !at.is_empty() {
                    at = folder(at);
                }
            }
        }
        tree.add_kustomizations(kustomizations);
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

    /// Adds folders that hold none of the files that are read: a build may ask for them all the same.
    pub fn add_folders(&mut self, folders: impl IntoIterator<Item = &'t str>) {
        self.folders.extend(folders);
    }

    /// Of each folder the kustomization that counts.
    fn add_kustomizations(&mut self, kustomizations: impl IntoIterator<Item = (&'t str, &'t KustomizeFile)>) {
        let mut best: BTreeMap<&'t str, (usize, &'t KustomizeFile)> = BTreeMap::new();
        for (path, file) in kustomizations {
            let Some(rank) = rank(path) else { continue };
            let entry = best.entry(folder(path)).or_insert((rank, file));
            if rank < entry.0 {
                *entry = (rank, file);
            }
        }
        self.by_folder = best.keys().enumerate().map(|(number, folder)| (*folder, number)).collect();
        let led = |folder: &str, entries: &[String]| -> Vec<Entry> {
            entries.iter().filter_map(|entry| self.entry(folder, entry)).collect()
        };
        let read = |(folder, (_, file)): (&'t str, (usize, &'t KustomizeFile))| Kustomization {
            folder,
            namespace: file.namespace.as_deref().filter(|name| !name.is_empty()).map(Into::into),
            components: led(folder, &file.components),
            resources: led(folder, &file.resources),
            generators: led(folder, &file.generators),
        };
        self.kustomizations = best.into_iter().map(read).collect();
    }

    /// What a folder's entry leads to: a file, else the kustomization of a folder.
    pub(super) fn entry(&self, folder: &str, entry: &str) -> Option<Entry> {
        let path = join(folder, entry)?;
        let file = self.numbers.get(path.as_str()).copied().map(Entry::File);
        file.or_else(|| self.kustomization(&path).map(Entry::Kustomization))
    }

    /// The paths of all files, by their numbers.
    pub(super) fn paths(&self) -> &[&'t str] {
        &self.paths
    }

    /// A file's number.
    pub(super) fn file(&self, path: &str) -> Option<usize> {
        self.numbers.get(path).copied()
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// All folders, in order.
    pub(super) fn folders(&self) -> Vec<&'t str> {
        let mut folders: Vec<&str> = self.folders.iter().copied().collect();
        folders.sort_unstable();
        folders
    }

    /// How many folders there are.
    pub(super) fn folder_count(&self) -> usize {
        self.folders.len()
    }

    /// The number of a folder's kustomization.
    pub(super) fn kustomization(&self, folder: &str) -> Option<usize> {
        self.by_folder.get(folder).copied()
    }

    /// Kustomizations, by their numbers.
    pub(super) fn kustomizations(&self) -> &[Kustomization<'t>] {
        &self.kustomizations
    }

    /// Numbers of the files below a folder.
    pub(super) fn files_below(&self, root: &str) -> Range<usize> {
        if root.is_empty() {
            return 0..self.paths.len();
        }
        let prefix = format!("{root}/");
        let start = self.paths.partition_point(|path| *path < prefix.as_str());
        let length = self.paths[start..].partition_point(|path| path.starts_with(&prefix));
        start..start + length
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
///
/// Candidates are in the order of their files, so that all below one folder stand together and are found without a look at
/// the others, however many those are.
fn nearest<'t, T>(candidates: &[Placed<'t, T>], file: &str) -> Vec<&'t T> {
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
    near.iter().take(MAX_NEAREST).map(|placed| placed.part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(files: &[&str], file: &str) -> Vec<usize> {
        let parts: Vec<usize> = (0..files.len()).collect();
        let index = DocumentIndex { document: 0, item: None };
        let placed = |(file, part)| Placed { file, index, part };
        let candidates: Vec<Placed<'_, usize>> = files.iter().copied().zip(&parts).map(placed).collect();
        nearest(&candidates, file).into_iter().copied().collect()
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
