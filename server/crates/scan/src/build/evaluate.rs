//! From a tree to its builds.
//!
//! In two rounds: a trial finds out which builds reach which Flux Kustomizations and folders; the second evaluates every
//! Flux Kustomization in the builds that render it, and as written only those that no other build renders.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::flux::{FluxKustomization, Serves, served_from_here};
use super::kustomization::{folder, join};
use super::tree::{Placed, Tree};
use super::variables::Variables;
use super::{Build, BuildKind, Builds, Reach};

/// Folders walked and files reached before a tree is given up: real ones take some ten thousand.
const MAX_STEPS: usize = 5_000_000;
/// Kustomizations within kustomizations followed; real ones nest a handful.
const MAX_NESTING: usize = 64;

pub(super) fn evaluate(tree: &Tree<'_>) -> Builds {
    let flux: Vec<Placed<'_, FluxKustomization>> = tree.flux().collect();
    let served = served_from_here(tree, &flux);
    let mut tables: Vec<Variables> = Vec::new();
    let mut table_of: Vec<Option<usize>> = Vec::with_capacity(flux.len());
    for placed in &flux {
        table_of.push(tree.variables(placed).map(|table| {
            tables.iter().position(|other| *other == table).unwrap_or_else(|| {
                tables.push(table);
                tables.len() - 1
            })
        }));
    }
    let common =
        Common { tree, flux: &flux, served: &served, tables: &tables, table_of: &table_of, included: included(tree) };

    let mut trial = Evaluation::new(&common);
    trial.flux(&common.all());
    trial.argo();
    let lone = trial.lone_folders();
    let apart: Vec<usize> = common.all().into_iter().filter(|at| !trial.is_rendered_by_others(*at)).collect();

    let mut last = Evaluation::new(&common);
    last.argo();
    for folder in lone {
        last.kustomize(folder);
    }
    last.flux(&apart);
    let left: Vec<usize> = common.all().into_iter().filter(|at| !last.evaluated.contains(at)).collect();
    last.flux(&left);
    last.lone_folders();
    last.flux(&[]);
    let exhausted = trial.steps > MAX_STEPS || last.steps > MAX_STEPS;
    if exhausted {
        return Builds { exhausted, ..Builds::default() };
    }
    let reached = last.reached.into_iter().map(|(file, reaches)| (file.into(), reaches.into_iter().collect()));
    let reached = reached.collect();
    let mut walked: HashMap<Box<str>, Vec<Reach>> = HashMap::new();
    for (folder, reach) in last.generating {
        walked.entry(folder.into()).or_default().push(reach);
    }
    walked.values_mut().for_each(|reaches| reaches.sort_unstable());
    Builds { builds: last.builds, reached, walked, variables: tables, exhausted, ..Builds::default() }
}

/// Folders with a kustomization that another kustomization includes.
fn included<'t>(tree: &Tree<'t>) -> HashSet<&'t str> {
    let entries = tree
        .kustomizations()
        .flat_map(|(folder, file)| file.resources.iter().chain(&file.components).map(move |entry| (folder, entry)));
    entries.filter_map(|(folder, entry)| Some(tree.kustomization(&join(folder, entry)?)?.0)).collect()
}

/// What both rounds share.
struct Common<'a, 't> {
    tree: &'a Tree<'t>,
    flux: &'a [Placed<'t, FluxKustomization>],
    served: &'a [Serves],
    tables: &'a [Variables],
    /// The variables of each Flux Kustomization's build.
    table_of: &'a [Option<usize>],
    included: HashSet<&'t str>,
}

impl Common<'_, '_> {
    fn all(&self) -> Vec<usize> {
        (0..self.flux.len()).collect()
    }
}

/// A Flux Kustomization as one build renders it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Instance {
    /// Its number.
    at: usize,
    folder: String,
    target: Option<Arc<str>>,
    default: Option<Arc<str>>,
}

struct Evaluation<'a, 't> {
    common: &'a Common<'a, 't>,
    builds: Vec<Build>,
    numbers: HashMap<Build, usize>,
    reached: HashMap<&'t str, BTreeSet<Reach>>,
    /// Folders with a kustomization, as they were walked.
    walked: HashSet<(&'t str, Reach)>,
    walked_folders: HashSet<&'t str>,
    /// The same, with the namespaces that components set: what a kustomization makes itself is reached so.
    generating: HashSet<(&'t str, Reach)>,
    instances: HashSet<Instance>,
    /// Flux Kustomizations that gave a build.
    evaluated: HashSet<usize>,
    steps: usize,
}

impl<'a, 't> Evaluation<'a, 't> {
    fn new(common: &'a Common<'a, 't>) -> Self {
        Self {
            common,
            builds: Vec::new(),
            numbers: HashMap::new(),
            reached: HashMap::new(),
            walked: HashSet::new(),
            walked_folders: HashSet::new(),
            generating: HashSet::new(),
            instances: HashSet::new(),
            evaluated: HashSet::new(),
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
            let mut steps = 0;
            for (at, placed) in self.common.flux.iter().enumerate() {
                for reach in self.reached.get(placed.file).into_iter().flatten() {
                    steps += 1;
                    next.extend(self.instance(at, Some(reach)).filter(|found| !self.instances.contains(found)));
                }
            }
            self.steps += steps;
            if next.is_empty() || !self.step() {
                return;
            }
        }
    }

    /// A Flux Kustomization as written, or as the build that reaches it so renders it; `None` where its folder is not here.
    fn instance(&self, at: usize, reach: Option<&Reach>) -> Option<Instance> {
        let part = self.common.flux[at].part;
        let variables = reach.and_then(|reach| reach.variables).filter(|_| !part.literal);
        let put_in = |text: &Option<String>| match (text, variables) {
            (Some(text), Some(table)) => self.common.tables[table].put_into(text),
            (text, _) => text.clone(),
        };
        let path = put_in(&part.path);
        if path.is_none() && part.path.is_some() {
            return None;
        }
        let folder = FluxKustomization::folder(path.as_deref()).filter(|folder| self.common.tree.has_folder(folder))?;
        match self.common.served[at] {
            Serves::Nothing => return None,
            Serves::Folders if folder.is_empty() => return None,
            Serves::Folders | Serves::FoldersAndRoot => {}
        }
        let own = reach.and_then(|reach| reach.forced.clone()).or_else(|| name(put_in(&part.namespace)));
        Some(Instance {
            at,
            folder,
            target: name(put_in(&part.target_namespace)),
            default: own.or_else(|| reach.and_then(|reach| reach.default.clone())),
        })
    }

    fn flux_build(&mut self, instance: &Instance) {
        let placed = &self.common.flux[instance.at];
        let build = self.build(Build {
            kind: BuildKind::Flux,
            document: Some((placed.file.into(), placed.index)),
            folder: instance.folder.as_str().into(),
        });
        let reach = Reach {
            build,
            forced: instance.target.clone(),
            default: instance.default.clone(),
            variables: self.common.table_of[instance.at],
        };
        let file = self.common.tree.kustomization(&instance.folder).map(|(_, file)| file);
        // Flux adds its components to those of the folder.
        let reach = reach.or_forced(file.and_then(|file| name(file.namespace.clone())));
        let reach = self.components(&instance.folder, &placed.part.components, reach, 0);
        match file {
            Some(_) => self.walk(&instance.folder, &reach, 0),
            None => self.whole_folder(&instance.folder, &reach),
        }
    }

    fn argo(&mut self) {
        for placed in self.common.tree.argo() {
            self.steps += placed.part.patterns() * self.common.tree.folders().count() / 8;
            if !self.step() {
                return;
            }
            for applied in placed.part.applied(self.common.tree) {
                let build = self.build(Build {
                    kind: BuildKind::Argo,
                    document: Some((placed.file.into(), placed.index)),
                    folder: applied.folder.as_str().into(),
                });
                let reach = Reach { build, forced: None, default: name(applied.namespace), variables: None };
                if self.common.tree.kustomization(&applied.folder).is_some() {
                    self.walk(&applied.folder, &reach, 0);
                } else if !self.common.tree.has_file(&format!("{}/Chart.yaml", applied.folder)) {
                    let files = self.common.tree.files_below(&applied.folder);
                    self.steps += files.len();
                    for file in files {
                        if applied.recurse || folder(file) == applied.folder {
                            self.reach(file, &reach);
                        }
                    }
                }
            }
        }
    }

    /// Builds every folder with a kustomization that no kustomization includes and nothing reached so far.
    fn lone_folders(&mut self) -> Vec<&'t str> {
        let mut lone = Vec::new();
        for (folder, _) in self.common.tree.kustomizations() {
            if !self.common.included.contains(folder) && !self.walked_folders.contains(folder) {
                lone.push(folder);
                self.kustomize(folder);
            }
        }
        lone
    }

    fn kustomize(&mut self, folder: &str) {
        let build = self.build(Build { kind: BuildKind::Kustomize, document: None, folder: folder.into() });
        self.walk(folder, &Reach { build, forced: None, default: None, variables: None }, 0);
    }

    /// A folder's kustomization, and what it includes: the first namespace met from outside is the one that is forced.
    fn walk(&mut self, folder: &str, reach: &Reach, depth: usize) {
        let Some((folder, file)) = self.common.tree.kustomization(folder) else { return };
        let reach = reach.clone().or_forced(name(file.namespace.clone()));
        if depth > MAX_NESTING || !self.step() || !self.walked.insert((folder, reach.clone())) {
            return;
        }
        self.walked_folders.insert(folder);
        let reach = self.components(folder, &file.components, reach, depth);
        for entry in file.resources.iter().chain(&file.generators) {
            self.entry(folder, entry, &reach, depth);
        }
        self.generating.insert((folder, reach));
    }

    fn entry(&mut self, folder: &str, entry: &str, reach: &Reach, depth: usize) {
        let Some(entry) = join(folder, entry) else { return };
        match self.common.tree.file(&entry) {
            Some(file) => self.reach(file, reach),
            None => self.walk(&entry, reach, depth + 1),
        }
    }

    /// Walks the components of a folder, and gives back how all else in it is reached: a component's namespace goes over
    /// everything that was included before it, so that of several the last one counts.
    fn components(&mut self, folder: &str, components: &[String], mut reach: Reach, depth: usize) -> Reach {
        for component in components.iter().rev() {
            self.entry(folder, component, &reach, depth);
            if reach.forced.is_none()
                && let Some(component) = join(folder, component)
            {
                reach.forced = self.set_by_component(&component, depth);
            }
        }
        reach
    }

    /// The namespace that a component sets for all that it is added to: its own, else that of the last of its components.
    fn set_by_component(&mut self, folder: &str, depth: usize) -> Option<Arc<str>> {
        let (folder, file) = self.common.tree.kustomization(folder)?;
        if let Some(namespace) = name(file.namespace.clone()) {
            return Some(namespace);
        }
        if depth > MAX_NESTING {
            return None;
        }
        file.components.iter().rev().find_map(|component| {
            // A component of components is looked at once for each way to it.
            if self.step() { self.set_by_component(&join(folder, component)?, depth + 1) } else { None }
        })
    }

    /// A folder without kustomization: every YAML file below it, but of a folder with a kustomization what that says.
    fn whole_folder(&mut self, root: &str, reach: &Reach) {
        let below = |at: &str| at.len() > root.len() && (root.is_empty() || at.as_bytes()[root.len()] == b'/');
        let outermost = |file: &'t str| {
            let mut found = None;
            let mut at = folder(file);
            while below(at) {
                found = self.common.tree.kustomization(at).map(|(folder, _)| folder).or(found);
                at = folder(at);
            }
            found
        };
        let files = self.common.tree.files_below(root);
        let files: Vec<_> = files.into_iter().map(|file| (file, outermost(file))).collect();
        self.steps += files.len();
        for (file, kustomization) in files {
            match kustomization {
                Some(folder) => self.walk(folder, reach, 0),
                None => self.reach(file, reach),
            }
        }
    }

    fn reach(&mut self, file: &'t str, reach: &Reach) {
        if self.step() {
            self.reached.entry(file).or_default().insert(reach.clone());
        }
    }

    /// Whether a build other than its own reaches a Flux Kustomization.
    fn is_rendered_by_others(&self, at: usize) -> bool {
        let placed = &self.common.flux[at];
        let own = |reach: &Reach| {
            let build = &self.builds[reach.build];
            build.kind == BuildKind::Flux
                && build.document.as_ref().is_some_and(|(file, index)| **file == *placed.file && *index == placed.index)
        };
        self.reached.get(placed.file).is_some_and(|reaches| !reaches.iter().all(own))
    }
}

/// A name that is one.
fn name(text: Option<String>) -> Option<Arc<str>> {
    text.filter(|text| !text.is_empty()).map(Into::into)
}
