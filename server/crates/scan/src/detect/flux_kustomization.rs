//! Flux Kustomization: what it applies from where, and what it waits for.

use entity::kind::ReferenceKind;
use yaml::Node;

use super::read::{depends_on, list, plain, plain_at, refer, refer_to, source_ref};
use super::{Facts, Takes};

pub fn kustomization(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    facts.source = source_ref("GitRepository", spec.get("sourceRef"));
    facts.takes = Takes::Version;
    refer_to(facts, ReferenceKind::SourceRef, "GitRepository", spec.get("sourceRef"));
    depends_on(facts, "Kustomization", spec);
    for item in list(spec.at(&["postBuild", "substituteFrom"])) {
        refer_to(facts, ReferenceKind::SubstituteFrom, "ConfigMap", Some(item));
    }
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(spec, &["decryption", "secretRef", "name"]), None);
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(spec, &["kubeConfig", "secretRef", "name"]), None);
    refer(facts, ReferenceKind::ServiceAccount, "ServiceAccount", plain(spec.get("serviceAccountName")), None);
}
