//! Everything that a tree uses, kept up to date from commit to commit: what a change cannot have changed is left alone.

mod askers;
mod delta;
mod round;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::evaluate::{Asker, FoundCharts, FoundReferences, OwnValues, Place, Reference, Unit, home_of, serving};
use super::facts::{FileFacts, Subject};
use super::image::ImagePlace;
use super::index::{Entry, Fact, Index, Key, entries};
use super::source::ChartSources;
use super::tree::{Blobs, File, Tree};
use super::ways::Ways;
use crate::build::{FastSet, Part, folder, is_kustomization};
use crate::mask::Rules;

pub use delta::{Change, Delta, Findings};

use askers::{Askers, forget, replace_askers, with_askers};
use delta::differ;
use round::Round;

/// Bytes of leaves kept of all uses of a tree; further values are left out. Real trees have a few megabytes.
const MAX_VALUES: usize = 512 << 20;
/// References kept of a tree; real ones have some thousand.
const MAX_REFERENCES: usize = 1_000_000;
/// The names that kustomize looks for, one of which counts.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A part of a file.
type UnitId = (Arc<str>, Unit);

/// What is known of a unit.
#[derive(Debug, Default)]
pub(super) struct UnitState {
    pub charts: FoundCharts,
    pub references: FoundReferences,
    /// What is kept to find out whether values are those of before.
    own: Option<OwnValues>,
    charts_asked: BTreeSet<Key>,
    references_asked: BTreeSet<Key>,
}

/// A tree and everything that it uses.
#[derive(Debug)]
pub struct Evaluator {
    sources: Arc<ChartSources>,
    pub(super) tree: Tree,
    pub(super) ways: Ways,
    index: Index,
    releases: Index,
    serving: HashSet<(Box<str>, Box<str>)>,
    homes: HashSet<Box<str>>,
    /// Files whose documents decide about `serving` and `homes`.
    special: BTreeSet<Arc<str>>,
    pub(super) units: BTreeMap<UnitId, UnitState>,
    charts_askers: Askers,
    references_askers: Askers,
    /// Bytes of leaves that are kept.
    bytes: usize,
    /// References that are kept.
    references: usize,
}

impl Evaluator {
    /// An empty tree, with the usual rules of what is masked.
    #[must_use]
    pub fn new(sources: Arc<ChartSources>) -> Self {
        Self::masking(sources, Rules::default())
    }

    /// The same with rules of one's own.
    #[must_use]
    pub fn masking(sources: Arc<ChartSources>, rules: Rules) -> Self {
        Self {
            sources,
            tree: Tree::new(rules),
            ways: Ways::default(),
            index: Index::default(),
            releases: Index::default(),
            serving: HashSet::new(),
            homes: HashSet::new(),
            special: BTreeSet::new(),
            units: BTreeMap::new(),
            charts_askers: Askers::default(),
            references_askers: Askers::default(),
            bytes: 0,
            references: 0,
        }
    }

    /// The tree as it stands.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether the tree was too much to find its builds: everything is taken as it is written then.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.ways.is_exhausted()
    }

    /// Applies a commit's changes, and evaluates again what they may have changed.
    pub fn apply(&mut self, changes: Vec<Change>, blobs: &dyn Blobs) -> Delta {
        let mut round = Round::default();
        for change in changes {
            self.change(change, &mut round);
        }
        if round.decisive || self.names_any(&round.config_maps) {
            self.tree.settle();
            let otherwise = self.ways.evaluate(&self.tree, &round.touched);
            round.touched.extend(otherwise);
        }
        for path in &round.touched {
            let entries = match self.tree.file(path) {
                Some(file) => self.entries_of(path, file),
                None => Vec::new(),
            };
            round.dirty.extend(self.index.replace(path, entries));
        }
        if round.special {
            self.decide_what_serves(&mut round.dirty);
        }
        let mut delta = Delta::default();
        let gone = self.units_gone(&round.touched, &mut delta);
        let touched = self.units_of(&round.touched);
        let charts = with_askers(&touched, &self.charts_askers, &round.dirty);
        let mut files: BTreeSet<Arc<str>> = gone.into_iter().map(|(path, _)| path).collect();
        for id in &charts {
            self.evaluate_charts(id, blobs, &mut delta);
            files.insert(Arc::clone(&id.0));
        }
        for path in files {
            let entries = self.releases_of(&path);
            round.dirty.extend(self.releases.replace(&path, entries));
        }
        let references = with_askers(&touched, &self.references_askers, &round.dirty);
        for id in &references {
            self.evaluate_references(id, blobs, &mut delta);
        }
        delta.evaluated = charts.union(&references).count();
        delta.touched = round.touched.into_iter().collect();
        delta
    }

    /// Puts a change into the tree, and notes what it may change elsewhere.
    fn change(&mut self, change: Change, round: &mut Round) {
        let Change { path, after } = change;
        let old = self.tree.file(&path).map(|file| (file.id, file.facts.clone()));
        let new_facts = after.as_ref().and_then(|(_, facts)| facts.clone());
        let old_facts = old.as_ref().and_then(|(_, facts)| facts.clone());
        round.decisive |= old_facts.is_some() != new_facts.is_some();
        if is_kustomization(&path) {
            let kustomize = |facts: &Option<Arc<FileFacts>>| facts.as_ref().and_then(|facts| facts.kustomize.clone());
            round.decisive |= kustomize(&old_facts) != kustomize(&new_facts);
            round.dirty.insert(Key::Kustomization(folder(&path).into()));
            let near = KUSTOMIZATIONS.iter().map(|name| super::evaluate::in_folder(folder(&path), name));
            round.touched.extend(near.filter_map(|path| self.tree.entry(&path).map(|(path, _)| Arc::clone(path))));
        }
        round.note_parts(old_facts.as_deref(), new_facts.as_deref());
        let is_special = new_facts.as_deref().is_some_and(is_special);
        round.special |= is_special;
        match is_special {
            true => drop(self.special.insert(Arc::clone(&path))),
            false => round.special |= self.special.remove(&path),
        }
        let folders = match after {
            Some((id, facts)) => self.tree.insert(&path, id, facts),
            None => self.tree.remove(&path),
        };
        if !folders.is_empty() {
            // A folder may be what a build asks for, whatever lies in it.
            round.decisive = true;
            round.special = true;
            round.dirty.insert(Key::Folders);
            round.dirty.extend(folders.into_iter().map(|folder| Key::Folder(folder.as_ref().into())));
        }
        round.dirty.insert(Key::File(Arc::clone(&path)));
        round.touched.insert(path);
    }

    fn entries_of(&self, path: &Arc<str>, file: &File) -> Vec<(Key, Entry)> {
        let walks = self.tree.is_kustomization(path).then(|| self.ways.of_kustomization(path));
        entries(path, file, self.ways.of_file(path), walks)
    }

    /// Whether a build takes variables from one of these ConfigMaps.
    fn names_any(&self, config_maps: &HashSet<String>) -> bool {
        !config_maps.is_empty()
            && self.special.iter().filter_map(|path| self.tree.facts(path)).any(|facts| {
                facts.documents.iter().any(|document| match document.part.as_deref() {
                    Some(Part::Flux(flux)) => {
                        let maps = flux.post_build.iter().flat_map(|post_build| &post_build.config_maps);
                        maps.into_iter().any(|name| config_maps.contains(name))
                    }
                    _ => false,
                })
            })
    }

    /// Finds out which sources serve folders of the tree.
    fn decide_what_serves(&mut self, dirty: &mut BTreeSet<Key>) {
        let mut serving_now: FastSet<(&str, &str)> = FastSet::default();
        let mut homes = HashSet::new();
        for facts in self.tree.deciding() {
            for document in &facts.documents {
                match &document.subject {
                    Subject::FluxKustomization(flux) => serving_now.extend(serving(&self.tree, flux)),
                    Subject::Argo(argo) if !argo.is_set && document.name.is_some() => {
                        let here = argo.sources.iter().filter(|source| is_here(&self.tree, source.path.as_deref()));
                        homes.extend(here.filter_map(|source| home_of(source.url.as_deref()?)));
                    }
                    _ => {}
                }
            }
        }
        let owned = |(kind, name): (&str, &str)| -> (Box<str>, Box<str>) { (kind.into(), name.into()) };
        let serving_now: HashSet<_> = serving_now.into_iter().map(owned).collect();
        let key = |(kind, name): &(Box<str>, Box<str>)| Key::Serving(kind.as_ref().into(), name.as_ref().into());
        dirty.extend(self.serving.symmetric_difference(&serving_now).map(key));
        dirty.extend(self.homes.symmetric_difference(&homes).map(|home| Key::Home(home.as_ref().into())));
        self.serving = serving_now;
        self.homes = homes;
    }

    /// The units of files as they are now.
    fn units_of(&self, files: &BTreeSet<Arc<str>>) -> BTreeSet<UnitId> {
        files.iter().flat_map(|path| self.units_of_file(path)).collect()
    }

    fn units_of_file(&self, path: &Arc<str>) -> Vec<UnitId> {
        let Some(facts) = self.tree.facts(path) else { return Vec::new() };
        let documents = (0..facts.documents.len()).map(Unit::Document);
        let kustomization = self.tree.is_kustomization(path).then_some(Unit::Kustomization);
        documents.chain(kustomization).map(|unit| (Arc::clone(path), unit)).collect()
    }

    /// Takes units away that are no more.
    fn units_gone(&mut self, files: &BTreeSet<Arc<str>>, delta: &mut Delta) -> Vec<UnitId> {
        let mut gone = Vec::new();
        for path in files {
            let now: BTreeSet<UnitId> = self.units_of_file(path).into_iter().collect();
            let first = (Arc::clone(path), Unit::Document(0));
            let last = (Arc::clone(path), Unit::Kustomization);
            let known = self.units.range(first..=last).map(|(id, _)| id.clone());
            gone.extend(known.filter(|id| !now.contains(id)));
        }
        for id in &gone {
            let Some(state) = self.units.remove(id) else { continue };
            forget(&mut self.charts_askers, &state.charts_asked, id);
            forget(&mut self.references_askers, &state.references_asked, id);
            self.bytes = self.bytes.saturating_sub(size(&state.charts));
            self.references -= state.references.references.len();
            let went = &mut delta.went;
            went.uses.extend(state.charts.uses);
            went.partials.extend(state.charts.partial);
            went.references.extend(state.references.references);
        }
        gone
    }

    fn evaluate_charts(&mut self, id: &UnitId, blobs: &dyn Blobs, delta: &mut Delta) {
        let Some(facts) = self.tree.facts(&id.0) else { return };
        let old = self.units.get(id);
        let kept = self.bytes.saturating_sub(old.map_or(0, |state| size(&state.charts)));
        let own = old.and_then(|state| state.own.clone());
        let asker = self.asker(blobs).with_room(MAX_VALUES.saturating_sub(kept)).with_own(own);
        let found = asker.charts(Place { path: &id.0, facts }, id.1);
        let (asked, own) = (asker.take_asked(), asker.take_own());
        let state = self.units.entry(id.clone()).or_default();
        state.own = own;
        self.bytes = kept + size(&found);
        replace_askers(&mut self.charts_askers, &mut state.charts_asked, asked, id);
        let old = std::mem::replace(&mut state.charts, found);
        let new = &state.charts;
        if old.uses != new.uses {
            differ(&old.uses, &new.uses, &mut delta.went.uses);
            differ(&new.uses, &old.uses, &mut delta.came.uses);
        }
        if old.partial != new.partial {
            delta.went.partials.extend(old.partial);
            delta.came.partials.extend(new.partial.clone());
        }
    }

    fn evaluate_references(&mut self, id: &UnitId, blobs: &dyn Blobs, delta: &mut Delta) {
        let Some(facts) = self.tree.facts(&id.0) else { return };
        let asker = self.asker(blobs);
        let mut found = asker.references(Place { path: &id.0, facts }, id.1);
        let asked = asker.take_asked();
        let state = self.units.entry(id.clone()).or_default();
        self.references -= state.references.references.len();
        let room = MAX_REFERENCES.saturating_sub(self.references);
        found.is_cut |= found.references.len() > room;
        found.references.truncate(room);
        self.references += found.references.len();
        replace_askers(&mut self.references_askers, &mut state.references_asked, asked, id);
        let old = std::mem::replace(&mut state.references, found);
        if old.references == state.references.references {
            return;
        }
        // Both are in order.
        let differ = |all: &[Reference], others: &[Reference]| -> Vec<Reference> {
            all.iter().filter(|one| others.binary_search(one).is_err()).cloned().collect()
        };
        delta.went.references.extend(differ(&old.references, &state.references.references));
        delta.came.references.extend(differ(&state.references.references, &old.references));
    }

    fn asker<'e>(&'e self, blobs: &'e dyn Blobs) -> Asker<'e> {
        Asker::new(
            &self.tree,
            &self.ways,
            &self.index,
            &self.releases,
            &self.serving,
            &self.homes,
            &self.sources,
            blobs,
        )
    }

    /// The releases that a file's units make.
    fn releases_of(&self, path: &Arc<str>) -> Vec<(Key, Entry)> {
        let first = (Arc::clone(path), Unit::Document(0));
        let last = (Arc::clone(path), Unit::Kustomization);
        let uses = self.units.range(first..=last).flat_map(|(_, state)| &state.charts.uses);
        let mut entries: Vec<(Key, Entry)> = uses
            .filter_map(|one| {
                let namespace = one.namespace.as_deref().map(Into::into);
                let entry = Entry { file: Arc::clone(path), position: 0, namespace, build: None, fact: Fact::Release };
                Some((Key::Release(one.release.as_deref()?.into()), entry))
            })
            .collect();
        entries.sort_by(|(left, a), (right, b)| left.cmp(right).then(a.namespace.cmp(&b.namespace)));
        entries.dedup();
        entries
    }

    /// Images of a file's documents themselves, with the number of the document.
    pub(super) fn images_of<'t>(&self, path: &str, facts: &'t FileFacts) -> Vec<(&'t str, &'t ImagePlace, bool)> {
        let documents = facts
            .documents
            .iter()
            .flat_map(|document| document.images.iter().map(move |image| (&*document.number, image, false)));
        let kustomization = facts.kustomization.as_deref().filter(|_| self.tree.is_kustomization(path));
        let replaced = kustomization.into_iter().flat_map(|facts| &*facts.images).map(|image| ("0", image, true));
        documents.chain(replaced).collect()
    }
}

fn is_special(facts: &FileFacts) -> bool {
    let is = |subject: &Subject| matches!(subject, Subject::FluxKustomization(_) | Subject::Argo(_));
    facts.documents.iter().any(|document| is(&document.subject))
}

fn is_here(tree: &Tree, path: Option<&str>) -> bool {
    use crate::build::Folders as _;
    let folder = path.and_then(super::evaluate::from_root);
    folder.is_some_and(|folder| !folder.is_empty() && tree.has_folder(&folder))
}

fn size(charts: &FoundCharts) -> usize {
    charts.uses.iter().map(|one| one.values.size()).sum()
}
