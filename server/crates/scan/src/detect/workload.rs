//! Workloads: the images they run.

use yaml::Node;

use super::read::{list, plain};
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
        }
    }
}
