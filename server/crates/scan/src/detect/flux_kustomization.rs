//! Flux Kustomization: what it applies from where.

use yaml::Node;

use super::read::source_ref;
use super::{Facts, Takes};

pub fn kustomization(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    facts.source = source_ref("GitRepository", spec.get("sourceRef"));
    facts.takes = Takes::Version;
}
