//! The builds that Flux, Argo CD and kustomize would make of a tree: which file each of them reaches, and which namespace
//! and variables it gives to what stands there.
//!
//! Pure: paths, kustomizations and a few documents in, [`Builds`] out. Nothing is rendered: neither charts nor patches.

mod argo;
mod common;
mod counted;
mod evaluate;
mod flux;
mod kustomization;
mod layout;
mod passages;
mod scope;
mod tables;
mod tree;
mod variables;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::input::ResourceKey;

pub(crate) use argo::{Application, Applied, Folders, fill_in};
pub(crate) use counted::Counted;
pub use flux::is_literal;
pub use kustomization::{KustomizeFile, folder, is_bare_kustomization, is_kustomization};
pub(crate) use kustomization::{join, rank};
pub(crate) use layout::{Layout, PathId};
pub(crate) use tables::Tables;
pub use tree::{Part, PartKind, Tree};
pub use variables::Variables;
pub(crate) use variables::is_true;

use crate::file::DocumentIndex;
use evaluate::Evaluated;
use passages::Groups;
use scope::Scopes;

/// A map for what is asked very often. What comes from outside cannot choose its places: they differ from run to run.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
/// A set, likewise.
pub(crate) type FastSet<T> = HashSet<T, foldhash::fast::RandomState>;

/// Who makes a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuildKind {
    /// A Flux Kustomization.
    Flux,
    /// An Argo CD Application, or one of those that an ApplicationSet makes.
    Argo,
    /// `kustomize build`, of a folder that nothing else builds.
    Kustomize,
}

/// How a tree is read where what its tools would make of it cannot be told from the tree alone.
///
/// Figures of uses are compared between programs, so their rules ask for nothing that two of these could see otherwise. What is
/// said of one resource is what its cluster would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// As the tools render it: a path in another repository is none of this one, and a component's namespace goes over
    /// everything that it is added to.
    Rendered,
    /// As uses are counted: every path that is a folder here is meant, and a component is walked like any other folder.
    Counted,
}

/// One build of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Build {
    pub kind: BuildKind,
    /// The document that asks for it; `None` for kustomize's own.
    pub document: Option<(Arc<str>, DocumentIndex)>,
    pub folder: Arc<str>,
}

/// How a build reaches a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reach {
    /// Number of the build in [`Builds::builds`].
    pub build: usize,
    /// Goes over what documents write.
    pub forced: Option<Arc<str>>,
    /// For documents that write none.
    pub default: Option<Arc<str>>,
    /// Number of the variables that are put in; `None` where nothing is replaced.
    variables: Option<usize>,
}

impl Reach {
    /// Number of the variables that are put in; `None` where nothing is replaced.
    #[must_use]
    pub fn variables(&self) -> Option<usize> {
        self.variables
    }
}

/// Reaches by the path of a file, or of a kustomization's folder; each in order.
type Reaches = FastMap<Box<str>, Vec<Reach>>;

/// All builds of one tree.
#[derive(Debug, Default)]
pub struct Builds {
    builds: Vec<Build>,
    /// By file, in order.
    reached: Reaches,
    /// By folder with a kustomization, in order.
    walked: Reaches,
    variables: Vec<Arc<Variables>>,
    scopes: Scopes,
    exhausted: bool,
}

impl Builds {
    /// Evaluates a tree.
    #[must_use]
    pub fn of(tree: &Tree<'_>) -> Self {
        let Evaluated { builds, variables, reached, exhausted } =
            evaluate::evaluate(tree, Reading::Rendered, &mut Tables::default());
        let by_text = |count: usize, of: &Groups, text: &dyn Fn(usize) -> Box<str>| -> Reaches {
            let numbers = (0..count).filter(|number| !of.of(*number).is_empty());
            let reach = |reach: &u32| reached.reaches[*reach as usize].clone();
            numbers.map(|number| (text(number), of.of(number).iter().map(reach).collect())).collect()
        };
        let kustomizations = tree.kustomizations();
        Self {
            builds,
            reached: by_text(tree.file_count(), &reached.files, &|file| (**tree.path(file)).into()),
            walked: by_text(kustomizations.len(), &reached.kustomizations, &|number| {
                (*kustomizations[number].folder).into()
            }),
            variables,
            scopes: Scopes::of(tree),
            exhausted,
        }
    }

    /// The builds.
    #[must_use]
    pub fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// How a file is reached; empty where no build does.
    #[must_use]
    pub fn reaches(&self, file: &str) -> &[Reach] {
        self.reached.get(file).map_or(&[], Vec::as_slice)
    }

    /// How a folder's kustomization is walked: its generators and charts belong to each of these builds.
    #[must_use]
    pub fn walks(&self, folder: &str) -> &[Reach] {
        self.walked.get(folder).map_or(&[], Vec::as_slice)
    }

    /// Whether the tree was too much to be evaluated: no file is reached then, and nothing is claimed.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The variables that a build puts into what it reaches so.
    #[must_use]
    pub fn variables(&self, reach: &Reach) -> Option<&Variables> {
        self.variables.get(reach.variables?).map(|table| &**table)
    }

    /// The namespace that a document gets in one build: what the build forces, else the document's own, else the build's
    /// default. `literal`: Flux is asked to leave the document's `${...}` alone.
    #[must_use]
    pub fn namespace_in(&self, reach: &Reach, written: Option<&str>, literal: bool) -> Option<String> {
        if let Some(forced) = &reach.forced {
            return Some(forced.to_string());
        }
        let own = match (written, self.variables(reach).filter(|_| !literal)) {
            (Some(written), Some(variables)) => variables.put_into(written),
            (written, _) => written.map(str::to_owned),
        };
        own.filter(|own| !own.is_empty()).or_else(|| reach.default.as_deref().map(str::to_owned))
    }

    /// The namespaces of a document in all builds that reach it, each once; as written, where none does. `None` is unknown.
    #[must_use]
    pub fn namespaces(&self, file: &str, written: Option<&str>, literal: bool) -> Vec<Option<String>> {
        let written = written.filter(|written| !written.is_empty());
        let reaches = self.reaches(file);
        let mut all: Vec<Option<String>> = match reaches.is_empty() {
            true => vec![written.map(str::to_owned)],
            false => reaches.iter().map(|reach| self.namespace_in(reach, written, literal)).collect(),
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The namespace that builds give to a resource where it is not simply the one that is written: the only one that is
    /// known of it.
    #[must_use]
    pub fn inherited(&self, file: &str, key: &ResourceKey, literal: bool) -> Option<String> {
        if self.is_cluster_wide(&key.group, &key.kind) {
            return None;
        }
        let mut all = self.namespaces(file, Some(&key.namespace), literal);
        match all.pop() {
            Some(Some(only)) if all.is_empty() && only != key.namespace => Some(only),
            _ => None,
        }
    }

    /// Whether it makes a difference to a resource's namespace if Flux is asked to leave its `${...}` alone.
    #[must_use]
    pub fn asks_literal(&self, file: &str, key: &ResourceKey) -> bool {
        key.namespace.contains("${") && self.reaches(file).iter().any(|reach| reach.variables.is_some())
    }

    /// Whether resources of a kind are in no namespace at all.
    #[must_use]
    pub fn is_cluster_wide(&self, group: &str, kind: &str) -> bool {
        self.scopes.is_cluster_wide(group, kind)
    }
}
