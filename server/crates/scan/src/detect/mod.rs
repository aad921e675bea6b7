//! What manifests say beyond their identity: versions, sources, charts and images.
//!
//! One file per subject and one table from (group, kind) to its detector: adding a kind is adding a
//! file and its rows here. Everything is bounded and is a function of the manifest's content alone, not of
//! its formatting, so that a scan and its continuation agree.

mod argo;
mod flux_kustomization;
mod flux_source;
mod helm_chart;
mod helm_release;
mod image;
mod read;
mod workload;

use entity::input::{FoundChart, FoundImage, ResourceKey, SourceRef};

use yaml::Node;

pub use image::parse_image;
pub(crate) use read::{list, plain, plain_at};

/// Flux's group of things that others deploy from.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";

/// What a detector learned from one manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version as written here; what a source delivers is resolved by the replay.
    pub version: Option<String>,
    /// What it deploys from.
    pub source: Option<SourceRef>,
    /// What the source decides about it.
    pub takes: Takes,
    /// Charts installed, the main one first.
    pub charts: Vec<FoundChart>,
    pub images: Vec<FoundImage>,
    /// Set on sources: what those who deploy from it get.
    pub provides: Option<Provides>,
}

/// Which part of a resource its source decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    #[default]
    Nothing,
    /// Chart and version are written here, the address comes from the source.
    Address,
    /// Name, version and address of the chart.
    Chart,
    /// The version only.
    Version,
}

/// What a source delivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provides {
    /// The chart's name where the address tells it.
    pub chart: Option<String>,
    pub url: Option<String>,
    /// A pinned version (tag, range, digest, commit); `None` for a branch.
    pub version: Option<String>,
    /// The fields that decide it, by path, for the events of those who deploy from it.
    pub fields: Vec<(&'static str, String)>,
}

impl Provides {
    /// What those who deploy from it get.
    pub(crate) fn delivers(&self) -> impl PartialEq + '_ {
        (&self.chart, &self.url, &self.version)
    }
}

type Detector = fn(Node<'_>, &mut Facts);

/// Who reads what. Groups are without version; the core group is empty.
const DETECTORS: &[(&str, &str, Detector)] = &[
    ("helm.toolkit.fluxcd.io", "HelmRelease", helm_release::helm_release),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", flux_kustomization::kustomization),
    (SOURCE_GROUP, "OCIRepository", flux_source::oci_repository),
    (SOURCE_GROUP, "GitRepository", flux_source::git_repository),
    (SOURCE_GROUP, "HelmRepository", flux_source::helm_repository),
    (SOURCE_GROUP, "HelmChart", flux_source::helm_chart),
    (SOURCE_GROUP, "Bucket", flux_source::bucket),
    ("helm.cattle.io", "HelmChart", helm_chart::k3s_chart),
    // `apiVersion: builtin`.
    ("", "HelmChartInflationGenerator", helm_chart::inflation_generator),
    ("argoproj.io", "Application", argo::application),
    ("argoproj.io", "ApplicationSet", argo::application_set),
    ("", "Pod", workload::pod),
    ("", "ReplicationController", workload::template),
    ("apps", "Deployment", workload::template),
    ("apps", "StatefulSet", workload::template),
    ("apps", "DaemonSet", workload::template),
    ("apps", "ReplicaSet", workload::template),
    ("extensions", "Deployment", workload::template),
    ("extensions", "DaemonSet", workload::template),
    ("batch", "Job", workload::template),
    ("batch", "CronJob", workload::cron_job),
];

/// Reads what the manifest's kind has to tell; nothing for kinds that no detector knows.
#[must_use]
pub fn facts(root: Node<'_>, key: &ResourceKey, _api_version: &str) -> Facts {
    let mut facts = Facts::default();
    if let Some((_, _, detector)) = DETECTORS.iter().find(|(group, kind, _)| *kind == key.kind && *group == key.group) {
        detector(root, &mut facts);
        read::settle(&mut facts, key);
    }
    facts
}
