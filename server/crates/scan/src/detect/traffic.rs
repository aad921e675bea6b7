//! Traffic: which gateways routes hang on, and what they send traffic to.

use entity::kind::ReferenceKind;
use yaml::Node;

use super::Facts;
use super::read::{list, plain, plain_at, refer, refer_to};

pub fn ingress(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    for default in ["defaultBackend", "backend"] {
        backend(spec.get(default), facts);
    }
    for rule in list(spec.get("rules")) {
        for path in list(rule.at(&["http", "paths"])) {
            backend(path.get("backend"), facts);
        }
    }
    for tls in list(spec.get("tls")) {
        refer(facts, ReferenceKind::Secret, "Secret", plain(tls.get("secretName")), None);
    }
}

/// Both spellings: `service.name` since v1, `serviceName` before.
fn backend(node: Option<Node<'_>>, facts: &mut Facts) {
    let Some(node) = node else { return };
    let service = plain_at(node, &["service", "name"]).or_else(|| plain(node.get("serviceName")));
    refer(facts, ReferenceKind::Backend, "Service", service, None);
    refer_to(facts, ReferenceKind::Backend, "Service", node.get("resource"));
}

pub fn route(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    for parent in list(spec.get("parentRefs")) {
        refer_to(facts, ReferenceKind::ParentRef, "Gateway", Some(parent));
    }
    for rule in list(spec.get("rules")) {
        for target in list(rule.get("backendRefs")) {
            refer_to(facts, ReferenceKind::Backend, "Service", Some(target));
        }
    }
}

pub fn gateway(root: Node<'_>, facts: &mut Facts) {
    for listener in list(root.at(&["spec", "listeners"])) {
        for certificate in list(listener.at(&["tls", "certificateRefs"])) {
            refer_to(facts, ReferenceKind::Secret, "Secret", Some(certificate));
        }
    }
}
