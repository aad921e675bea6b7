//! A chart as somebody uses it.

use std::sync::Arc;

use serde::Serialize;

use super::source::VersionKind;
use super::values::Values;
use super::ways::Rendered;

/// What names the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UseKind {
    Argo,
    /// A dependency of a chart of the tree.
    Dependency,
    HelmRelease,
    K3s,
    Kustomize,
}

/// How the chart's place was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum How {
    #[serde(rename = "argo")]
    Argo,
    #[serde(rename = "argo-git")]
    ArgoGit,
    #[serde(rename = "dependency")]
    Dependency,
    #[serde(rename = "gitrepository")]
    GitRepository,
    #[serde(rename = "helmrepository")]
    HelmRepository,
    /// By a comment for Renovate.
    #[serde(rename = "hint")]
    Hint,
    #[serde(rename = "k3s")]
    K3s,
    #[serde(rename = "kustomize")]
    Kustomize,
    /// A folder of the tree.
    #[serde(rename = "local")]
    Local,
    #[serde(rename = "ocirepository")]
    OciRepository,
    #[serde(rename = "unresolved")]
    Unresolved,
}

/// Why the chart's place is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    NoUrl,
    /// Sources that disagree are as near as each other.
    SourceAmbiguous,
    SourceNotFound,
    Templated,
    UnsupportedKind,
}

/// What values a use takes from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ValuesFromCount {
    pub resolved: u32,
    /// Not in the tree, encrypted, or no map.
    pub missing: u32,
    pub secret: u32,
}

/// One use of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartUse {
    pub file: Arc<str>,
    pub document: Arc<str>,
    /// Which of several in the document.
    pub part: Option<usize>,
    pub kind: UseKind,
    pub name: Option<Box<str>>,
    /// Helm's name.
    pub release: Option<Box<str>>,
    /// Where it is installed.
    pub namespace: Option<Box<str>>,
    pub chart: Option<Box<str>>,
    pub source: Option<Box<str>>,
    pub key: Option<Box<str>>,
    /// The key that stands for all places of the chart.
    pub group: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub version_kind: VersionKind,
    pub digest: Option<Box<str>>,
    pub how: How,
    pub reason: Option<Reason>,
    /// Whether the source is one of another namespace.
    pub by_name: bool,
    pub rendered: Rendered,
    pub values: Arc<Values>,
    pub values_from: ValuesFromCount,
    /// Keys under which kubesearch has shown it, newest first.
    pub kubesearch: Vec<Box<str>>,
}

impl ChartUse {
    /// What tells uses apart: equal results of several builds are one.
    #[must_use]
    pub fn identity(&self) -> impl Ord + '_ {
        (
            (&self.file, &self.document, self.part, self.kind, &self.name, &self.release, &self.namespace, &self.chart),
            (&self.source, &self.key, &self.version, self.version_kind, &self.digest, self.how, self.reason),
            (self.by_name, self.rendered, &self.values.digest, self.values.leaves.len()),
        )
    }
}
