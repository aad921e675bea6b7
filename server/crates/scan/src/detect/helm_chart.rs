//! Manifests that are a chart by themselves: HelmChart of k3s, and what kustomize makes charts of. Which chart it is and where it
//! comes from, uses tell; its version stands on the resource as that of any other release does.

use yaml::Node;

use super::Facts;
use super::read::{plain, plain_at};

pub fn k3s_chart(root: Node<'_>, facts: &mut Facts) {
    facts.version = plain_at(root, &["spec", "version"]);
}

pub fn inflation_generator(root: Node<'_>, facts: &mut Facts) {
    // The older form calls its fields otherwise.
    let field = if root.get("chartName").is_some() { "chartVersion" } else { "version" };
    facts.version = plain(root.get(field));
}
