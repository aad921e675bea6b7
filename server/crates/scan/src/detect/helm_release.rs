//! Flux HelmRelease: the chart that it installs, where the chart comes from, and the images in its values.

use entity::input::FoundChart;
use yaml::Node;

use super::read::{last_segment, plain, source_ref};
use super::{Facts, Takes, image};
use crate::diff::FieldPath;

pub fn helm_release(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    if let Some(chart_ref) = spec.get("chartRef") {
        facts.source = source_ref("OCIRepository", Some(chart_ref));
        facts.takes = Takes::Chart;
    } else if let Some(chart) = spec.at(&["chart", "spec"]) {
        chart_template(chart, facts);
    }
    if let Some(values) = spec.get("values") {
        let mut path = FieldPath::of(&["spec", "values"]);
        image::find_in_values(facts, values, &mut path);
    }
}

/// `spec.chart.spec` of a HelmRelease, which is a HelmChart's `spec` too.
pub fn chart_template(chart: Node<'_>, facts: &mut Facts) {
    facts.source = source_ref("HelmRepository", chart.get("sourceRef"));
    facts.takes = Takes::Address;
    facts.version = plain(chart.get("version"));
    if let Some(name) = plain(chart.get("chart")) {
        // A path in Git repositories and buckets, and below the address of a registry.
        let name = last_segment(&name).unwrap_or(name);
        facts.charts.push(FoundChart { name, url: None, version: facts.version.clone() });
    }
}
