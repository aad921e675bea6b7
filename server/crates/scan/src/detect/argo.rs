//! Argo CD: Applications, and the sets that make them.

use entity::input::FoundChart;
use yaml::{Limits, Node, parse};

use super::read::{MAX_FINDINGS, last_segment, list, plain};
use super::{Facts, image};
use crate::diff::FieldPath;

/// Values that stand in a text: real ones have some hundred lines.
const VALUES: Limits = Limits { bytes: 1 << 20, nodes: 50_000, depth: 64, expanded_nodes: 100_000 };

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

fn application_spec(spec: Node<'_>, mut path: FieldPath, facts: &mut Facts) {
    let mut revision = None;
    if spec.get("sources").is_some_and(|sources| sources.items().len() > 0) {
        // Argo CD does not look at a `source` beside them.
        path.push_key("sources");
        for (at, source) in list(spec.get("sources")).enumerate() {
            path.push_index(at);
            let found = source_of(source, &mut path, facts);
            path.pop();
            revision = revision.or(found);
        }
    } else if let Some(source) = spec.get("source") {
        path.push_key("source");
        revision = source_of(source, &mut path, facts);
    }
    // The main chart's version says more than the revision of the repository with its values.
    facts.version = facts.charts.first().map_or(revision, |chart| chart.version.clone());
}

/// Reads one source and gives its revision back.
fn source_of(source: Node<'_>, path: &mut FieldPath, facts: &mut Facts) -> Option<String> {
    let revision = plain(source.get("targetRevision"));
    let url = plain(source.get("repoURL"));
    // Charts in OCI registries may be written as a path below the registry, or be all that stands at the address.
    let registry = || url.clone().filter(|url| url.starts_with("oci://"));
    if let Some(chart) = plain(source.get("chart")).or_else(registry) {
        let name = last_segment(&chart).unwrap_or(chart);
        facts.charts.push(FoundChart { name, url, version: revision.clone() });
    }
    if let Some(helm) = source.get("helm") {
        path.push_key("helm");
        helm_values(helm, path, facts);
        path.pop();
    }
    path.push_key("kustomize");
    path.push_key("images");
    for (at, item) in list(source.at(&["kustomize", "images"])).enumerate() {
        path.push_index(at);
        // `old=new:tag` puts another image in the place of the old one.
        let text = plain(Some(item)).map(|text| text.split_once('=').map_or(text.clone(), |(_, new)| new.to_owned()));
        image::keep(facts, text, path);
        path.pop();
    }
    path.pop();
    path.pop();
    revision
}

/// The values of a chart: `valuesObject`, or where there is none `values`, which is YAML in a text; parameters go over
/// both.
fn helm_values(helm: Node<'_>, path: &mut FieldPath, facts: &mut Facts) {
    let mut found = Facts::default();
    if let Some(values) = helm.get("valuesObject").filter(|values| !values.is_null()) {
        path.push_key("valuesObject");
        image::find_in_values(&mut found, values, path);
        path.pop();
    } else if let Some(text) = helm.get("values").and_then(Node::text)
        && let Ok(documents) = parse(text.as_bytes(), &VALUES)
        && let Some(values) = documents.first()
    {
        path.push_key("values");
        image::find_in_values(&mut found, values.root(), path);
        path.pop();
    }
    let base = path.to_string();
    path.push_key("parameters");
    let parameters =
        list(helm.get("parameters")).filter_map(|item| Some((plain(item.get("name"))?, plain(item.get("value"))?)));
    image::override_by_parameters(&mut found.images, parameters, &base, path);
    path.pop();
    let room = MAX_FINDINGS.saturating_sub(facts.images.len());
    facts.images.extend(found.images.into_iter().take(room));
}
