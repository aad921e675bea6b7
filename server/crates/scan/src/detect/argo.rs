//! Argo CD: Applications, the sets that make them, and projects.

use entity::found::FoundChart;
use entity::kind::ReferenceKind;

use super::read::{last_segment, list, plain, refer};
use super::{Facts, image};
use crate::diff::FieldPath;
use crate::yaml::Node;

pub fn application(root: Node<'_>, facts: &mut Facts) {
    if let Some(spec) = root.get("spec") {
        application_spec(spec, FieldPath::of(&["spec"]), facts);
    }
}

/// Templates such as `{{name}}` stay as they are written: only Argo CD knows what they become.
pub fn application_set(root: Node<'_>, facts: &mut Facts) {
    if let Some(spec) = root.at(&["spec", "template", "spec"]) {
        application_spec(spec, FieldPath::of(&["spec", "template", "spec"]), facts);
    }
}

/// Roles may name the Secrets of clusters and repositories, but nothing that is deployed.
pub fn app_project(root: Node<'_>, facts: &mut Facts) {
    for item in list(root.at(&["spec", "destinationServiceAccounts"])) {
        let account = plain(item.get("defaultServiceAccount"));
        refer(facts, ReferenceKind::ServiceAccount, "ServiceAccount", account, plain(item.get("namespace")));
    }
}

fn application_spec(spec: Node<'_>, mut path: FieldPath, facts: &mut Facts) {
    let project = plain(spec.get("project"));
    refer(facts, ReferenceKind::Project, "AppProject", project, None);
    let mut revision = None;
    if let Some(source) = spec.get("source") {
        path.push_key("source");
        revision = source_of(source, &mut path, facts).or(revision);
        path.pop();
    }
    path.push_key("sources");
    for (at, source) in list(spec.get("sources")).enumerate() {
        path.push_index(at);
        let found = source_of(source, &mut path, facts);
        path.pop();
        revision = revision.or(found);
    }
    // The main chart's version says more than the revision of the repository with its values.
    facts.version = facts.charts.first().map_or(revision, |chart| chart.version.clone());
}

/// Reads one source and gives its revision back.
fn source_of(source: Node<'_>, path: &mut FieldPath, facts: &mut Facts) -> Option<String> {
    let revision = plain(source.get("targetRevision"));
    if let Some(chart) = plain(source.get("chart")) {
        let url = plain(source.get("repoURL"));
        // Charts in OCI registries may be written as a path below the registry.
        let name = last_segment(&chart).unwrap_or(chart);
        facts.charts.push(FoundChart { name, url, version: revision.clone() });
    }
    if let Some(values) = source.at(&["helm", "valuesObject"]) {
        path.push_key("helm");
        path.push_key("valuesObject");
        image::find_in_values(facts, values, path);
        path.pop();
        path.pop();
    }
    revision
}
