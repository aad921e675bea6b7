//! From facts to findings: what one document says in the builds that reach it.
//!
//! Whatever is asked of other files is asked through [`Asker`], which notes it, so that it is known when a document has to
//! be evaluated again.

mod argo;
mod choose;
mod config_map;
mod draft;
mod flux;
mod folder;
mod k3s;
mod kustomize;
mod own;
mod reference;
mod variables;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use yaml::SharedNode;

use super::chart_use::{ChartUse, once};
use super::facts::{FileFacts, KustomizationFacts, Subject};
use super::index::{Entry, Index, Key};
use super::source::ChartSources;
use super::tree::{Blobs, Loaded, Tree};
use super::values::{Layers, Values};
use super::ways::{Way, Ways};
use draft::MergedValues;

use crate::build::{Application, Folders, folder};

/// Bytes of values kept of one document in all its builds.
const MAX_VALUES: usize = 128 << 20;

pub use draft::in_folder;
pub use folder::{from_root, home_of, serving};
pub use own::OwnValues;
pub use reference::{Dependency, Reference};
pub use variables::{Known, agree, agreed};

/// What an evaluation may ask.
pub struct Asker<'e> {
    pub tree: &'e Tree,
    pub ways: &'e Ways,
    pub index: &'e Index,
    /// Names of releases.
    pub releases: &'e Index,
    /// Kinds and names of Flux sources that serve a folder of the tree.
    pub serving: &'e HashSet<(Box<str>, Box<str>)>,
    /// Addresses that serve a folder of the tree to an Application.
    pub homes: &'e HashSet<Box<str>>,
    pub sources: &'e ChartSources,
    pub blobs: &'e dyn Blobs,
    asked: RefCell<BTreeSet<Key>>,
    /// Bytes left for the values of what is evaluated.
    room: Cell<usize>,
    /// What its own values came to before, and come to now.
    own_before: RefCell<Option<OwnValues>>,
    own_now: RefCell<Option<OwnValues>>,
}

/// A part of a file that is evaluated as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// A document, by its position.
    Document(usize),
    /// The file as a folder's kustomization.
    Kustomization,
}

/// What a unit says about charts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCharts {
    pub uses: Vec<Arc<ChartUse>>,
    /// A release without a chart, as `file#no`.
    pub partial: Option<String>,
}

/// What a unit names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundReferences {
    pub references: Vec<Reference>,
    pub depends_on: Vec<Dependency>,
    /// Whether there was more than could be kept.
    pub is_cut: bool,
}

/// What everything that is evaluated lies in.
#[derive(Clone, Copy)]
pub struct Place<'e> {
    pub path: &'e Arc<str>,
    pub facts: &'e FileFacts,
}

impl<'e> Asker<'e> {
    #[expect(clippy::too_many_arguments, reason = "all that may be asked, named where it is put together")]
    pub fn new(
        tree: &'e Tree,
        ways: &'e Ways,
        index: &'e Index,
        releases: &'e Index,
        serving: &'e HashSet<(Box<str>, Box<str>)>,
        homes: &'e HashSet<Box<str>>,
        sources: &'e ChartSources,
        blobs: &'e dyn Blobs,
    ) -> Self {
        Self {
            tree,
            ways,
            index,
            releases,
            serving,
            homes,
            sources,
            blobs,
            asked: RefCell::default(),
            room: Cell::new(0),
            own_before: RefCell::default(),
            own_now: RefCell::default(),
        }
    }

    /// The same for what may keep so many bytes of values.
    pub fn with_room(self, bytes: usize) -> Self {
        self.room.set(bytes.min(MAX_VALUES));
        self
    }

    /// No values yet, with as much room for them as is left.
    fn no_values(&self) -> Layers {
        Layers::with_room(self.room.get())
    }

    /// What merged values come to.
    fn merged(&self, layers: Layers) -> MergedValues {
        self.counted(Arc::new(Values::of(&layers, self.tree.rules())), layers)
    }

    /// The same of values that are known.
    fn counted(&self, values: Arc<Values>, layers: Layers) -> MergedValues {
        self.room.set(self.room.get().saturating_sub(values.cost(&layers)));
        MergedValues { values, layers: Arc::new(layers) }
    }

    /// What was asked since this was called last.
    pub fn take_asked(&self) -> BTreeSet<Key> {
        self.asked.take()
    }

    fn note(&self, key: Key) {
        self.asked.borrow_mut().insert(key);
    }

    fn entries(&self, key: Key) -> &'e [Entry] {
        let entries = self.index.get(&key);
        self.note(key);
        entries
    }

    fn has_file(&self, path: &str) -> bool {
        self.note(Key::File(path.into()));
        self.tree.file(path).is_some()
    }

    /// A file's content, and its path as the tree has it.
    fn load(&self, path: &str) -> Option<(&'e Arc<str>, &'e Loaded)> {
        self.note(Key::File(path.into()));
        Some((self.tree.entry(path)?.0, self.tree.load(path, self.blobs)?))
    }

    /// The first document of a file, where it is a mapping.
    fn map(&self, path: &str) -> Option<(&'e Arc<str>, SharedNode)> {
        let (path, loaded) = self.load(path)?;
        Some((path, loaded.map()?))
    }

    fn kustomization(&self, folder: &str) -> Option<&'e KustomizationFacts> {
        self.note(Key::Kustomization(folder.into()));
        self.tree.kustomization_facts(folder)
    }

    /// What a unit says about charts.
    pub fn charts(&self, place: Place<'e>, unit: Unit) -> FoundCharts {
        let Unit::Document(position) = unit else {
            let uses = place.facts.kustomization.as_deref().map(|facts| self.kustomize_charts(place, facts));
            return FoundCharts { uses: uses.unwrap_or_default(), partial: None };
        };
        let document = &place.facts.documents[position];
        let ways = self.ways.of_file(place.path);
        let uses = match &document.subject {
            Subject::HelmRelease(None) => {
                let partial = Some(format!("{}#{}", place.path, document.number));
                return FoundCharts { uses: Vec::new(), partial };
            }
            Subject::HelmRelease(Some(release)) => self.flux_charts(place, document, release, ways),
            Subject::Argo(argo) => self.argo_charts(place, document, argo, ways),
            Subject::K3sChart(chart) => self.k3s_charts(place, document, chart, ways),
            Subject::Inflation(chart) => self.inflated_charts(place, &document.number, None, chart, ways),
            Subject::Source(_)
            | Subject::K3sConfig(_)
            | Subject::ConfigMap
            | Subject::FluxKustomization(_)
            | Subject::FluxInstance(..)
            | Subject::Other => Vec::new(),
        };
        FoundCharts { uses: once(uses), partial: None }
    }

    /// What a unit names.
    pub fn references(&self, place: Place<'e>, unit: Unit) -> FoundReferences {
        match unit {
            Unit::Document(position) => {
                let document = &place.facts.documents[position];
                let mut found = self.document_references(place, document, self.ways.of_file(place.path));
                self.folder_references(place, document, &mut found.references);
                found.references.sort_unstable();
                found.references.dedup();
                found
            }
            Unit::Kustomization => {
                let mut references = self.kustomization_references(place, folder(place.path));
                references.sort_unstable();
                references.dedup();
                FoundReferences { references, ..FoundReferences::default() }
            }
        }
    }

    /// The folders of the tree that an Application applies.
    fn applied(&self, application: &Application) -> Vec<crate::build::Applied> {
        application.applied(self)
    }

    fn ways_of(&self, path: &str) -> &'e [Way] {
        self.ways.of_kustomization(path)
    }
}

impl Folders for Asker<'_> {
    fn has_folder(&self, folder: &str) -> bool {
        self.note(Key::Folder(folder.into()));
        self.tree.has_folder(folder)
    }

    fn folders(&self) -> Vec<&str> {
        self.note(Key::Folders);
        self.tree.folders()
    }
}
