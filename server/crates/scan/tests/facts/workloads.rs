//! Workloads and what they use, and what no detector knows.

use scan::detect::parse_image;

use crate::{facts, images};

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
        assert!(facts.images.is_empty() && facts.charts.is_empty(), "{text}: {facts:?}");
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

#[test]
fn what_a_merge_key_adds_is_read_once_and_what_stands_over_it_counts() {
    let found = facts(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n    base: &b {image: \
         {repository: r/web, tag: yes}}\n    other:\n      <<: *b\n      image: {repository: r/other, tag: 1.10}\n",
    );
    assert_eq!(images(&found), ["r/web:true at spec.values.base.image", "r/other:1.10 at spec.values.other.image"]);
}
