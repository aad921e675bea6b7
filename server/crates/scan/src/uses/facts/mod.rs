//! What one file says, read once per blob: independent of its path, of builds and of all other files.

mod argo;
mod chart;
mod hints;
mod kustomization;
mod makes;
mod pods;
mod references;

use std::sync::Arc;

use entity::input::ResourceKey;
use yaml::{Document, Limits, Node, SharedNode, parse};

pub use argo::{ArgoFacts, ArgoSource};
pub use chart::{FluxChart, HelmRelease, HelmSource, Inflation, K3sChart, ValuesFrom};
pub use kustomization::{Entry, KustomizationFacts};
pub use makes::Made;
pub use references::RawReference;

use super::image::{ImagePlace, find_images};
use super::text::{MAX_TEXT, items, string, word_at};
use super::values::View;
use crate::build::{KustomizeFile, Part, is_bare_kustomization, is_literal, join};
use crate::file::DocumentIndex;
use crate::identity::Identity;
use crate::mask::{self, Rules};

/// Documents of one file that are read.
const MAX_DOCUMENTS: usize = 20_000;
/// Lists within lists that are followed.
const MAX_LISTS: usize = 4;

pub const FLUX_HELM: &str = "helm.toolkit.fluxcd.io";
pub const FLUX_KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
pub const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";
pub const ARGO: &str = "argoproj.io";
pub const K3S: &str = "helm.cattle.io";

/// What a file says.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    pub documents: Vec<DocumentFacts>,
    /// What its first document says as a kustomization; whether the file is one, its name tells.
    pub kustomize: Option<KustomizeFile>,
    pub kustomization: Option<Box<KustomizationFacts>>,
    /// Comments that tell Renovate where a version comes from.
    pub renovate_hints: u32,
    /// Chart and address of comments that tell Renovate where a chart comes from.
    pub registry_hints: Vec<(Box<str>, Box<str>)>,
}

/// What a document says.
#[derive(Clone, Debug)]
pub struct DocumentFacts {
    /// Its number in the file, and behind slashes those within lists.
    pub number: Arc<str>,
    pub index: DocumentIndex,
    pub group: Arc<str>,
    pub kind: Arc<str>,
    pub name: Option<Arc<str>>,
    pub namespace: Option<Arc<str>>,
    /// Whether variables are not put into it.
    pub literal: bool,
    /// What it says about builds.
    pub part: Option<Box<Part>>,
    pub subject: Subject,
    /// Images of the document itself; those of charts' values are found where values are merged.
    pub images: Box<[ImagePlace]>,
    pub references: Box<[RawReference]>,
    /// Whether it names more than that.
    pub references_cut: bool,
    pub makes: Box<[Made]>,
    /// Labels of the pods that it makes.
    pub pod_labels: Labels,
    /// Labels of the pods that it selects.
    pub selector: Labels,
}

/// Labels by name.
pub type Labels = Box<[(Box<str>, Box<str>)]>;

/// What else is read of the kinds that decide about charts.
#[derive(Clone, Debug)]
pub enum Subject {
    Other,
    /// `None`: one without a chart, which patches another.
    HelmRelease(Option<Box<HelmRelease>>),
    Source(Box<HelmSource>),
    K3sChart(Box<K3sChart>),
    /// Values for a chart of k3s.
    K3sConfig(Box<K3sChart>),
    Argo(Box<ArgoFacts>),
    Inflation(Box<Inflation>),
    ConfigMap,
    /// A Flux Kustomization's `spec.path`, and kind and name of its source.
    FluxKustomization(Box<FluxPath>),
    /// Kind and name of the source that a Flux instance syncs.
    FluxInstance(Box<str>, Box<str>),
}

/// Where a Flux Kustomization says its folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxPath {
    /// Of the path as a text; `None` where that leads out of the repository.
    pub folder: Option<Box<str>>,
    /// As any scalar.
    pub word: Option<Box<str>>,
    pub source_kind: Option<Box<str>>,
    pub source_name: Option<Box<str>>,
}

/// The documents of a text, with what must not be shown of them decided; none where it is broken.
#[must_use]
pub fn documents(text: &[u8], limits: &Limits, rules: &Rules) -> Vec<Document> {
    let documents = parse(text, limits).unwrap_or_default();
    if let Some(first) = documents.first() {
        first.shared_root().hide(mask::hidden(&documents, rules));
    }
    documents
}

/// The first document of a text that is not empty, where it is a mapping.
#[must_use]
pub fn first_map(documents: &[Document]) -> Option<SharedNode> {
    let first = documents.iter().find(|document| !document.root().is_null())?;
    first.root().is_mapping().then(|| first.shared_root().clone())
}

impl FileFacts {
    /// Reads a file, with the usual rules of what is masked.
    #[must_use]
    pub fn read(text: &[u8], limits: &Limits) -> Self {
        Self::read_masking(text, limits, &Rules::default())
    }

    /// The same with rules of one's own.
    #[must_use]
    pub fn read_masking(text: &[u8], limits: &Limits, rules: &Rules) -> Self {
        Self::of(&documents(text, limits, rules), text, rules)
    }

    /// Reads a file whose documents are known, and whose secrets are decided.
    #[must_use]
    pub fn of(documents: &[Document], text: &[u8], rules: &Rules) -> Self {
        let mut facts = Self {
            renovate_hints: hints::count_renovate(text),
            registry_hints: hints::registries(text),
            ..Self::default()
        };
        if let Some(first) = first_map(documents) {
            facts.kustomize = KustomizeFile::read(first.node());
            facts.kustomization = facts.kustomize.as_ref().map(|_| Box::new(KustomizationFacts::read(&first)));
        }
        for (number, document) in (0..).zip(documents.iter().filter(|document| !document.root().is_null())) {
            let index = DocumentIndex { document: number, item: None };
            facts.add(document.shared_root(), index, &number.to_string(), (0, rules));
        }
        facts
    }

    /// Whether files of this path are read.
    #[must_use]
    pub fn are_of(path: &str) -> bool {
        path.ends_with(".yaml") || path.ends_with(".yml") || is_bare_kustomization(path)
    }

    /// The file as one of this path: kustomize's own file without ending is a kustomization and nothing else.
    #[must_use]
    pub fn at_path(self: Arc<Self>, path: &str) -> Arc<Self> {
        if !is_bare_kustomization(path) {
            return self;
        }
        let Self { kustomize, kustomization, .. } = Arc::unwrap_or_clone(self);
        Arc::new(Self { kustomize, kustomization, ..Self::default() })
    }

    /// `lists`: how many lists it lies in.
    fn add(&mut self, root: &SharedNode, index: DocumentIndex, number: &str, (lists, rules): (usize, &Rules)) {
        if !root.node().is_mapping() || self.documents.len() >= MAX_DOCUMENTS {
            return;
        }
        let Some(identity) = Identity::read(root.node()) else { return };
        if identity.is_list() && lists < MAX_LISTS {
            for (item, node) in (0..).zip(items(root.node().get("items"))) {
                // Within lists of lists the place tells nothing apart; only the number does.
                let index = DocumentIndex { item: Some(index.item.unwrap_or(0) + item), ..index };
                self.add(&root.share(node), index, &format!("{number}/{item}"), (lists + 1, rules));
            }
        } else if !identity.is_list() && identity.api_version.len() <= MAX_TEXT && identity.kind.len() <= MAX_TEXT {
            self.documents.push(DocumentFacts::read(root, &identity, index, number, rules));
        }
    }
}

/// A document under the eyes of all who read something of it.
#[derive(Clone, Copy)]
pub struct Reader<'t> {
    pub root: &'t SharedNode,
    pub group: &'t str,
    pub kind: &'t str,
    pub name: Option<&'t str>,
    /// How texts in it are masked.
    pub rules: &'t Rules,
}

impl<'t> Reader<'t> {
    pub fn body(self) -> Node<'t> {
        self.root.node()
    }

    pub fn spec(self) -> Option<Node<'t>> {
        self.body().get("spec").filter(|spec| spec.is_mapping())
    }

    pub fn is(self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

impl DocumentFacts {
    fn read(root: &SharedNode, identity: &Identity<'_>, index: DocumentIndex, number: &str, rules: &Rules) -> Self {
        let body = root.node();
        let name = string(body.at(&["metadata", "name"]));
        let namespace = string(body.at(&["metadata", "namespace"]));
        let reader = Reader { root, group: identity.group, kind: identity.kind, name, rules };
        let key = ResourceKey {
            group: identity.group.to_owned(),
            kind: identity.kind.to_owned(),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.unwrap_or_default().to_owned(),
        };
        let part = Part::of(&key, body).filter(|part| match part {
            // They build a folder whatever they are called.
            Part::Flux(_) | Part::Argo(_) => true,
            Part::Source(_) | Part::ConfigMap(_) => name.is_some(),
            Part::Custom(_) => false,
        });
        let defines = identity.kind == "CustomResourceDefinition";
        let names = !defines && name.is_some();
        let (references, references_cut) = if names { references::read(reader) } else { Default::default() };
        Self {
            number: number.into(),
            index,
            group: identity.group.into(),
            kind: identity.kind.into(),
            name: name.map(Into::into),
            namespace: namespace.map(Into::into),
            literal: is_literal(body),
            part: part.map(Box::new),
            subject: Subject::read(reader),
            images: if has_images(reader) {
                find_images(View::Node(body, 0), &["metadata", "status", "apiVersion", "kind"]).into()
            } else {
                Box::default()
            },
            references,
            references_cut,
            makes: if defines { Box::default() } else { makes::read(reader) },
            pod_labels: if defines || name.is_none() { Box::default() } else { pods::labels(reader) },
            selector: if name.is_none() { Box::default() } else { pods::selector(reader) },
        }
    }
}

/// Whether the images of a document are its own: those of releases are values, and some kinds only carry texts.
fn has_images(reader: Reader<'_>) -> bool {
    match (reader.group, reader.kind) {
        (
            _,
            "CustomResourceDefinition"
            | "ConfigMap"
            | "Secret"
            | "HelmRelease"
            | "GrafanaDashboard"
            | "HelmChartInflationGenerator",
        )
        | (ARGO, "Application" | "ApplicationSet")
        | (K3S, _) => false,
        (group, _) => !group.starts_with("kustomize.config.k8s.io"),
    }
}

impl Subject {
    fn read(reader: Reader<'_>) -> Self {
        match (reader.group, reader.kind) {
            (FLUX_HELM, "HelmRelease") if reader.name.is_some() => {
                Self::HelmRelease(HelmRelease::read(reader).map(Box::new))
            }
            (FLUX_SOURCE, "HelmRepository" | "OCIRepository" | "GitRepository" | "Bucket" | "HelmChart")
                if reader.name.is_some() =>
            {
                Self::Source(Box::new(HelmSource::read(reader)))
            }
            (K3S, "HelmChart") if reader.name.is_some() => Self::K3sChart(Box::new(K3sChart::read(reader))),
            (K3S, "HelmChartConfig") if reader.name.is_some() => Self::K3sConfig(Box::new(K3sChart::read(reader))),
            (ARGO, "Application" | "ApplicationSet") => Self::Argo(Box::new(ArgoFacts::read(reader))),
            ("", "ConfigMap") if reader.name.is_some() => Self::ConfigMap,
            (FLUX_KUSTOMIZE, "Kustomization") => Self::FluxKustomization(Box::new(FluxPath::read(reader.spec()))),
            (_, "HelmChartInflationGenerator") => {
                let is_old = reader.body().get("chartName").is_some();
                Self::Inflation(Box::new(Inflation::read(reader.root, is_old)))
            }
            (_, "FluxInstance") => {
                let sync = |key: &str| reader.spec().and_then(|spec| word_at(spec, &["sync", key]));
                let kind = sync("kind").unwrap_or("GitRepository");
                Self::FluxInstance(kind.into(), sync("name").unwrap_or("flux-system").into())
            }
            _ => Self::Other,
        }
    }
}

impl FluxPath {
    fn read(spec: Option<Node<'_>>) -> Self {
        let word = |path: &[&str]| spec.and_then(|spec| word_at(spec, path)).map(Into::into);
        let text = spec.and_then(|spec| string(spec.get("path"))).unwrap_or_default();
        Self {
            folder: join("", text.trim_start_matches('/')).map(Into::into),
            word: word(&["path"]),
            source_kind: word(&["sourceRef", "kind"]),
            source_name: word(&["sourceRef", "name"]),
        }
    }
}
