//! References between documents: what they lead to in each build.

use entity::kind::ReferenceStatus;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::facts::{DocumentFacts, FLUX_HELM, FLUX_KUSTOMIZE, FLUX_SOURCE, RawReference};
use super::super::index::{Entry, Fact, Key};
use super::super::text::is_template;
use super::super::ways::Way;
use super::choose::nearest;
use super::{Asker, Place};
use crate::file::DocumentIndex;

/// References of one document in all its builds.
const MAX_FOUND: usize = 20_000;
/// Documents of one name that one waits for; it is one, or one in each of a few builds.
const MAX_TARGETS: usize = 100;
/// Kinds that are known by their group too; in alphabetical order.
const GROUPS: [(&str, &str); 22] = [
    ("AppProject", "argoproj.io"),
    ("Bucket", FLUX_SOURCE),
    ("ClusterIssuer", "cert-manager.io"),
    ("ClusterRole", "rbac.authorization.k8s.io"),
    ("ClusterSecretStore", "external-secrets.io"),
    ("ConfigMap", ""),
    ("Gateway", "gateway.networking.k8s.io"),
    ("GatewayClass", "gateway.networking.k8s.io"),
    ("GitRepository", FLUX_SOURCE),
    ("HelmChart", FLUX_SOURCE),
    ("HelmRelease", FLUX_HELM),
    ("HelmRepository", FLUX_SOURCE),
    ("Issuer", "cert-manager.io"),
    ("Kustomization", FLUX_KUSTOMIZE),
    ("OCIRepository", FLUX_SOURCE),
    ("PersistentVolumeClaim", ""),
    ("Provider", "notification.toolkit.fluxcd.io"),
    ("Role", "rbac.authorization.k8s.io"),
    ("Secret", ""),
    ("SecretStore", "external-secrets.io"),
    ("Service", ""),
    ("ServiceAccount", ""),
];
/// Kinds that are in no namespace.
const CLUSTER_WIDE: [&str; 5] = ["ClusterIssuer", "ClusterSecretStore", "ClusterRole", "GatewayClass", "Namespace"];
/// Kinds of Flux that have to be there.
const SOURCES: [&str; 5] = ["HelmRepository", "GitRepository", "OCIRepository", "Bucket", "HelmChart"];
/// Kinds that charts make under the name of their release.
const OF_CHARTS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "Service", "ServiceAccount"];
/// The source that bootstrapping makes.
const BOOTSTRAPPED: &str = "flux-system";

/// An edge from a document to what it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Reference {
    #[serde(serialize_with = "as_text")]
    pub file: Arc<str>,
    #[serde(rename = "doc", serialize_with = "as_text")]
    pub document: Arc<str>,
    /// `Kind/namespace/name`, `-` for no namespace or one that is not known.
    pub from: Box<str>,
    pub field: &'static str,
    pub to: Box<str>,
    pub status: ReferenceStatus,
    /// The document's place in its file; `None` for what a kustomization says.
    #[serde(skip)]
    pub index: Option<DocumentIndex>,
}

/// What a document waits for, each as `file#no Kind/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dependency {
    pub from: Box<str>,
    pub to: Vec<Box<str>>,
}

impl<'e> Asker<'e> {
    pub(super) fn document_references(
        &self,
        place: Place<'e>,
        document: &'e DocumentFacts,
        ways: &'e [Way],
    ) -> super::FoundReferences {
        let mut found = super::FoundReferences::default();
        let Some(name) = &document.name else { return found };
        if document.references.is_empty() && document.selector.is_empty() {
            return found;
        }
        found.is_cut = document.references_cut;
        for way in ways {
            let namespace = way.namespace(document.namespace.as_deref(), document.literal);
            let own = way.put_into(name, document.literal);
            let from: Box<str> = object(&document.kind, namespace.as_deref(), &own).into();
            let mut waits_for: BTreeSet<Box<str>> = BTreeSet::new();
            let mut waits = false;
            let mut add = |field, to: String, status| {
                if found.references.len() >= MAX_FOUND {
                    found.is_cut = true;
                    return;
                }
                found.references.push(Reference {
                    file: Arc::clone(place.path),
                    document: Arc::clone(&document.number),
                    from: from.clone(),
                    field,
                    to: to.into(),
                    status,
                    index: Some(document.index),
                });
            };
            for raw in &document.references {
                let target = Target::of(raw, way, document, namespace.as_ref());
                let (status, hits) = self.status(&target, document);
                add(raw.field, object(&target.kind, target.namespace.as_deref(), &target.name), status);
                if raw.field == "spec.dependsOn[]" {
                    waits = true;
                    let to = |entry: &Entry| Self::node(entry, &target.kind, &target.name);
                    let nearest = nearest(&hits, place.path).into_iter().take(MAX_TARGETS);
                    waits_for.extend(nearest.filter_map(to));
                }
            }
            if !document.selector.is_empty() {
                let (kind, name, status) = self.selected(place, document, namespace.as_deref());
                add("spec.selector", object(&kind, namespace.as_deref(), &name), status);
            }
            if waits {
                let from = format!("{}#{} {from}", place.path, document.number).into();
                found.depends_on.push(Dependency { from, to: waits_for.into_iter().collect() });
            }
        }
        found.depends_on.sort_unstable();
        found.depends_on.dedup();
        found
    }

    fn node(entry: &Entry, kind: &str, name: &str) -> Option<Box<str>> {
        let Fact::Object { number, .. } = &entry.fact else { return None };
        let object = object(kind, entry.namespace.as_deref(), name);
        Some(format!("{}#{number} {object}", entry.file).into())
    }

    fn status(&self, target: &Target, document: &DocumentFacts) -> (ReferenceStatus, Vec<&'e Entry>) {
        if is_template(&target.name) {
            return (ReferenceStatus::Templated, Vec::new());
        }
        let (kind, name) = (&target.kind, &target.name);
        let group = GROUPS.binary_search_by_key(&kind.as_ref(), |(kind, _)| kind).ok().map(|at| GROUPS[at].1);
        let objects = self.entries(Key::Object(Arc::clone(kind), Arc::clone(name))).iter();
        let hits = objects.filter(|entry| match &entry.fact {
            Fact::Object { group: other, .. } => {
                group.is_none_or(|group| *group == **other) && (target.is_cluster_wide || target.fits(entry))
            }
            _ => false,
        });
        let hits: Vec<&Entry> = hits.collect();
        if !hits.is_empty() {
            return (ReferenceStatus::Resolved, hits);
        }
        let made = self.entries(Key::Made(Arc::clone(kind), Arc::clone(name)));
        let status = if made.iter().any(|entry| target.fits(entry)) {
            ReferenceStatus::Made
        } else if self.must_be_here(target, document) {
            ReferenceStatus::Dangling
        } else if OF_CHARTS.contains(&kind.as_ref()) && self.is_release(target) {
            ReferenceStatus::Chart
        } else {
            ReferenceStatus::External
        };
        (status, hits)
    }

    fn must_be_here(&self, target: &Target, document: &DocumentFacts) -> bool {
        let (kind, name) = (target.kind.as_ref(), target.name.as_ref());
        let is_source = SOURCES.contains(&kind);
        (is_source || matches!(kind, "HelmRelease" | "Kustomization"))
            && [FLUX_HELM, FLUX_KUSTOMIZE, FLUX_SOURCE].contains(&document.group.as_ref())
            && !(is_source && name == BOOTSTRAPPED)
            && self.entries(Key::Synced(Arc::clone(&target.kind), Arc::clone(&target.name))).is_empty()
    }

    fn is_release(&self, target: &Target) -> bool {
        let key = Key::Release(Arc::clone(&target.name));
        let entries = self.releases.get(&key);
        self.note(key);
        match &target.namespace {
            None => !entries.is_empty(),
            wanted => entries.iter().any(|entry| entry.namespace == *wanted),
        }
    }

    /// What a Service selects: kind and name, or the labels where nothing has them.
    fn selected(
        &self,
        place: Place<'e>,
        document: &DocumentFacts,
        namespace: Option<&str>,
    ) -> (Box<str>, Box<str>, ReferenceStatus) {
        let wanted = |entry: &&Entry| {
            let facts = self.tree.facts(&entry.file);
            let labels = facts.and_then(|facts| facts.documents.get(entry.position)).map(|facts| &facts.pod_labels);
            labels.is_some_and(|labels| {
                document.selector.iter().all(|label| labels.binary_search_by(|other| other.cmp(label)).is_ok())
            })
        };
        let fits = |entry: &&Entry| {
            namespace.is_none() || entry.namespace.is_none() || entry.namespace.as_deref() == namespace
        };
        let first = document.selector.first();
        let entries =
            first.map_or(&[][..], |(name, value)| self.entries(Key::Pod(name.as_ref().into(), value.as_ref().into())));
        let hits: Vec<&Entry> = entries.iter().filter(fits).filter(wanted).collect();
        let place_of = |entry: &&Entry| match &entry.fact {
            Fact::Pod { number, .. } => format!("{}#{number}", entry.file),
            _ => String::new(),
        };
        let best = nearest(&hits, place.path).into_iter().min_by_key(place_of);
        match best.map(|best| &best.fact) {
            Some(Fact::Pod { kind, name, .. }) => {
                (kind.as_ref().into(), name.as_ref().into(), ReferenceStatus::Resolved)
            }
            _ => {
                let labels: Vec<String> =
                    document.selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
                ("workload".into(), labels.join(",").into(), ReferenceStatus::External)
            }
        }
    }
}

/// What a reference names in one build.
struct Target {
    kind: Arc<str>,
    namespace: Option<Arc<str>>,
    name: Arc<str>,
    is_cluster_wide: bool,
}

impl Target {
    fn of(raw: &RawReference, way: &Way, document: &DocumentFacts, own: Option<&Arc<str>>) -> Self {
        let put_in = |text: &str| way.put_into(text, document.literal);
        let kind = put_in(&raw.kind);
        let is_cluster_wide = CLUSTER_WIDE.contains(&kind.as_ref());
        let written = raw.namespace.as_deref().map(put_in).filter(|namespace| !namespace.is_empty());
        let namespace = written.or_else(|| own.cloned()).filter(|_| !is_cluster_wide);
        Self { name: put_in(&raw.name), kind, namespace, is_cluster_wide }
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.namespace.is_none() || entry.namespace.is_none() || self.namespace == entry.namespace
    }
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn object(kind: &str, namespace: Option<&str>, name: &str) -> String {
    format!("{kind}/{}/{name}", namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_order() {
        assert!(GROUPS.is_sorted_by(|(left, _), (right, _)| left < right));
    }
}
