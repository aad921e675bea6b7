//! Applications of Argo CD.

use crate::{facts, images};
use scan::detect::Facts;

#[test]
fn argo_applications_tell_charts_of_one_or_many_sources() {
    let one = facts(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  source: {repoURL: https://charts.example.com, chart: web, targetRevision: 1.2.3, helm: {valuesObject: {image: web:1}}}
",
    );
    assert_eq!(one.version.as_deref(), Some("1.2.3"));
    assert_eq!(one.charts[0].url.as_deref(), Some("https://charts.example.com"));
    assert_eq!(images(&one), ["web:1 at spec.source.helm.valuesObject.image"]);
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

fn argo(source: &str) -> Facts {
    facts(&format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n{source}"))
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
}
