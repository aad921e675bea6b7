//! From a tree to its builds.
//!
//! In two rounds: a trial finds out which builds reach which Flux Kustomizations and folders; the second evaluates every
//! Flux Kustomization in the builds that render it, and as written only those that no other build renders.

use std::sync::Arc;

use super::common::{Common, included, lists};
use super::flux::{FluxKustomization, Serves, served_from_here};
use super::kustomization::folder;
use super::layout::{Kustomization, PathId};
use super::passages::{Passage, Passages, Places, Reached};
use super::tables::Tables;
use super::tree::{Entry, Placed, Tree};
use super::variables::Variables;
use super::{Build, BuildKind, FastMap, FastSet, Reading};

/// Folders walked and files reached before a tree is given up: real ones take some ten thousand.
const MAX_STEPS: usize = 5_000_000;
/// Kustomizations within kustomizations followed; real ones nest a handful.
const MAX_NESTING: usize = 64;

/// What a tree comes to.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    pub builds: Vec<Build>,
    pub variables: Vec<Arc<Variables>>,
    pub reached: Reached,
    /// Whether it was too much.
    pub exhausted: bool,
}

pub(super) fn evaluate(tree: &Tree<'_>, reading: Reading, known: &mut Tables) -> Evaluated {
    if tree.is_too_much() {
        return Evaluated { exhausted: true, ..Evaluated::default() };
    }
    let flux: Vec<Placed<'_, FluxKustomization>> = tree.flux().collect();
    let served = served_from_here(tree, &flux, reading);
    let mut tables: Vec<Arc<Variables>> = Vec::new();
    let mut numbers: FastMap<*const Variables, usize> = FastMap::default();
    let mut table_of: Vec<Option<usize>> = Vec::with_capacity(flux.len());
    let mut steps = 0;
    for placed in &flux {
        let layers = tree.variables(placed);
        steps += layers.as_ref().map_or(0, Vec::len);
        if steps > MAX_STEPS {
            return Evaluated { exhausted: true, ..Evaluated::default() };
        }
        table_of.push(layers.map(|layers| {
            let table = known.of(layers);
            *numbers.entry(Arc::as_ptr(&table)).or_insert_with(|| {
                tables.push(table);
                tables.len() - 1
            })
        }));
    }
    known.forget_unused();
    let included = included(tree);
    let files: Vec<Option<usize>> = flux.iter().map(|placed| tree.file(placed.file)).collect();
    let (list_of, lists) = lists(tree, &files);
    let places = Places { kustomizations: tree.kustomizations().len(), list_of: &list_of, lists };
    let common = Common {
        tree,
        reading,
        flux: &flux,
        files: &files,
        places: &places,
        served: &served,
        tables: &tables,
        table_of: &table_of,
        included: &included,
    };

    let mut trial = Evaluation::new(&common, false);
    trial.flux(&common.all());
    trial.argo();
    let lone = trial.lone_folders();
    let apart: Vec<usize> = common.all().into_iter().filter(|at| !trial.is_rendered_by_others(*at)).collect();

    let mut last = Evaluation::new(&common, true);
    last.argo();
    for kustomization in lone {
        last.kustomize(kustomization);
    }
    last.flux(&apart);
    let left: Vec<usize> = common.all().into_iter().filter(|at| !last.evaluated.contains(at)).collect();
    last.flux(&left);
    last.lone_folders();
    last.flux(&[]);
    let exhausted = trial.steps > MAX_STEPS || last.steps > MAX_STEPS;
    if exhausted {
        return Evaluated { exhausted, ..Evaluated::default() };
    }
    let Evaluation { builds, passages, .. } = last;
    let reached = passages.into_reached();
    Evaluated { builds, variables: tables, reached, exhausted }
}

/// A Flux Kustomization as one build renders it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Instance {
    /// Its number.
    at: usize,
    folder: Arc<str>,
    target: Option<Arc<str>>,
    default: Option<Arc<str>>,
}

struct Evaluation<'a, 't> {
    common: &'a Common<'a, 't>,
    builds: Vec<Build>,
    numbers: FastMap<Build, usize>,
    passages: Passages<'a>,
    instances: FastSet<Instance>,
    /// How many of the passages that reach each Flux Kustomization's file were looked at for it.
    looked_at: Vec<usize>,
    /// Flux Kustomizations that gave a build.
    evaluated: FastSet<usize>,
    steps: usize,
}

impl<'a, 't> Evaluation<'a, 't> {
    /// `is_kept`: what it reaches is asked for in the end.
    fn new(common: &'a Common<'a, 't>, is_kept: bool) -> Self {
        Self {
            common,
            builds: Vec::new(),
            numbers: FastMap::default(),
            passages: Passages::of(common.places, is_kept),
            instances: FastSet::default(),
            looked_at: vec![0; common.flux.len()],
            evaluated: FastSet::default(),
            steps: 0,
        }
    }

    fn build(&mut self, build: Build) -> usize {
        let next = self.builds.len();
        *self.numbers.entry(build).or_insert_with_key(|build| {
            self.builds.push(build.clone());
            next
        })
    }

    /// Counts a step; `false` where there were too many.
    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps <= MAX_STEPS
    }

    /// Builds Flux Kustomizations as written, then all that are found in builds, until nothing new appears.
    fn flux(&mut self, as_written: &[usize]) {
        let mut next: Vec<Instance> = as_written.iter().filter_map(|at| self.instance(*at, None)).collect();
        loop {
            for instance in next {
                if self.instances.insert(instance.clone()) {
                    self.evaluated.insert(instance.at);
                    self.flux_build(&instance);
                }
            }
            next = Vec::new();
            for at in 0..self.common.flux.len() {
                let Some(list) = self.common.list(at) else { continue };
                let mut new = self.passages.of_list(list)[self.looked_at[at]..].to_vec();
                self.looked_at[at] += new.len();
                self.steps += new.len();
                // Builds are numbered in an order that does not depend on how files were come to.
                new.sort_by(|left, right| self.passages.compare(*left, *right));
                for passage in new {
                    let passage = self.passages.get(passage);
                    next.extend(self.instance(at, Some(passage)).filter(|found| !self.instances.contains(found)));
                }
            }
            if next.is_empty() || !self.step() {
                return;
            }
        }
    }

    /// A Flux Kustomization as written, or as the build that reaches it so renders it; `None` where its folder is not here.
    fn instance(&self, at: usize, passage: Option<Passage>) -> Option<Instance> {
        let part = self.common.flux[at].part;
        let variables = passage.and_then(Passage::variables).filter(|_| !part.literal);
        let table = variables.map(|table| &self.common.tables[table]);
        let put_in = |text: &Option<Arc<str>>| match (text, table) {
            (Some(text), Some(table)) if Variables::may_change(text) => table.put_into(text).map(Into::into),
            (text, _) => text.clone(),
        };
        let folder = match (&part.path, table) {
            (Some(path), Some(table)) if Variables::may_change(path) => {
                FluxKustomization::folder(Some(&table.put_into(path)?))?
            }
            _ => part.folder.clone()?,
        };
        if !self.common.tree.has_folder(&folder) {
            return None;
        }
        match self.common.served[at] {
            Serves::Nothing => return None,
            Serves::Folders if folder.is_empty() => return None,
            Serves::Folders | Serves::FoldersAndRoot => {}
        }
        let forced = passage.and_then(|passage| self.passages.forced(passage));
        let own = forced.or_else(|| name(put_in(&part.namespace)));
        Some(Instance {
            at,
            folder,
            target: name(put_in(&part.target_namespace)),
            default: own.or_else(|| passage.and_then(|passage| self.passages.default(passage))),
        })
    }

    fn flux_build(&mut self, instance: &Instance) {
        let placed = &self.common.flux[instance.at];
        let file = self.common.files[instance.at].map(|file| Arc::clone(self.common.tree.path(file)));
        let build = self.build(Build {
            kind: BuildKind::Flux,
            document: Some((file.unwrap_or_else(|| placed.file.into()), placed.index)),
            folder: Arc::clone(&instance.folder),
        });
        let variables = self.common.table_of[instance.at];
        let passage = self.passages.passage(build, instance.target.as_ref(), instance.default.as_ref(), variables);
        let kustomization = self.common.tree.kustomization(&instance.folder);
        // Flux adds its components to those of the folder.
        let passage = self.or_forced(passage, kustomization);
        let components = placed.part.components.iter().rev();
        let tree = self.common.tree;
        let components = components.filter_map(|entry| tree.entry(&instance.folder, entry));
        let passage = self.components(components, passage, 0);
        match kustomization {
            Some(number) => self.walk(number, passage, 0),
            None => self.whole_folder(&instance.folder, passage),
        }
    }

    fn argo(&mut self) {
        let tree = self.common.tree;
        for placed in tree.argo() {
            self.steps += placed.part.patterns() * tree.folder_count() / 8;
            if !self.step() {
                return;
            }
            for applied in placed.part.applied(tree) {
                let build = self.build(Build {
                    kind: BuildKind::Argo,
                    document: Some((placed.file.into(), placed.index)),
                    folder: applied.folder.as_str().into(),
                });
                let passage = self.passages.passage(build, None, name(applied.namespace).as_ref(), None);
                if let Some(number) = tree.kustomization(&applied.folder) {
                    self.walk(number, passage, 0);
                } else if tree.file(&format!("{}/Chart.yaml", applied.folder)).is_none() {
                    let files = tree.files_below(&applied.folder);
                    self.steps += files.len();
                    for file in files {
                        if applied.recurse || folder(tree.path(file)) == applied.folder {
                            self.reach(file, passage);
                        }
                    }
                }
            }
        }
    }

    /// Builds every folder with a kustomization that no kustomization includes and nothing reached so far.
    fn lone_folders(&mut self) -> Vec<usize> {
        let mut lone = Vec::new();
        for number in 0..self.common.included.len() {
            if !self.common.included[number] && !self.passages.is_walked(number) {
                lone.push(number);
                self.kustomize(number);
            }
        }
        lone
    }

    fn kustomize(&mut self, number: usize) {
        let folder = Arc::clone(&self.kustomization(number).folder);
        let build = self.build(Build { kind: BuildKind::Kustomize, document: None, folder });
        let passage = self.passages.passage(build, None, None, None);
        self.walk(number, passage, 0);
    }

    fn kustomization(&self, number: usize) -> &'a Kustomization {
        &self.common.tree.kustomizations()[number]
    }

    /// The same with the namespace of a kustomization forced where none is forced yet.
    fn or_forced(&mut self, passage: Passage, kustomization: Option<usize>) -> Passage {
        let namespace = kustomization.and_then(|number| self.kustomization(number).namespace.as_ref());
        self.passages.or_forced(passage, namespace)
    }

    /// A folder's kustomization, and what it includes: the first namespace met from outside is the one that is forced.
    fn walk(&mut self, number: usize, passage: Passage, depth: usize) {
        let passage = self.or_forced(passage, Some(number));
        if depth > MAX_NESTING || !self.step() || !self.passages.walk(number, passage) {
            return;
        }
        let one = self.kustomization(number);
        let tree = self.common.tree;
        let at = |named: &PathId| tree.at(*named);
        let passage = self.components(one.components.iter().rev().filter_map(at), passage, depth);
        for entry in one.resources.iter().chain(&one.generators).filter_map(at) {
            self.entry(entry, passage, depth);
        }
        self.passages.generate(number, passage);
    }

    fn entry(&mut self, entry: Entry, passage: Passage, depth: usize) {
        match entry {
            Entry::File(file) => self.reach(file, passage),
            Entry::Kustomization(number) => self.walk(number, passage, depth + 1),
        }
    }

    /// Walks components, and gives back how all else beside them is reached: a component's namespace goes over everything
    /// that was included before it, so that of several the last one counts. They are given from the last to the first.
    fn components(&mut self, components: impl Iterator<Item = Entry>, mut passage: Passage, depth: usize) -> Passage {
        for component in components {
            self.entry(component, passage, depth);
            if self.common.reading == Reading::Rendered
                && passage.is_free()
                && let Entry::Kustomization(number) = component
                && let Some(namespace) = self.set_by_component(number, depth)
            {
                passage = self.passages.or_forced(passage, Some(&namespace));
            }
        }
        passage
    }

    /// The namespace that a component sets for all that it is added to: its own, else that of the last of its components.
    fn set_by_component(&mut self, number: usize, depth: usize) -> Option<Arc<str>> {
        let one = self.kustomization(number);
        if let Some(namespace) = &one.namespace {
            return Some(Arc::clone(namespace));
        }
        if depth > MAX_NESTING {
            return None;
        }
        one.components.iter().rev().find_map(|named| match self.common.tree.at(*named) {
            // A component of components is looked at once for each way to it.
            Some(Entry::Kustomization(number)) if self.step() => self.set_by_component(number, depth + 1),
            _ => None,
        })
    }

    /// A folder without kustomization: every YAML file below it, but of a folder with a kustomization what that says.
    fn whole_folder(&mut self, root: &str, passage: Passage) {
        let tree = self.common.tree;
        let below = |at: &str| at.len() > root.len() && (root.is_empty() || at.as_bytes()[root.len()] == b'/');
        let outermost = |mut at: &str| {
            let mut found = None;
            while below(at) {
                found = tree.kustomization(at).or(found);
                at = folder(at);
            }
            found
        };
        let files = tree.files_below(root);
        self.steps += files.len();
        // Neighbours mostly lie in one folder.
        let mut last: Option<(&str, Option<usize>)> = None;
        for file in files {
            let at = folder(tree.path(file));
            let kustomization = match last {
                Some((folder, kustomization)) if folder == at => kustomization,
                _ => outermost(at),
            };
            last = Some((at, kustomization));
            match kustomization {
                Some(number) => self.walk(number, passage, 0),
                None => self.reach(file, passage),
            }
        }
    }

    fn reach(&mut self, file: usize, passage: Passage) {
        if self.step() {
            self.passages.reach(file, passage);
        }
    }

    /// Whether a build other than its own reaches a Flux Kustomization.
    fn is_rendered_by_others(&self, at: usize) -> bool {
        let placed = &self.common.flux[at];
        let own = |passage: &u32| {
            let build = &self.builds[self.passages.get(*passage).build()];
            build.kind == BuildKind::Flux
                && build.document.as_ref().is_some_and(|(file, index)| **file == *placed.file && *index == placed.index)
        };
        self.common.list(at).is_some_and(|list| !self.passages.of_list(list).iter().all(own))
    }
}

/// A name that is one.
fn name(text: Option<impl Into<Arc<str>>>) -> Option<Arc<str>> {
    text.map(Into::into).filter(|text| !text.is_empty())
}
