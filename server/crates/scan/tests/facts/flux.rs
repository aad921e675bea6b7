//! Flux' releases, sources and kustomizations.

use scan::detect::Takes;

use crate::{facts, images};

#[test]
fn helm_release_with_a_chart_from_a_repository() {
    let facts = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: grafana, namespace: monitoring}
spec:
  chart:
    spec:
      chart: grafana
      version: 8.5.1
      sourceRef: {kind: HelmRepository, name: grafana, namespace: flux-system}
  dependsOn:
  - {name: prometheus, namespace: observability}
  valuesFrom:
  - {kind: Secret, name: grafana-admin}
  - kind: ConfigMap
    name: grafana-values
  values:
    image: {registry: docker.io, repository: grafana/grafana, tag: 11.2.0}
    sidecar:
      image:
        repository: ghcr.io/kiwigrid/sidecar
        sha: sha256:ab
    initImage: busybox:1.36
    persistence: {existingClaim: grafana-data}
    repository: https://example.com/not-an-image
",
    );
    assert_eq!((facts.version.as_deref(), facts.takes), (Some("8.5.1"), Takes::Address));
    assert_eq!((facts.charts.len(), facts.charts[0].name.as_str()), (1, "grafana"));
    let source = facts.source.as_ref().unwrap();
    assert_eq!((source.kind.as_str(), source.namespace.as_deref()), ("HelmRepository", Some("flux-system")));
    assert_eq!(
        images(&facts),
        [
            "docker.io/grafana/grafana:11.2.0 at spec.values.image",
            "busybox:1.36 at spec.values.initImage",
            "ghcr.io/kiwigrid/sidecar@sha256:ab at spec.values.sidecar.image",
        ]
    );
}

#[test]
fn helm_release_that_deploys_from_a_reference_has_no_version_of_its_own() {
    let facts = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: home}
spec:
  chartRef: {kind: OCIRepository, name: app-template}
  values:
    controllers:
      web:
        containers:
          app:
            image: &image {repository: ghcr.io/org/web, tag: 1.0@sha256:cd}
          other: {image: *image}
",
    );
    assert_eq!((facts.version.as_deref(), facts.takes, facts.charts.len()), (None, Takes::Chart, 0));
    assert_eq!(facts.source.as_ref().unwrap().namespace.as_deref(), Some("home"));
    assert_eq!(
        images(&facts),
        [
            "ghcr.io/org/web:1.0@sha256:cd at spec.values.controllers.web.containers.app.image",
            "ghcr.io/org/web:1.0@sha256:cd at spec.values.controllers.web.containers.other.image",
        ]
    );
}

#[test]
fn flux_sources_tell_address_and_version() {
    let source = |kind: &str, spec: &str| {
        facts(&format!("apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\nmetadata: {{name: s}}\nspec: {spec}\n"))
    };
    for (kind, spec, version, url, chart) in [
        (
            "OCIRepository",
            "{url: oci://r/charts/app, ref: {tag: 1.2.3, semver: 1.x, digest: 'sha256:ab'}}",
            Some("sha256:ab"),
            Some("oci://r/charts/app"),
            Some("app"),
        ),
        (
            "OCIRepository",
            "{url: oci://r/app, ref: {tag: 1.2.3, semver: '>=1.0 <2'}}",
            Some(">=1.0 <2"),
            Some("oci://r/app"),
            Some("app"),
        ),
        (
            "OCIRepository",
            "{url: oci://r/app, ref: {digest: 'sha256:ab'}}",
            Some("sha256:ab"),
            Some("oci://r/app"),
            Some("app"),
        ),
        ("GitRepository", "{url: https://g/r.git, ref: {branch: main}}", Some("main"), Some("https://g/r.git"), None),
        (
            "GitRepository",
            "{url: https://g/r.git, ref: {tag: v1, branch: main, semver: 1.x, name: refs/tags/v2, commit: abc}}",
            Some("abc"),
            Some("https://g/r.git"),
            None,
        ),
        (
            "GitRepository",
            "{url: https://g/r.git, ref: {tag: v1, branch: main, semver: 1.x, name: refs/tags/v2}}",
            Some("refs/tags/v2"),
            Some("https://g/r.git"),
            None,
        ),
        (
            "GitRepository",
            "{url: https://g/r.git, ref: {tag: v1, branch: main, semver: 1.x}}",
            Some("1.x"),
            Some("https://g/r.git"),
            None,
        ),
        (
            "GitRepository",
            "{url: https://g/r.git, ref: {tag: v1, branch: main}}",
            Some("v1"),
            Some("https://g/r.git"),
            None,
        ),
        ("HelmRepository", "{url: https://charts}", None, Some("https://charts"), None),
        ("Bucket", "{endpoint: s3.example.com, bucketName: charts}", None, Some("s3.example.com/charts"), None),
        (
            "HelmChart",
            "{chart: team/app, version: 1.10, sourceRef: {kind: HelmRepository, name: r}}",
            Some("1.10"),
            None,
            Some("app"),
        ),
    ] {
        let facts = source(kind, spec);
        let provides = facts.provides.unwrap();
        assert_eq!(
            (facts.version.as_deref(), provides.url.as_deref(), provides.chart.as_deref()),
            (version, url, chart),
            "{kind} {spec}"
        );
        if kind == "GitRepository" && spec.contains("{branch") {
            assert_eq!(provides.version, None, "a branch pins nothing");
        }
    }
}

#[test]
fn flux_kustomization_tells_what_it_takes() {
    let facts = facts(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  targetNamespace: home
  sourceRef: {kind: GitRepository, name: flux-system}
",
    );
    let source = facts.source.unwrap();
    assert_eq!((source.kind.as_str(), source.name.as_str()), ("GitRepository", "flux-system"));
    assert_eq!(facts.takes, Takes::Version);
}

#[test]
fn charts_are_called_by_the_last_part_of_their_path() {
    let chart = |chart: &str, kind: &str| {
        let found = facts(&format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: a}}\nspec: {{chart: {{spec: {{chart: '{chart}', \
             sourceRef: {{{kind}name: r}}}}}}}}\n"
        ));
        (found.charts[0].name.clone(), found.source.unwrap().kind)
    };
    assert_eq!(chart("org/charts/forum", "kind: HelmRepository, "), ("forum".into(), "HelmRepository".into()));
    assert_eq!(chart("./charts/app/", "kind: GitRepository, "), ("app".into(), "GitRepository".into()));
    assert_eq!(chart("charts/app", "kind: Bucket, "), ("app".into(), "Bucket".into()));
    assert_eq!(chart("forum", ""), ("forum".into(), "HelmRepository".into()), "a kind that is not written is this one");
    assert_eq!(chart("org/${NAME:=a/b}", "kind: HelmRepository, ").0, "${NAME:=a/b}");
}

#[test]
fn sources_without_a_kind_mean_the_one_that_flux_means() {
    let release = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: {chartRef: {name: r}}\n",
    );
    assert_eq!(release.source.unwrap().kind, "OCIRepository");
}
