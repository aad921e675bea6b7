//! Flux sources: where things come from and which version is asked for.

use yaml::Node;

use super::read::{last_segment, plain, plain_at};
use super::{Facts, Provides, helm_release};

pub fn oci_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let part = |name: &str| plain_at(spec, &["ref", name]);
    let mut provides = provided(
        spec,
        &["spec.ref.digest", "spec.ref.semver", "spec.ref.tag", "spec.url"],
        &[part("digest"), part("semver"), part("tag"), plain(spec.get("url"))],
    );
    // What Flux takes: beside one of them, those that follow are not looked at.
    provides.version = part("digest").or_else(|| part("semver")).or_else(|| part("tag"));
    provides.chart = provides.url.as_deref().and_then(last_segment);
    facts.version.clone_from(&provides.version);
    facts.provides = Some(provides);
}

pub fn git_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let part = |name: &str| plain_at(spec, &["ref", name]);
    let paths = ["spec.ref.commit", "spec.ref.name", "spec.ref.semver", "spec.ref.tag", "spec.ref.branch", "spec.url"];
    let mut provides = provided(
        spec,
        &paths,
        &[part("commit"), part("name"), part("semver"), part("tag"), part("branch"), plain(spec.get("url"))],
    );
    // What Flux takes: beside one of them, those that follow are not looked at.
    facts.version = ["commit", "name", "semver", "tag", "branch"].into_iter().find_map(part);
    let pinned = ["commit", "name", "semver", "tag"].into_iter().find_map(part);
    provides.version = pinned.filter(|version| !version.starts_with("refs/heads/"));
    facts.provides = Some(provides);
}

pub fn helm_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    facts.provides = Some(provided(spec, &["spec.url"], &[plain(spec.get("url"))]));
}

pub fn bucket(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let (endpoint, bucket) = (plain(spec.get("endpoint")), plain(spec.get("bucketName")));
    let mut provides = provided(spec, &["spec.endpoint", "spec.bucketName"], &[endpoint.clone(), bucket.clone()]);
    provides.url = endpoint.zip(bucket).map(|(endpoint, bucket)| format!("{endpoint}/{bucket}"));
    facts.provides = Some(provides);
}

/// A HelmChart is both: it deploys from a repository, and releases deploy from it.
pub fn helm_chart(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    helm_release::chart_template(spec, facts);
    let mut provides =
        provided(spec, &["spec.chart", "spec.version"], &[plain(spec.get("chart")), facts.version.clone()]);
    provides.version.clone_from(&facts.version);
    provides.chart = facts.charts.first().map(|chart| chart.name.clone());
    facts.provides = Some(provides);
}

fn provided(spec: Node<'_>, paths: &[&'static str], values: &[Option<String>]) -> Provides {
    let fields = paths.iter().zip(values).filter_map(|(path, value)| Some((*path, value.clone()?))).collect();
    Provides { chart: None, url: plain(spec.get("url")), version: None, fields }
}
