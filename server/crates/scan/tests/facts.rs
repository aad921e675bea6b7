//! What detectors read from manifests as people write them.

use entity::kind::ReferenceKind;
use scan::detect::{Facts, Takes, parse_image};
use scan::file::read_file;
use scan::yaml::Limits;

fn facts(text: &str) -> Facts {
    let id = entity::found::ObjectId([0; 20]);
    let mut file = read_file(id, text.as_bytes(), &Limits::default());
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    file.manifests.remove(0).facts
}

fn images(facts: &Facts) -> Vec<String> {
    let image = |image: &entity::found::FoundImage| {
        let part = |mark: &str, part: &Option<String>| part.as_ref().map(|part| format!("{mark}{part}"));
        let (tag, digest) = (part(":", &image.tag), part("@", &image.digest));
        format!("{}{}{} at {}", image.image, tag.unwrap_or_default(), digest.unwrap_or_default(), image.field_path)
    };
    facts.images.iter().map(image).collect()
}

fn references(facts: &Facts) -> Vec<String> {
    let reference = |reference: &entity::found::FoundReference| {
        let namespace = reference.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {} {namespace}{}", reference.relation, reference.kind, reference.name)
    };
    facts.references.iter().map(reference).collect()
}

#[test]
fn images_are_split_into_name_tag_and_digest() {
    for (text, expected) in [
        ("nginx", Some(("nginx", None, None))),
        ("nginx:1.27", Some(("nginx", Some("1.27"), None))),
        ("registry:5000/team/app", Some(("registry:5000/team/app", None, None))),
        ("registry:5000/team/app:v1@sha256:ab", Some(("registry:5000/team/app", Some("v1"), Some("sha256:ab")))),
        ("ghcr.io/org/app@sha256:ab", Some(("ghcr.io/org/app", None, Some("sha256:ab")))),
        ("ghcr.io/org/app:${TAG:-latest}", Some(("ghcr.io/org/app", Some("${TAG:-latest}"), None))),
        ("${REGISTRY}/app:1", Some(("${REGISTRY}/app", Some("1"), None))),
        ("app:{{ .Values.tag }}", Some(("app", Some("{{ .Values.tag }}"), None))),
        ("https://example.com/picture.png", None),
        ("two words", None),
        ("ENC[AES256_GCM,data:abc]", None),
        ("", None),
        (":tag", None),
    ] {
        let found = parse_image(text, "image");
        let found = found.as_ref().map(|found| (found.image.as_str(), found.tag.as_deref(), found.digest.as_deref()));
        assert_eq!(found, expected, "{text}");
    }
}

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
    assert_eq!(
        references(&facts),
        [
            "sourceRef HelmRepository flux-system/grafana",
            "dependsOn HelmRelease observability/prometheus",
            "valuesFrom ConfigMap grafana-values",
            "valuesFrom Secret grafana-admin",
            "persistentVolumeClaim PersistentVolumeClaim grafana-data",
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
fn flux_kustomization_tells_what_it_takes_and_waits_for() {
    let facts = facts(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  targetNamespace: home
  sourceRef: {kind: GitRepository, name: flux-system}
  dependsOn: [{name: infra}]
  postBuild: {substituteFrom: [{kind: Secret, name: cluster-secrets}]}
",
    );
    assert_eq!(
        references(&facts),
        [
            "sourceRef GitRepository flux-system",
            "dependsOn Kustomization infra",
            "substituteFrom Secret cluster-secrets",
        ]
    );
}

#[test]
fn argo_applications_tell_charts_of_one_or_many_sources() {
    let one = facts(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  project: home
  source: {repoURL: https://charts.example.com, chart: web, targetRevision: 1.2.3, helm: {valuesObject: {image: web:1}}}
",
    );
    assert_eq!(one.version.as_deref(), Some("1.2.3"));
    assert_eq!(one.charts[0].url.as_deref(), Some("https://charts.example.com"));
    assert_eq!(images(&one), ["web:1 at spec.source.helm.valuesObject.image"]);
    assert_eq!(references(&one), ["project AppProject home"]);
    let many = facts(
        "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  template:
    spec:
      sources:
      - {repoURL: https://git.example.com/values.git, targetRevision: main, ref: values}
      - {repoURL: oci.example.com/charts, chart: '{{name}}', targetRevision: '{{version}}'}
",
    );
    assert_eq!((many.version.as_deref(), many.charts[0].name.as_str()), (Some("{{version}}"), "{{name}}"));
}

#[test]
fn workloads_tell_images_and_everything_they_use() {
    let pod = "serviceAccountName: runner
          containers:
          - name: app
            image: ghcr.io/org/app:1
            env:
            - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}
            - {name: B, valueFrom: {secretKeyRef: {name: passwords, key: b}}}
            envFrom: [{secretRef: {name: more}}]
          initContainers: [{image: busybox}]
          volumes:
          - {name: data, persistentVolumeClaim: {claimName: data}}
          - {name: p, projected: {sources: [{configMap: {name: projected}}]}}
";
    let facts = facts(&format!(
        "apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          {pod}"
    ));
    assert_eq!(facts.version, None);
    assert_eq!(
        images(&facts),
        [
            "ghcr.io/org/app:1 at spec.jobTemplate.spec.template.spec.containers[name=app].image",
            "busybox at spec.jobTemplate.spec.template.spec.initContainers[0].image",
        ]
    );
    assert_eq!(
        references(&facts),
        [
            "configMap ConfigMap projected",
            "configMap ConfigMap settings",
            "secret Secret more",
            "secret Secret passwords",
            "persistentVolumeClaim PersistentVolumeClaim data",
            "serviceAccount ServiceAccount runner",
        ]
    );
}

#[test]
fn routes_autoscalers_and_secret_stores_tell_whom_they_mean() {
    let route = facts(
        "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: internal, namespace: network}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
",
    );
    assert_eq!(references(&route), ["backend Service web", "parentRef Gateway network/internal"]);
    let ingress = facts(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: web-tls}]
  rules: [{http: {paths: [{path: /, backend: {service: {name: web}}}]}}]
",
    );
    assert_eq!(references(&ingress), ["secret Secret web-tls", "backend Service web"]);
    let scaler = facts(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  scaleTargetRef: \
         {apiVersion: apps/v1, kind: StatefulSet, name: web}\n",
    );
    assert_eq!(references(&scaler), ["scaleTarget StatefulSet web"]);
    let secret = facts(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: web}\nspec:\n  secretStoreRef: \
         {kind: ClusterSecretStore, name: vault}\n  target: {name: web-secret}\n",
    );
    assert_eq!(references(&secret), ["secret Secret web-secret", "storeRef ClusterSecretStore vault"]);
    assert!(secret.references.iter().any(|reference| reference.relation == ReferenceKind::StoreRef));
}

#[test]
fn kinds_that_nobody_knows_and_specs_of_odd_shapes_tell_nothing() {
    for text in [
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {image: nginx}\n",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: 5\n",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: {chart: [1], values: text}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: {a: b}}}}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {sources: text, source: []}\n",
    ] {
        let facts = facts(text);
        assert!(facts.images.is_empty() && facts.charts.is_empty() && facts.references.is_empty(), "{text}: {facts:?}");
    }
}

#[test]
fn values_that_repeat_an_alias_over_and_over_are_bounded() {
    let mut values = String::from("    a0: &a0 {image: nginx:1}\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        values += &format!("    a{level}: &a{level} {{x: {alias}, y: {alias}}}\n");
    }
    let text = format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: a}}\nspec:\n  values:\n{values}"
    );
    assert_eq!(facts(&text).images.len(), 500);
}

fn argo(source: &str) -> Facts {
    facts(&format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n{source}"))
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
fn references_without_a_kind_mean_the_one_that_flux_means() {
    let release = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: {chartRef: {name: r}}\n",
    );
    assert_eq!(release.source.unwrap().kind, "OCIRepository");
}

#[test]
fn argo_does_not_look_at_a_source_beside_sources() {
    let both = "  source: {repoURL: https://charts.example.com, chart: old, targetRevision: 1.0.0, helm: {valuesObject: \
                {image: old:1}}}\n";
    let new = "  sources:\n  - {repoURL: https://git.example.com/v.git, targetRevision: main, ref: values}\n  - {repoURL: \
               https://charts.example.com, chart: new, targetRevision: 2.0.0, helm: {valuesObject: {image: new:2}}}\n";
    let found = argo(&format!("{both}{new}"));
    assert_eq!((found.version.as_deref(), found.charts.len()), (Some("2.0.0"), 1));
    assert_eq!((found.charts[0].name.as_str(), images(&found).len()), ("new", 1));
    let empty = argo(&format!("{both}  sources: []\n"));
    assert_eq!((empty.version.as_deref(), empty.charts[0].name.as_str()), (Some("1.0.0"), "old"));
}

#[test]
fn argo_charts_may_be_all_that_stands_at_an_address() {
    let found = argo("  source: {repoURL: 'oci://r.example.com/charts/web', targetRevision: 1.0.0, path: .}\n");
    assert_eq!((found.charts[0].name.as_str(), found.version.as_deref()), ("web", Some("1.0.0")));
}

#[test]
fn argo_values_are_read_wherever_they_stand() {
    let with = |helm: &str| {
        images(&argo(&format!("  source:\n    repoURL: https://charts.example.com\n    chart: web\n    helm:\n{helm}")))
    };
    let text = "      values: |\n        image: {repository: r/web, tag: 1.0}\n        side: {image: r/side:2}\n";
    assert_eq!(
        with(text),
        ["r/web:1.0 at spec.source.helm.values.image", "r/side:2 at spec.source.helm.values.side.image"]
    );
    let object = "      valuesObject: {image: {repository: r/other, tag: 3.0}}\n";
    assert_eq!(with(&format!("{text}{object}")), ["r/other:3.0 at spec.source.helm.valuesObject.image"]);
    let parameters =
        "      parameters:\n      - {name: image.tag, value: '4.0'}\n      - {name: side.image, value: r/side:5}\n";
    assert_eq!(
        with(&format!("{text}{parameters}")),
        ["r/side:5 at spec.source.helm.parameters[name=side.image]", "r/web:4.0 at spec.source.helm.values.image",]
    );
    let all = "      parameters:\n      - {name: image.repository, value: r/web}\n      - {name: image.registry, value: \
               x.example.com}\n      - {name: image.tag, value: 1.9.0}\n      - {name: replicas, value: 2}\n";
    assert_eq!(with(all), ["x.example.com/r/web:1.9.0 at spec.source.helm.parameters[name=image.repository]"]);
    assert!(
        with("      parameters: [{name: image.tag, value: 1.9.0}]\n").is_empty(),
        "of an image that only the chart knows"
    );
    assert!(with("      values: '{{ .values }'\n").is_empty(), "a text that is no YAML");
    let found = argo("  source: {repoURL: https://g, path: a, kustomize: {images: ['r/old=r/new:2', 'r/plain:3']}}\n");
    assert_eq!(
        images(&found),
        ["r/new:2 at spec.source.kustomize.images[0]", "r/plain:3 at spec.source.kustomize.images[1]"]
    );
    let found =
        argo("  source:\n    chart: a\n    helm:\n      values: |\n        persistence: {existingClaim: data}\n");
    assert_eq!(references(&found), ["persistentVolumeClaim PersistentVolumeClaim data"]);
}

#[test]
fn what_a_merge_key_adds_is_read_once_and_what_stands_over_it_counts() {
    let found = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n    base: &b {image: \
         {repository: r/web, tag: yes}}\n    other:\n      <<: *b\n      image: {repository: r/other, tag: 1.10}\n",
    );
    assert_eq!(images(&found), ["r/web:true at spec.values.base.image", "r/other:1.10 at spec.values.other.image"]);
}
