//! Ways: how builds reach files, in a form that stays the same from one evaluation of the builds to the next.

use entity::kind::Renderer;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::tree::Tree;
use crate::build::{self, Build, BuildKind, Builds, Part, Reach, Variables, is_kustomization};
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

/// All ways of a tree.
#[derive(Debug, Default)]
pub struct Ways {
    files: HashMap<Arc<str>, Arc<[Way]>>,
    /// By the path of the folder's kustomization.
    kustomizations: HashMap<Arc<str>, Arc<[Way]>>,
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
        let (known_builds, known_variables) = (HashSet::new(), HashSet::new());
        let old_builds = std::mem::replace(&mut self.known_builds, known_builds);
        let old_variables = std::mem::replace(&mut self.known_variables, known_variables);
        let mut intern = Intern { builds: &builds, old_builds, old_variables, ways: self };
        let (mut files, mut kustomizations) = (HashMap::new(), HashMap::new());
        let mut evaluations = 0_usize;
        for (path, file) in tree.files() {
            let Some(facts) = &file.facts else { continue };
            evaluations = evaluations.saturating_add(builds.reaches(path).len() * (1 + facts.documents.len()));
            if evaluations > MAX_EVALUATIONS {
                break;
            }
            if let Some(ways) = intern.ways(builds.reaches(path)) {
                files.insert(Arc::clone(path), ways);
            }
            if tree.is_kustomization(path)
                && let Some(ways) = intern.ways(builds.walks(build::folder(path)))
            {
                kustomizations.insert(Arc::clone(path), ways);
            }
        }
        if evaluations > MAX_EVALUATIONS {
            self.is_exhausted = true;
            files.clear();
            kustomizations.clear();
        }
        let mut changed = BTreeSet::new();
        for (old, new) in [(&self.files, &files), (&self.kustomizations, &kustomizations)] {
            let differs = |path: &&Arc<str>| old.get(*path) != new.get(*path);
            changed.extend(old.keys().chain(new.keys()).filter(differs).cloned());
        }
        self.files = files;
        self.kustomizations = kustomizations;
        changed
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
    Builds::without_scopes(&build::Tree::new(yaml().map(|(path, _)| path), kustomizations, parts))
}

/// Makes equal builds and variables one thing, those of the last evaluation too.
struct Intern<'a> {
    builds: &'a Builds,
    old_builds: HashSet<Arc<Build>>,
    old_variables: HashSet<Arc<Variables>>,
    ways: &'a mut Ways,
}

impl Intern<'_> {
    fn ways(&mut self, reaches: &[Reach]) -> Option<Arc<[Way]>> {
        if reaches.is_empty() {
            return None;
        }
        Some(reaches.iter().map(|reach| self.way(reach)).collect())
    }

    fn way(&mut self, reach: &Reach) -> Way {
        let build = self
            .builds
            .builds()
            .get(reach.build)
            .map(|build| one(build, &self.old_builds, &mut self.ways.known_builds));
        let variables = self.builds.variables(reach);
        let variables = variables.map(|variables| one(variables, &self.old_variables, &mut self.ways.known_variables));
        Way { build, forced: reach.forced.clone(), default: reach.default.clone(), variables }
    }
}

fn one<T: Clone + Eq + std::hash::Hash>(thing: &T, old: &HashSet<Arc<T>>, known: &mut HashSet<Arc<T>>) -> Arc<T> {
    if let Some(known) = known.get(thing) {
        return Arc::clone(known);
    }
    let shared = old.get(thing).map_or_else(|| Arc::new(thing.clone()), Arc::clone);
    known.insert(Arc::clone(&shared));
    shared
}
