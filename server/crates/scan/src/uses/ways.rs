//! Ways: how builds reach files, in a form that stays the same from one evaluation of the builds to the next.

use entity::kind::Renderer;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::tree::Tree;
use crate::build::{
    self, Build, BuildKind, Builds, FastMap, FastSet, Folders as _, Part, Reach, Variables, is_kustomization,
};
use crate::file::DocumentIndex;

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
    known_variables: FastSet<Arc<Variables>>,
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

    /// Evaluates the builds anew. Gives back the files that are reached otherwise than before.
    pub fn evaluate(&mut self, tree: &Tree) -> BTreeSet<Arc<str>> {
        let builds = builds(tree);
        self.is_exhausted = builds.is_exhausted();
        let parts = Parts::of(&builds, &mut self.known_builds, &mut self.known_variables);
        let mut changed = BTreeSet::new();
        let mut evaluations = 0_usize;
        // How many of what is known stay: where that is all of it, nothing has to be looked for that went.
        let (mut files, mut kustomizations) = (0, 0);
        for (path, file) in tree.files() {
            let Some(facts) = &file.facts else { continue };
            let reaches = builds.reaches(path);
            evaluations = evaluations.saturating_add(reaches.len() * (1 + facts.documents.len()));
            if evaluations > MAX_EVALUATIONS {
                break;
            }
            let mut differs = parts.replace(&mut self.files, path, reaches);
            files += usize::from(!reaches.is_empty());
            if tree.is_kustomization(path) {
                let walks = builds.walks(build::folder(path));
                differs |= parts.replace(&mut self.kustomizations, path, walks);
                kustomizations += usize::from(!walks.is_empty());
            }
            if differs {
                changed.insert(Arc::clone(path));
            }
        }
        self.is_exhausted |= evaluations > MAX_EVALUATIONS;
        let exhausted = self.is_exhausted;
        let is_gone = |path: &Arc<str>| exhausted || tree.facts(path).is_none();
        let is_none_now = |path: &Arc<str>| is_gone(path) || !tree.is_kustomization(path);
        if exhausted || files != self.files.len() {
            changed.extend(self.files.extract_if(|path, _| is_gone(path)).map(|(path, _)| path));
        }
        if exhausted || kustomizations != self.kustomizations.len() {
            changed.extend(self.kustomizations.extract_if(|path, _| is_none_now(path)).map(|(path, _)| path));
        }
        changed
    }
}

/// The builds of a tree.
fn builds(tree: &Tree) -> Builds {
    let (mut paths, mut kustomizations): (Vec<&str>, Vec<_>) = Default::default();
    let mut parts: Vec<(&str, DocumentIndex, &Part)> = Vec::new();
    for (path, file) in tree.files() {
        let Some(facts) = &file.facts else { continue };
        paths.push(path);
        kustomizations.extend(facts.kustomize.as_ref().filter(|_| is_kustomization(path)).map(|file| (&**path, file)));
        let documents = facts.documents.iter();
        parts.extend(documents.filter_map(|document| Some((&**path, document.index, document.part.as_deref()?))));
    }
    let mut built = build::Tree::new(paths, kustomizations, parts);
    built.add_folders(tree.folders());
    Builds::as_counted(&built)
}

/// Builds and variables by their numbers, those that were known before as the same things.
struct Parts {
    builds: Vec<Arc<Build>>,
    variables: Vec<Arc<Variables>>,
}

impl Parts {
    fn of(builds: &Builds, known_builds: &mut FastSet<Arc<Build>>, known: &mut FastSet<Arc<Variables>>) -> Self {
        Self { builds: shared(builds.builds(), known_builds), variables: shared(builds.all_variables(), known) }
    }

    fn variables(&self, reach: &Reach) -> Option<&Arc<Variables>> {
        reach.variables().and_then(|number| self.variables.get(number))
    }

    fn ways(&self, reaches: &[Reach]) -> Box<[Way]> {
        let way = |reach: &Reach| Way {
            build: self.builds.get(reach.build).cloned(),
            forced: reach.forced.clone(),
            default: reach.default.clone(),
            variables: self.variables(reach).cloned(),
        };
        reaches.iter().map(way).collect()
    }

    /// Whether these are the ways of old. Most are, so that none is made only to be compared.
    fn are(&self, ways: &[Way], reaches: &[Reach]) -> bool {
        let is = |(way, reach): (&Way, &Reach)| {
            way.build.as_ref() == self.builds.get(reach.build)
                && way.forced == reach.forced
                && way.default == reach.default
                && way.variables.as_ref() == self.variables(reach)
        };
        ways.len() == reaches.len() && ways.iter().zip(reaches).all(is)
    }

    /// Puts ways in the place of those that were; whether they differ. No ways: as written.
    fn replace(&self, known: &mut WaysByPath, path: &Arc<str>, reaches: &[Reach]) -> bool {
        match known.get_mut(path) {
            Some(old) if self.are(old, reaches) => false,
            Some(_) if reaches.is_empty() => known.remove(path).is_some(),
            Some(old) => {
                *old = self.ways(reaches);
                true
            }
            None if reaches.is_empty() => false,
            None => known.insert(Arc::clone(path), self.ways(reaches)).is_none(),
        }
    }
}

/// All of them, each as it was known; afterwards they are what is known.
fn shared<T: Clone + Eq + std::hash::Hash>(all: &[T], known: &mut FastSet<Arc<T>>) -> Vec<Arc<T>> {
    let share = |thing: &T| known.get(thing).map_or_else(|| Arc::new(thing.clone()), Arc::clone);
    let shared: Vec<Arc<T>> = all.iter().map(share).collect();
    *known = shared.iter().cloned().collect();
    shared
}
