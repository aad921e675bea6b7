//! Workloads: the images they run, and the ConfigMaps, Secrets, claims and accounts they use.

use entity::kind::ReferenceKind;
use yaml::Node;

use super::read::{MAX_FINDINGS, list, plain, plain_at, refer};
use super::{Facts, image};
use crate::diff::FieldPath;

pub fn pod(root: Node<'_>, facts: &mut Facts) {
    pod_spec(root, &["spec"], facts);
}

pub fn template(root: Node<'_>, facts: &mut Facts) {
    pod_spec(root, &["spec", "template", "spec"], facts);
}

pub fn cron_job(root: Node<'_>, facts: &mut Facts) {
    pod_spec(root, &["spec", "jobTemplate", "spec", "template", "spec"], facts);
}

pub fn service_account(root: Node<'_>, facts: &mut Facts) {
    for list in ["secrets", "imagePullSecrets"] {
        for item in items(root, list) {
            refer(facts, ReferenceKind::Secret, "Secret", plain(item.get("name")), None);
        }
    }
}

fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    list(node.get(key))
}

fn pod_spec(root: Node<'_>, at: &[&str], facts: &mut Facts) {
    let Some(spec) = root.at(at) else { return };
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let mut path = FieldPath::of(at);
        path.push_key(list);
        for (place, container) in items(spec, list).enumerate() {
            match plain(container.get("name")) {
                Some(name) => path.push_identity("name", &name),
                None => path.push_index(place),
            }
            path.push_key("image");
            image::keep_text(facts, container.get("image"), &path);
            path.pop();
            path.pop();
            environment(container, facts);
        }
    }
    items(spec, "volumes").for_each(|volume| self::volume(volume, facts));
    let account = plain(spec.get("serviceAccountName")).or_else(|| plain(spec.get("serviceAccount")));
    refer(facts, ReferenceKind::ServiceAccount, "ServiceAccount", account, None);
    for secret in items(spec, "imagePullSecrets") {
        refer(facts, ReferenceKind::Secret, "Secret", plain(secret.get("name")), None);
    }
}

fn environment(container: Node<'_>, facts: &mut Facts) {
    for variable in items(container, "env") {
        let from = |key: &str| plain_at(variable, &["valueFrom", key, "name"]);
        refer(facts, ReferenceKind::ConfigMap, "ConfigMap", from("configMapKeyRef"), None);
        refer(facts, ReferenceKind::Secret, "Secret", from("secretKeyRef"), None);
    }
    for source in items(container, "envFrom") {
        config_or_secret(source, facts);
    }
}

fn config_or_secret(source: Node<'_>, facts: &mut Facts) {
    refer(facts, ReferenceKind::ConfigMap, "ConfigMap", plain_at(source, &["configMapRef", "name"]), None);
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(source, &["secretRef", "name"]), None);
}

fn volume(volume: Node<'_>, facts: &mut Facts) {
    refer(facts, ReferenceKind::ConfigMap, "ConfigMap", plain_at(volume, &["configMap", "name"]), None);
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(volume, &["secret", "secretName"]), None);
    let claim = plain_at(volume, &["persistentVolumeClaim", "claimName"]);
    refer(facts, ReferenceKind::PersistentVolumeClaim, "PersistentVolumeClaim", claim, None);
    for source in list(volume.at(&["projected", "sources"])) {
        refer(facts, ReferenceKind::ConfigMap, "ConfigMap", plain_at(source, &["configMap", "name"]), None);
        refer(facts, ReferenceKind::Secret, "Secret", plain_at(source, &["secret", "name"]), None);
    }
}

/// Claims, ConfigMaps and Secrets that Helm values name by the keys that charts agree on.
pub fn named_by_convention(facts: &mut Facts, values: Node<'_>) {
    let mut visits = 20_000_usize;
    by_convention(facts, values, 0, &mut visits);
}

fn by_convention(facts: &mut Facts, node: Node<'_>, depth: usize, visits: &mut usize) {
    if depth > 24 || *visits == 0 || facts.references.len() >= MAX_FINDINGS {
        return;
    }
    *visits -= 1;
    for (key, value) in node.fields() {
        match key.scalar() {
            Some("existingClaim") => {
                let claim = plain(Some(value));
                refer(facts, ReferenceKind::PersistentVolumeClaim, "PersistentVolumeClaim", claim, None);
            }
            Some("existingSecret") => refer(facts, ReferenceKind::Secret, "Secret", plain(Some(value)), None),
            Some("existingConfigMap") => refer(facts, ReferenceKind::ConfigMap, "ConfigMap", plain(Some(value)), None),
            Some("secretRef" | "secretKeyRef") => {
                refer(facts, ReferenceKind::Secret, "Secret", plain(value.get("name")), None);
            }
            Some("configMapRef" | "configMapKeyRef") => {
                refer(facts, ReferenceKind::ConfigMap, "ConfigMap", plain(value.get("name")), None);
            }
            _ => by_convention(facts, value, depth + 1, visits),
        }
    }
    for item in node.items() {
        by_convention(facts, item, depth + 1, visits);
    }
}
