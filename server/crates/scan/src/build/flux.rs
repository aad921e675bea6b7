//! Flux: Kustomizations, and whether their source is this repository.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entity::address::Address;
use yaml::Node;

use super::Reading;
use super::kustomization::{folder, join};
use super::tree::{Placed, Tree};
use super::variables::Variables;
use crate::detect::{list, plain, plain_at};

/// The source that `flux bootstrap` and the Flux Operator make of the repository that a cluster is kept in.
const BOOTSTRAPPED: &str = "flux-system";

/// What a Flux Kustomization says about its build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxKustomization {
    pub namespace: Option<Arc<str>>,
    /// `spec.path`; `None` is the source's root.
    pub path: Option<String>,
    /// The folder of the path as it is written; `None` where that leads out of the repository.
    pub(super) folder: Option<Arc<str>>,
    pub target_namespace: Option<Arc<str>>,
    /// Kind and name of the source; one without a kind is the same as others without.
    pub source: Option<(Option<String>, String)>,
    /// Folders of further components, relative to the path.
    pub components: Vec<String>,
    pub post_build: Option<PostBuild>,
    /// Whether variables are not put into the Kustomization itself.
    pub literal: bool,
}

/// Where a build's variables come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostBuild {
    /// Names of ConfigMaps, later ones over earlier ones.
    pub config_maps: Vec<String>,
    pub substitute: Arc<Variables>,
}

impl FluxKustomization {
    pub(super) fn read(root: Node<'_>, namespace: Option<String>) -> Self {
        let literal = is_literal(root);
        let namespace = namespace.map(Into::into);
        let Some(spec) = root.get("spec") else {
            return Self { namespace, folder: Self::folder(None), literal, ..Self::default() };
        };
        let text = |key: &str| spec.get(key).and_then(Node::string);
        let components = list(spec.get("components")).filter_map(Node::string).map(str::to_owned).collect();
        Self {
            namespace,
            path: text("path").map(str::to_owned),
            folder: Self::folder(text("path")),
            target_namespace: text("targetNamespace").map(Into::into),
            source: plain_at(spec, &["sourceRef", "name"]).map(|name| (plain_at(spec, &["sourceRef", "kind"]), name)),
            components,
            post_build: spec.get("postBuild").filter(|node| node.is_mapping()).map(PostBuild::read),
            literal,
        }
    }

    /// The folder of a path as Flux reads it.
    pub(super) fn folder(path: Option<&str>) -> Option<Arc<str>> {
        join("", path.unwrap_or_default().trim_start_matches('/')).map(Into::into)
    }
}

impl PostBuild {
    fn read(node: Node<'_>) -> Self {
        let from = node.get("substituteFrom").into_iter().flat_map(Node::items);
        let config_maps = from.filter(|item| plain(item.get("kind")).as_deref() == Some("ConfigMap"));
        Self {
            config_maps: config_maps.filter_map(|item| plain(item.get("name"))).take(MAX_CONFIG_MAPS).collect(),
            substitute: Arc::new(Variables::read(node.get("substitute"))),
        }
    }
}

/// Whether a document asks Flux to leave its `${...}` alone.
#[must_use]
pub fn is_literal(root: Node<'_>) -> bool {
    ["annotations", "labels"].iter().any(|of| {
        let value = root.at(&["metadata", of, "kustomize.toolkit.fluxcd.io/substitute"]);
        value.and_then(Node::scalar) == Some("disabled")
    })
}

/// A source of Flux: what it is called, and where its content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxSource {
    pub kind: String,
    pub name: String,
    /// Host and path, equal for all ways to write one address; `None` where that cannot be told.
    pub address: Option<String>,
}

impl FluxSource {
    pub(super) fn read(root: Node<'_>, kind: &str, name: &str) -> Self {
        let address = root.get("spec").and_then(|spec| match kind {
            "Bucket" => Some(format!("{}/{}", plain(spec.get("endpoint"))?, plain(spec.get("bucketName"))?)),
            _ => canonical(&plain(spec.get("url"))?),
        });
        Self { kind: kind.to_owned(), name: name.to_owned(), address }
    }
}

/// Host and path of an address, without scheme, user, port and `.git`, in lower case.
fn canonical(url: &str) -> Option<String> {
    if url.contains("${") {
        return None;
    }
    let address = Address::read(url).ok().filter(|address| !address.host().is_empty())?;
    // One machine may serve a repository at several ports.
    let key = address.key();
    Some(format!("{}/{}", address.host(), key.split_once('/')?.1))
}

/// ConfigMaps that one Kustomization may take variables from.
const MAX_CONFIG_MAPS: usize = 1_000;

/// What tells sources apart: an address, where one is known, else kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SourceId {
    Address(String),
    Name(String, String),
    /// A Kustomization that names none.
    Nothing,
}

/// What speaks for a source being this very repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Evidence {
    /// Kustomizations whose folder is here.
    serves: usize,
    /// One of those folders holds Flux Kustomizations itself.
    serves_kustomizations: bool,
}

/// What of this tree a Flux Kustomization's source may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// Its path is one of another repository or artifact.
    Nothing,
    /// Its path may be a folder that is here. Every repository has a root, so that says nothing.
    Folders,
    FoldersAndRoot,
}

/// What the source of each of the tree's Flux Kustomizations may serve.
///
/// The tree has no address of its own to compare with. A source whose document is not here may be this repository; one whose
/// document is here is it where it is the bootstrapped one, or, without such a one, where it serves the most folders that are here.
pub(super) fn served_from_here(
    tree: &Tree<'_>,
    kustomizations: &[Placed<'_, FluxKustomization>],
    reading: Reading,
) -> Vec<Serves> {
    let folders: Vec<Option<&str>> = kustomizations
        .iter()
        .map(|placed| placed.part.folder.as_deref().filter(|folder| tree.has_folder(folder)))
        .collect();
    let elsewhere = match reading {
        Reading::Rendered => served_elsewhere(tree, kustomizations, &folders),
        Reading::Counted => vec![false; kustomizations.len()],
    };
    // Sources of one kind and name that serve a folder other than the root: only of them the root may be ours.
    let serving: BTreeSet<_> = kustomizations
        .iter()
        .zip(&folders)
        .filter(|(_, folder)| folder.is_some_and(|folder| !folder.is_empty()))
        .filter_map(|(placed, _)| placed.part.source.as_ref())
        .collect();
    kustomizations
        .iter()
        .zip(elsewhere)
        .map(|(placed, elsewhere)| {
            let serves_folders = placed.part.source.as_ref().is_some_and(|source| serving.contains(source));
            match (elsewhere, serves_folders) {
                (true, _) => Serves::Nothing,
                (false, false) => Serves::Folders,
                (false, true) => Serves::FoldersAndRoot,
            }
        })
        .collect()
}

/// Whether the source of each has a document here, and is not this very repository.
fn served_elsewhere(
    tree: &Tree<'_>,
    kustomizations: &[Placed<'_, FluxKustomization>],
    folders: &[Option<&str>],
) -> Vec<bool> {
    let ids: Vec<SourceId> = kustomizations.iter().map(|placed| source_id(tree, placed)).collect();
    let is_bootstrapped = |placed: &Placed<'_, FluxKustomization>| {
        placed.part.source.as_ref().is_some_and(|(kind, name)| kind.is_some() && name == BOOTSTRAPPED)
    };
    let bootstrapped: BTreeSet<&SourceId> = (0..ids.len())
        .filter(|&at| is_bootstrapped(&kustomizations[at]) && folders[at].is_some())
        .map(|at| &ids[at])
        .collect();
    let own = if bootstrapped.is_empty() { most_served(&ids, folders, kustomizations) } else { bootstrapped };
    ids.iter().map(|id| matches!(id, SourceId::Address(_)) && !own.contains(id)).collect()
}

fn source_id(tree: &Tree<'_>, placed: &Placed<'_, FluxKustomization>) -> SourceId {
    // Without a kind no document is meant.
    let Some((Some(kind), name)) = &placed.part.source else { return SourceId::Nothing };
    let address = tree.sources(kind, name, placed.file).into_iter().find_map(|source| source.address.clone());
    address.map_or_else(|| SourceId::Name(kind.clone(), name.clone()), SourceId::Address)
}

/// The sources that the most Kustomizations with a folder of the tree have; several where the evidence is equal.
fn most_served<'a>(
    ids: &'a [SourceId],
    folders: &[Option<&str>],
    kustomizations: &[Placed<'_, FluxKustomization>],
) -> BTreeSet<&'a SourceId> {
    let holding: BTreeSet<&str> = kustomizations.iter().map(|placed| folder(placed.file)).collect();
    let holds = |root: &str| {
        let below =
            |folder: &&str| *folder == root || folder.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        holding.range(root..).take_while(|folder| folder.starts_with(root)).any(below)
    };
    let mut evidence: BTreeMap<&SourceId, Evidence> = BTreeMap::new();
    for (id, folder) in ids.iter().zip(folders) {
        let Some(folder) = folder.filter(|folder| !folder.is_empty()) else { continue };
        let evidence = evidence.entry(id).or_default();
        evidence.serves += 1;
        evidence.serves_kustomizations |= holds(folder);
    }
    let most = evidence.values().copied().max();
    evidence.into_iter().filter(|(_, evidence)| Some(*evidence) == most).map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kustomization_may_take_variables_from_many_config_maps() {
        let maps: String = (0..900).map(|number| format!("{{kind: ConfigMap, name: m{number}}}, ")).collect();
        let text = format!("spec: {{postBuild: {{substituteFrom: [{maps}{{kind: Secret, name: s}}]}}}}");
        let documents = yaml::parse(text.as_bytes(), &yaml::Limits::default()).unwrap();
        let read = FluxKustomization::read(documents[0].root(), None).post_build.unwrap();
        assert_eq!((read.config_maps.len(), read.config_maps[899].as_str()), (900, "m899"));
    }

    #[test]
    fn one_address_is_the_same_however_it_is_written() {
        for url in [
            "https://example.org/Me/Home.git",
            "ssh://git@example.org:22/me/home",
            "git@example.org:me/home.git",
            "https://user:token@example.org/me/home/",
        ] {
            assert_eq!(canonical(url).as_deref(), Some("example.org/me/home"), "{url}");
        }
        assert_eq!(canonical("https://${HOST}/me/home"), None);
        assert_eq!(canonical("home"), None);
    }
}
