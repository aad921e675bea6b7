//! Things about other things: autoscalers, external secrets, certificates.

use entity::kind::ReferenceKind;
use yaml::Node;

use super::Facts;
use super::read::{list, plain_at, refer, refer_to};

/// Autoscalers spell the reference in one of two ways.
pub fn scale_target(root: Node<'_>, facts: &mut Facts) {
    for key in ["scaleTargetRef", "targetRef"] {
        refer_to(facts, ReferenceKind::ScaleTarget, "Deployment", root.at(&["spec", key]));
    }
}

pub fn external_secret(root: Node<'_>, facts: &mut Facts) {
    if let Some(spec) = root.get("spec") {
        external_secret_spec(spec, facts);
    }
}

pub fn cluster_external_secret(root: Node<'_>, facts: &mut Facts) {
    if let Some(spec) = root.at(&["spec", "externalSecretSpec"]) {
        external_secret_spec(spec, facts);
    }
}

fn external_secret_spec(spec: Node<'_>, facts: &mut Facts) {
    refer_to(facts, ReferenceKind::StoreRef, "SecretStore", spec.get("secretStoreRef"));
    for key in ["data", "dataFrom"] {
        for item in list(spec.get(key)) {
            refer_to(facts, ReferenceKind::StoreRef, "SecretStore", item.at(&["sourceRef", "storeRef"]));
        }
    }
    // The Secret that comes out of it has this name.
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(spec, &["target", "name"]), None);
}

pub fn push_secret(root: Node<'_>, facts: &mut Facts) {
    for store in list(root.at(&["spec", "secretStoreRefs"])) {
        refer_to(facts, ReferenceKind::StoreRef, "SecretStore", Some(store));
    }
    let secret = plain_at(root, &["spec", "selector", "secret", "name"]);
    refer(facts, ReferenceKind::Secret, "Secret", secret, None);
}

pub fn certificate(root: Node<'_>, facts: &mut Facts) {
    refer_to(facts, ReferenceKind::StoreRef, "Issuer", root.at(&["spec", "issuerRef"]));
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(root, &["spec", "secretName"]), None);
}
