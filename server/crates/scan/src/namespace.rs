//! Which namespace manifests end up in when they write none: kustomize's `namespace:` and Flux' `targetNamespace`.
//!
//! Unknown stays unknown: where overlays disagree, nothing is claimed.

use std::collections::{BTreeMap, HashMap};

use crate::yaml::{Kind, Node};

/// Resources and components that one kustomization may list.
const MAX_LISTED: usize = 10_000;
/// Longest path or namespace kept.
const MAX_TEXT: usize = 500;

/// Kustomizations within kustomizations followed; real ones nest a handful.
const MAX_NESTING: usize = 64;

/// The part of a `kustomization.yaml` that decides about namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KustomizeFile {
    pub namespace: Option<String>,
    /// Files and folders, as written; addresses of other repositories are left out.
    pub lists: Vec<String>,
}

impl KustomizeFile {
    /// Reads a kustomization; `None` where the document is something else.
    #[must_use]
    pub fn read(root: Node<'_>) -> Option<Self> {
        if root.kind() != Kind::Mapping {
            return None;
        }
        let text = |key: &str| root.get(key).and_then(Node::text);
        // Both lines may be left out in a file of this name.
        if text("kind").is_some_and(|kind| !matches!(kind, "Kustomization" | "Component"))
            || text("apiVersion").is_some_and(|version| !version.starts_with("kustomize.config.k8s.io/"))
        {
            return None;
        }
        let namespace = text("namespace").filter(|text| text.len() <= MAX_TEXT).map(str::to_owned);
        let lists = ["resources", "components", "bases"]
            .iter()
            .filter_map(|key| root.get(key))
            .flat_map(Node::items)
            .filter_map(Node::text)
            .filter(|text| text.len() <= MAX_TEXT && !text.contains("://"))
            .take(MAX_LISTED)
            .map(str::to_owned)
            .collect();
        Some(Self { namespace, lists })
    }
}

/// Whether kustomize reads a file of this path as a folder's kustomization.
#[must_use]
pub fn is_kustomization(path: &str) -> bool {
    matches!(file_name(path), "kustomization.yaml" | "kustomization.yml")
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The folder of a file; empty at the root.
#[must_use]
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// All that decides about namespaces in one tree.
#[derive(Debug, Default)]
pub struct Layout {
    /// By folder: its own namespace.
    folders: HashMap<String, Option<String>>,
    /// By file or folder: the folders whose kustomizations list it.
    listed_by: HashMap<String, Vec<String>>,
    /// Flux Kustomizations with a target, by path.
    targets: BTreeMap<String, Outcome>,
}

/// What several overlays together say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Unknown,
    One(String),
    Disagree,
}

impl Outcome {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, outcome) | (outcome, Self::Unknown) => outcome,
            (Self::One(left), Self::One(right)) if left == right => Self::One(left),
            _ => Self::Disagree,
        }
    }
}

impl Layout {
    /// Puts a tree's kustomizations (path of the file, content) and Flux' (path, target namespace) together.
    pub fn new<'a>(
        kustomizations: impl IntoIterator<Item = (&'a str, &'a KustomizeFile)>,
        applies: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut layout = Self::default();
        for (path, file) in kustomizations {
            let own = folder(path);
            layout.folders.insert(own.to_owned(), file.namespace.clone());
            for listed in &file.lists {
                if let Some(listed) = join(own, listed) {
                    layout.listed_by.entry(listed).or_default().push(own.to_owned());
                }
            }
        }
        for (path, namespace) in applies {
            if let Some(path) = join("", path) {
                let outcome = Outcome::One(namespace.to_owned());
                let before = layout.targets.remove(&path).unwrap_or(Outcome::Unknown);
                layout.targets.insert(path, before.and(outcome));
            }
        }
        layout
    }

    /// The namespace that a file's manifests inherit.
    #[must_use]
    pub fn inherited(&self, path: &str, memo: &mut Memo) -> Option<String> {
        let outcome = match self.target(path) {
            Some(outcome) => outcome.clone(),
            None => self.listed(path, memo, 0),
        };
        match outcome {
            Outcome::One(namespace) => Some(namespace),
            Outcome::Unknown | Outcome::Disagree => None,
        }
    }

    /// The target of the most specific Flux Kustomization above a file.
    fn target(&self, path: &str) -> Option<&Outcome> {
        if self.targets.is_empty() {
            return None;
        }
        let mut at = folder(path);
        loop {
            if let Some(outcome) = self.targets.get(at) {
                return Some(outcome);
            }
            if at.is_empty() {
                return None;
            }
            at = folder(at);
        }
    }

    /// What the kustomizations that list a file or folder say together.
    fn listed(&self, path: &str, memo: &mut Memo, depth: usize) -> Outcome {
        let Some(folders) = self.listed_by.get(path) else { return Outcome::Unknown };
        folders.iter().fold(Outcome::Unknown, |outcome, folder| outcome.and(self.folder(folder, memo, depth + 1)))
    }

    /// What a folder's kustomization gives its files: the outermost namespace wins, its own comes last.
    fn folder(&self, folder: &str, memo: &mut Memo, depth: usize) -> Outcome {
        if let Some(known) = memo.folders.get(folder) {
            // `None` is a folder that is being asked already: kustomizations that list each other say nothing.
            return known.clone().unwrap_or(Outcome::Disagree);
        }
        if depth > MAX_NESTING {
            return Outcome::Disagree;
        }
        memo.folders.insert(folder.to_owned(), None);
        let outcome = match self.listed(folder, memo, depth) {
            Outcome::Unknown => {
                let own = self.folders.get(folder).cloned().flatten();
                own.map_or(Outcome::Unknown, Outcome::One)
            }
            outer => outer,
        };
        memo.folders.insert(folder.to_owned(), Some(outcome.clone()));
        outcome
    }
}

/// Answers for folders, kept while one layout is asked about many files.
#[derive(Debug, Default)]
pub struct Memo {
    folders: HashMap<String, Option<Outcome>>,
}

/// `base` and a relative path put together; `None` where it leads out of the repository.
fn join(base: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
