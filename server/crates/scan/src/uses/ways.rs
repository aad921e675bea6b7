//! Ways: how builds reach files, in a form that stays the same from one evaluation of the builds to the next.

use entity::kind::Renderer;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::tree::Tree;
use crate::build::{self, Build, BuildKind, Builds, FastMap, Folders as _, Part, Reach, Variables, is_kustomization};
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
    known_builds: HashSet<Arc<Build>>,
    known_variables: HashSet<Arc<Variables>>,
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
        for (path, file) in tree.files() {
            let Some(facts) = &file.facts else { continue };
            let reaches = builds.reaches(path);
            evaluations = evaluations.saturating_add(reaches.len() * (1 + facts.documents.len()));
            if evaluations > MAX_EVALUATIONS {
                break;
            }
            let mut differs = replace(&mut self.files, path, parts.ways(reaches));
            if tree.is_kustomization(path) {
                let walks = parts.ways(builds.walks(build::folder(path)));
                differs |= replace(&mut self.kustomizations, path, walks);
            }
            if differs {
                changed.insert(Arc::clone(path));
            }
        }
        self.is_exhausted |= evaluations > MAX_EVALUATIONS;
        let exhausted = self.is_exhausted;
        let is_gone = |path: &Arc<str>| exhausted || tree.facts(path).is_none();
        let is_none_now = |path: &Arc<str>| is_gone(path) || !tree.is_kustomization(path);
        changed.extend(self.files.extract_if(|path, _| is_gone(path)).map(|(path, _)| path));
        changed.extend(self.kustomizations.extract_if(|path, _| is_none_now(path)).map(|(path, _)| path));
        changed
    }
}

/// Puts ways in the place of those that were; whether they differ. No ways: as written.
fn replace(known: &mut WaysByPath, path: &Arc<str>, ways: Vec<Way>) -> bool {
    match known.get_mut(path) {
        Some(old) if **old == *ways => false,
        Some(_) if ways.is_empty() => known.remove(path).is_some(),
        Some(old) => {
            *old = ways.into();
            true
        }
        None if ways.is_empty() => false,
        None => known.insert(Arc::clone(path), ways.into()).is_none(),
    }
}

/// The builds of a tree.
fn builds(tree: &Tree) -> Builds {
    let yaml = || tree.files().filter_map(|(path, file)| Some((&**path, file.facts.as_ref()?)));
    let kustomizations = yaml().filter_map(|(path, facts)| {
        is_kustomization(path).then_some(())?;
        Some((path, facts.kustomize.as_ref()?))
    });
    let parts = yaml().flat_map(|(path, facts)| {
        let documents = facts.documents.iter();
        documents.filter_map(move |document| Some((path, document.index, document.part.as_deref()?)))
    });
    let parts: Vec<(&str, DocumentIndex, &Part)> = parts.collect();
    let mut built = build::Tree::new(yaml().map(|(path, _)| path), kustomizations, parts);
    built.add_folders(tree.folders());
    Builds::as_counted(&built)
}

/// Builds and variables by their numbers, those that were known before as the same things.
struct Parts {
    builds: Vec<Arc<Build>>,
    variables: Vec<Arc<Variables>>,
}

impl Parts {
    fn of(builds: &Builds, known_builds: &mut HashSet<Arc<Build>>, known: &mut HashSet<Arc<Variables>>) -> Self {
        Self { builds: shared(builds.builds(), known_builds), variables: shared(builds.all_variables(), known) }
    }

    fn ways(&self, reaches: &[Reach]) -> Vec<Way> {
        let way = |reach: &Reach| Way {
            build: self.builds.get(reach.build).cloned(),
            forced: reach.forced.clone(),
            default: reach.default.clone(),
            variables: reach.variables().and_then(|number| self.variables.get(number)).cloned(),
        };
        reaches.iter().map(way).collect()
    }
}

/// All of them, each as it was known; afterwards they are what is known.
fn shared<T: Clone + Eq + std::hash::Hash>(all: &[T], known: &mut HashSet<Arc<T>>) -> Vec<Arc<T>> {
    let share = |thing: &T| known.get(thing).map_or_else(|| Arc::new(thing.clone()), Arc::clone);
    let shared: Vec<Arc<T>> = all.iter().map(share).collect();
    *known = shared.iter().cloned().collect();
    shared
}
