//! Ways: how builds reach files, in a form that stays the same from one evaluation of the builds to the next.

mod seen;
#[cfg(test)]
mod tests;

use entity::kind::Renderer;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::tree::Tree;
use crate::build::{self, Build, BuildKind, Counted, FastMap, FastSet, Tables, Variables};
use seen::{Known, Seen};

/// Documents, counted once for each build that reaches them, before a tree is taken as it is written: real ones have some
/// ten thousand.
const MAX_EVALUATIONS: usize = 2_000_000;

/// How one build reaches a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Way {
    /// `None`: no build does, and the file is taken as it is written.
    pub build: Option<Arc<Build>>,
    forced: Option<Arc<str>>,
    default: Option<Arc<str>>,
    variables: Option<Arc<Variables>>,
}

impl Way {
    /// Puts the build's variables into a text. `literal`: the document asks to be left alone.
    pub fn put_into(&self, text: &str, literal: bool) -> Arc<str> {
        let variables = self.variables.as_ref().filter(|_| !literal && text.contains("${"));
        // What would be too long to be a name stays as it is written.
        variables.and_then(|variables| variables.put_into(text)).map_or_else(|| text.into(), Into::into)
    }

    /// The namespace that a document gets.
    pub fn namespace(&self, written: Option<&str>, literal: bool) -> Option<Arc<str>> {
        if let Some(forced) = &self.forced {
            return Some(Arc::clone(forced));
        }
        let own = written.map(|written| self.put_into(written, literal)).filter(|own| !own.is_empty());
        own.or_else(|| self.default.clone())
    }

    /// The namespace that something without a document gets: forced, or its own as written, or the default.
    pub fn namespace_as_written(&self, written: Option<&str>) -> Option<Arc<str>> {
        self.forced.clone().or_else(|| written.map(Into::into)).or_else(|| self.default.clone())
    }
}

/// The first kind of build among ways.
pub fn rendered(ways: &[Way]) -> Renderer {
    let kind = |way: &Way| way.build.as_ref().map(|build| build.kind);
    match ways.iter().filter_map(kind).min() {
        Some(BuildKind::Flux) => Renderer::Flux,
        Some(BuildKind::Argo) => Renderer::Argo,
        Some(BuildKind::Kustomize) => Renderer::Kustomize,
        None => Renderer::None,
    }
}

/// Where a path is missing, what stands there is taken as it is written.
type WaysByPath = FastMap<Arc<str>, Box<[Way]>>;

/// All ways of a tree.
#[derive(Debug, Default)]
pub struct Ways {
    files: WaysByPath,
    /// By the path of the folder's kustomization.
    kustomizations: WaysByPath,
    as_written: [Way; 1],
    known_builds: FastSet<Arc<Build>>,
    tables: Tables,
    known: Known,
    seen_files: Seen,
    seen_kustomizations: Seen,
    is_exhausted: bool,
}

impl Ways {
    /// How builds reach a file; as written where none does.
    pub fn of_file(&self, path: &str) -> &[Way] {
        self.files.get(path).map_or(&self.as_written, |ways| ways)
    }

    /// How builds walk a folder's kustomization, by its path.
    pub fn of_kustomization(&self, path: &str) -> &[Way] {
        self.kustomizations.get(path).map_or(&self.as_written, |ways| ways)
    }

    /// Whether the tree was too much to find its builds.
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Evaluates the builds anew. `touched`: files that came, went or changed since. Gives back the files that are reached otherwise
    /// than before.
    pub fn evaluate(&mut self, tree: &Tree, touched: &BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
        let layout = tree.layout();
        let mut counted = Counted::of(&build::Tree::on(layout, tree.parts()), &mut self.tables);
        self.is_exhausted = counted.is_exhausted();
        let ways = self.ways(&mut counted);
        let numbers = self.known.numbers(&ways);
        self.seen_files.begin(layout.generation(), layout.id_count());
        self.seen_kustomizations.begin(layout.generation(), layout.id_count());
        let mut changed = BTreeSet::new();
        let mut evaluations = 0_usize;
        // How many of what is known stay: where that is all of it, nothing has to be looked for that went.
        let (mut files, mut kustomizations) = (0, 0);
        for (number, file) in layout.files().iter().enumerate() {
            let reaches = counted.of_file(number);
            evaluations = evaluations.saturating_add(reaches.len() * (1 + file.documents));
            if evaluations > MAX_EVALUATIONS {
                break;
            }
            files += usize::from(!reaches.is_empty());
            if self.seen_files.differ(file.id, reaches, &numbers) {
                let path = layout.path(file.id);
                if replace(&mut self.files, path, reaches, &ways) {
                    changed.insert(Arc::clone(path));
                }
            }
        }
        self.is_exhausted |= evaluations > MAX_EVALUATIONS;
        let laid = if self.is_exhausted { Default::default() } else { layout.kustomizations() };
        for (number, kustomization) in laid.iter().enumerate() {
            let walks = counted.of_kustomization(number);
            kustomizations += usize::from(!walks.is_empty());
            if self.seen_kustomizations.differ(kustomization.file, walks, &numbers) {
                let path = layout.path(kustomization.file);
                if replace(&mut self.kustomizations, path, walks, &ways) {
                    changed.insert(Arc::clone(path));
                }
            }
        }
        self.forget(tree, touched, (files, kustomizations), &mut changed);
        changed
    }

    /// Forgets the ways to what is not there any more, so that of each kind so many stay.
    fn forget(
        &mut self,
        tree: &Tree,
        touched: &BTreeSet<Arc<str>>,
        (files, kustomizations): (usize, usize),
        changed: &mut BTreeSet<Arc<str>>,
    ) {
        let exhausted = self.is_exhausted;
        let is_gone = |path: &Arc<str>| exhausted || tree.facts(path).is_none();
        let is_none_now = |path: &Arc<str>| is_gone(path) || !tree.is_kustomization(path);
        for path in touched {
            if is_gone(path) && self.files.remove(path).is_some() {
                changed.insert(Arc::clone(path));
            }
            if is_none_now(path) && self.kustomizations.remove(path).is_some() {
                changed.insert(Arc::clone(path));
            }
        }
        // Nothing goes that was not touched, unless there is too much of it all.
        if exhausted || files != self.files.len() {
            changed.extend(self.files.extract_if(|path, _| is_gone(path)).map(|(path, _)| path));
        }
        if exhausted || kustomizations != self.kustomizations.len() {
            changed.extend(self.kustomizations.extract_if(|path, _| is_none_now(path)).map(|(path, _)| path));
        }
        if exhausted {
            self.seen_files.clear();
            self.seen_kustomizations.clear();
        }
    }

    /// All ways to reach something by their numbers, what they are made of as it was known before.
    fn ways(&mut self, counted: &mut Counted) -> Vec<Way> {
        let builds = shared(counted.take_builds(), &mut self.known_builds);
        let variables = counted.variables();
        let reaches = counted.reaches().iter().map(|reach| Way {
            build: builds.get(reach.build).cloned(),
            forced: reach.forced.clone(),
            default: reach.default.clone(),
            variables: reach.variables().and_then(|number| variables.get(number)).cloned(),
        });
        reaches.collect()
    }
}

/// Puts ways in the place of those that were; whether they differ. No ways: as written.
fn replace(known: &mut WaysByPath, path: &Arc<str>, reaches: &[u32], ways: &[Way]) -> bool {
    let new = || reaches.iter().map(|number| ways[*number as usize].clone()).collect();
    let are = |old: &[Way]| {
        old.len() == reaches.len() && old.iter().zip(reaches).all(|(old, number)| *old == ways[*number as usize])
    };
    match known.get_mut(path) {
        Some(old) if are(old) => false,
        Some(_) if reaches.is_empty() => known.remove(path).is_some(),
        Some(old) => {
            *old = new();
            true
        }
        None if reaches.is_empty() => false,
        None => known.insert(Arc::clone(path), new()).is_none(),
    }
}

/// All of them, each as it was known; afterwards they are what is known.
fn shared(all: Vec<Build>, known: &mut FastSet<Arc<Build>>) -> Vec<Arc<Build>> {
    let mut is_other = all.len() != known.len();
    let share = |build: Build| match known.get(&build) {
        Some(known) => Arc::clone(known),
        None => {
            is_other = true;
            Arc::new(build)
        }
    };
    let shared: Vec<Arc<Build>> = all.into_iter().map(share).collect();
    if is_other {
        *known = shared.iter().cloned().collect();
    }
    shared
}
