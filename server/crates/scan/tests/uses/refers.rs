//! What documents refer to, and what became of it.

use scan::uses::Uses;

use crate::texts::{references, tree};

#[test]
fn references_are_resolved_made_dangling_or_of_somebody_else() {
    let text = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\n\
        spec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: gone, namespace: flux}}}, dependsOn: [{name: db}],\n\
        valuesFrom: [{kind: Secret, name: made}, {kind: Secret, name: other}, {kind: ConfigMap, name: '${X}'}]}\n---\n\
        apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: db, namespace: shop}\nspec: {chartRef: {kind: OCIRepository, name: flux-system}}\n---\n\
        apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: made, namespace: shop}\nspec: {}\n---\n\
        apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {defaultBackend: {service: {name: web}}}\n";
    assert_eq!(
        references(&[("a.yaml", text)]),
        [
            "HelmRelease/shop/db spec.chartRef OCIRepository/shop/flux-system external",
            "HelmRelease/shop/web spec.chart.spec.sourceRef HelmRepository/flux/gone dangling",
            "HelmRelease/shop/web spec.dependsOn[] HelmRelease/shop/db resolved",
            "HelmRelease/shop/web spec.valuesFrom[] ConfigMap/shop/${X} templated",
            "HelmRelease/shop/web spec.valuesFrom[] Secret/shop/made made",
            "HelmRelease/shop/web spec.valuesFrom[] Secret/shop/other external",
            "Ingress/shop/i spec.defaultBackend Service/shop/web chart",
        ]
    );
}

#[test]
fn services_select_the_nearest_workload_with_their_labels() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web, tier: 1}}\n";
    let workload = |name: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{template: {{metadata: {{labels: {{app: web, tier: '1', x: y}}}}}}}}\n"
        )
    };
    let (near, far) = (workload("near"), workload("far"));
    let found = references(&[("a/s.yaml", service), ("a/w.yaml", &near), ("b/w.yaml", &far)]);
    assert_eq!(found, ["Service/shop/web spec.selector Deployment/shop/near resolved"]);
    let found = references(&[("a/s.yaml", service)]);
    assert_eq!(found, ["Service/shop/web spec.selector workload/shop/app=web,tier=1 external"]);
}

#[test]
fn entries_of_kustomizations_are_here_elsewhere_or_missing() {
    let kustomization = "resources: [a.yaml, sub, gone.yaml, 'https://a.example/x', empty]\npatches: [{path: p.txt}]\n";
    let files = [
        ("k/kustomization.yaml", kustomization),
        ("k/a.yaml", "a: 1"),
        ("k/p.txt", ""),
        ("k/sub/kustomization.yml", "resources: []"),
        ("k/empty/x.txt", ""),
    ];
    assert_eq!(
        references(&files),
        [
            "kustomization/-/k patches[] file/-/p.txt resolved",
            "kustomization/-/k resources[] file/-/a.yaml resolved",
            "kustomization/-/k resources[] file/-/gone.yaml dangling",
            "kustomization/-/k resources[] file/-/https://a.example/x external",
            "kustomization/-/k resources[] folder/-/empty dangling",
            "kustomization/-/k resources[] folder/-/sub resolved",
        ]
    );
}

#[test]
fn releases_that_wait_for_each_other_are_a_cycle() {
    let release = |name: &str, other: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: {name}, namespace: x}}\nspec: {{dependsOn: [{{name: {other}}}]}}\n"
        )
    };
    let (a, b) = (release("a", "b"), release("b", "a"));
    let evaluator = tree(&[("a.yaml", &a), ("b.yaml", &b)]);
    let uses = Uses::of(&evaluator);
    assert_eq!(uses.cycles, [vec!["a.yaml#0 HelmRelease/x/a", "b.yaml#0 HelmRelease/x/b"]]);
    assert_eq!(uses.partials, ["a.yaml#0", "b.yaml#0"]);
}
