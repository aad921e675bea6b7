//! kustomize's own file: the part of it that decides what a build reaches, and with which namespace.

use yaml::{Kind, Node};

/// Entries that one kustomization may list.
const MAX_LISTED: usize = 10_000;
/// Longest path or namespace kept.
const MAX_TEXT: usize = 500;
/// The names that kustomize looks for in a folder; the first that is there counts.
const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The part of a kustomization that decides what is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KustomizeFile {
    pub namespace: Option<String>,
    /// Files and folders of `resources` and `bases`, as written; addresses of other repositories are left out.
    pub resources: Vec<String>,
    /// Folders of `components`: what they set goes over all that was included before them.
    pub components: Vec<String>,
    /// Those of `generators`: built as well, but a folder that only they name is a build of its own.
    pub generators: Vec<String>,
}

impl KustomizeFile {
    /// Reads a kustomization; `None` where the document is something else.
    #[must_use]
    pub fn read(root: Node<'_>) -> Option<Self> {
        if root.kind() != Kind::Mapping {
            return None;
        }
        let text = |key: &str| root.get(key).and_then(Node::string);
        // Both lines may be left out in a file of this name, and another kind is only misspelled.
        if text("apiVersion").is_some_and(|version| !version.starts_with("kustomize.config.k8s.io/")) {
            return None;
        }
        let namespace = text("namespace").filter(|text| text.len() <= MAX_TEXT).map(str::to_owned);
        let listed = |keys: &[&str]| {
            let items = keys.iter().filter_map(|key| root.get(key)).flat_map(Node::items).filter_map(Node::string);
            let here = items.filter(|text| text.len() <= MAX_TEXT && !text.contains("://"));
            here.take(MAX_LISTED).map(str::to_owned).collect()
        };
        Some(Self {
            namespace,
            resources: listed(&["resources", "bases"]),
            components: listed(&["components"]),
            generators: listed(&["generators"]),
        })
    }
}

/// Whether kustomize reads a file of this path as a folder's kustomization.
#[must_use]
pub fn is_kustomization(path: &str) -> bool {
    rank(path).is_some()
}

/// Whether a kustomization's name has no ending: it decides where manifests go, but is not counted as a YAML file.
#[must_use]
pub fn is_bare_kustomization(path: &str) -> bool {
    rank(path) == Some(FILE_NAMES.len() - 1)
}

/// Which of a folder's kustomizations counts: the one of the lowest rank.
pub(crate) fn rank(path: &str) -> Option<usize> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    FILE_NAMES.iter().position(|other| *other == name)
}

/// The folder of a file or folder; empty at the root.
#[must_use]
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A folder and a path relative to it put together; `None` where that leads out of the repository.
pub(crate) fn join(base: &str, relative: &str) -> Option<String> {
    if relative.starts_with('/') {
        return None;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use yaml::{Limits, parse};

    fn read(text: &str) -> Option<KustomizeFile> {
        KustomizeFile::read(parse(text.as_bytes(), &Limits::default()).unwrap()[0].root())
    }

    #[test]
    fn a_kustomization_may_leave_out_what_it_is_but_not_say_something_else() {
        let file = read("namespace: shop\nbases: [../base]\nresources: [a.yaml, 'https://example.org/x']\n").unwrap();
        assert_eq!(file.namespace.as_deref(), Some("shop"));
        assert_eq!(file.resources, ["a.yaml", "../base"]);
        assert!(read("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n").is_some());
        assert!(read("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: kustomization\n").is_some());
        let dated = read("namespace: 2024-01-01\nresources: [!here a.yaml, 1]\n").unwrap();
        assert_eq!((dated.namespace.as_deref(), dated.resources), (Some("2024-01-01"), vec!["a.yaml".to_owned()]));
        assert!(read("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n").is_none());
        assert!(read("kind: kustomization\n").is_some());
        assert!(read("apiVersion: apps/v1\nkind: Deployment\n").is_none());
        assert!(read("- a\n").is_none());
    }

    #[test]
    fn kustomizations_have_one_of_three_names() {
        for path in ["kustomization.yaml", "a/kustomization.yml", "a/b/Kustomization"] {
            assert!(is_kustomization(path), "{path}");
        }
        for path in ["kustomize.yaml", "Kustomization.yaml", "kustomization", "kustomization.yaml/a.yaml"] {
            assert!(!is_kustomization(path), "{path}");
        }
        assert!(is_bare_kustomization("a/Kustomization") && !is_bare_kustomization("a/kustomization.yml"));
    }

    #[test]
    fn paths_that_lead_out_of_the_repository_lead_nowhere() {
        assert_eq!(join("a/b", "../c/./d.yaml").as_deref(), Some("a/c/d.yaml"));
        assert_eq!(join("a", "..").as_deref(), Some(""));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc"), None);
    }
}
