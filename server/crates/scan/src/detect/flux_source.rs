//! Flux sources: where things come from and which version is asked for.

use entity::kind::ReferenceKind;

use super::read::{last_segment, plain, plain_at, refer};
use super::{Facts, Provides, helm_release};
use crate::yaml::Node;

pub fn oci_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let mut provides = provided(
        spec,
        &["spec.ref.tag", "spec.ref.semver", "spec.ref.digest", "spec.url"],
        &[
            plain_at(spec, &["ref", "tag"]),
            plain_at(spec, &["ref", "semver"]),
            plain_at(spec, &["ref", "digest"]),
            plain(spec.get("url")),
        ],
    );
    // A digest beside a tag pins what the tag says: the tag is the version that people know.
    provides.version = plain_at(spec, &["ref", "tag"])
        .or_else(|| plain_at(spec, &["ref", "semver"]))
        .or_else(|| plain_at(spec, &["ref", "digest"]));
    provides.chart = provides.url.as_deref().and_then(last_segment);
    facts.version.clone_from(&provides.version);
    facts.provides = Some(provides);
    secret(spec, facts);
}

pub fn git_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let part = |name: &str| plain_at(spec, &["ref", name]);
    let paths = ["spec.ref.name", "spec.ref.commit", "spec.ref.semver", "spec.ref.tag", "spec.ref.branch", "spec.url"];
    let mut provides = provided(
        spec,
        &paths,
        &[part("name"), part("commit"), part("semver"), part("tag"), part("branch"), plain(spec.get("url"))],
    );
    // Flux's own order of precedence, but a tag says more than the commit that pins it.
    provides.version = part("tag").or_else(|| part("semver")).or_else(|| part("commit")).or_else(|| part("name"));
    facts.version = provides.version.clone().or_else(|| part("branch"));
    facts.provides = Some(provides);
    secret(spec, facts);
}

pub fn helm_repository(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    facts.provides = Some(provided(spec, &["spec.url"], &[plain(spec.get("url"))]));
    secret(spec, facts);
}

pub fn bucket(root: Node<'_>, facts: &mut Facts) {
    let Some(spec) = root.get("spec") else { return };
    let (endpoint, bucket) = (plain(spec.get("endpoint")), plain(spec.get("bucketName")));
    let mut provides = provided(spec, &["spec.endpoint", "spec.bucketName"], &[endpoint.clone(), bucket.clone()]);
    provides.url = endpoint.zip(bucket).map(|(endpoint, bucket)| format!("{endpoint}/{bucket}"));
    facts.provides = Some(provides);
    secret(spec, facts);
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

fn secret(spec: Node<'_>, facts: &mut Facts) {
    refer(facts, ReferenceKind::Secret, "Secret", plain_at(spec, &["secretRef", "name"]), None);
}
