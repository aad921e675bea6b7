//! Which charts are used, and where they come from.

use crate::texts::{charts, places};

const RELEASE: &str =
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\n";
const REPOSITORY: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n";

fn release(spec: &str) -> String {
    format!("{RELEASE}spec: {spec}\n")
}

fn of_chart(source: &str) -> String {
    release(&format!("{{chart: {{spec: {{chart: web, version: 1.2.3, sourceRef: {source}}}}}}}"))
}

fn repository(name: &str, namespace: &str, url: &str) -> String {
    format!("{REPOSITORY}metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{url: {url}}}\n")
}

#[test]
fn a_release_names_its_chart_by_a_source_of_its_namespace_before_others() {
    let own = repository("charts", "shop", "https://near.example/x/");
    let other = repository("charts", "flux", "https://far.example");
    let by_kind = of_chart("{kind: HelmRepository, name: charts}");
    let files = [("a/web.yaml", by_kind.as_str()), ("b/own.yaml", &own), ("a/other.yaml", &other)];
    assert_eq!(places(&files), ["shop/web near.example/x/web 1.2.3"]);
    let by_name = &charts(&[files[0], files[2]])[0];
    assert_eq!(by_name.key.as_deref(), Some("far.example/web"));
    assert!(by_name.by_name);
    let missing = of_chart("{kind: HelmRepository, name: nothing}");
    assert_eq!(places(&[("a.yaml", &missing), files[1]]), ["shop/web - 1.2.3 (source-not-found)"]);
}

#[test]
fn of_sources_that_disagree_the_nearest_counts_and_none_if_they_are_equally_near() {
    let release = of_chart("{kind: HelmRepository, name: charts, namespace: flux}");
    let near = repository("charts", "flux", "https://near.example");
    let far = repository("charts", "flux", "https://far.example");
    let files = [("a/b/web.yaml", release.as_str()), ("a/b/x.yaml", &near), ("a/x.yaml", &far)];
    assert_eq!(places(&files), ["shop/web near.example/web 1.2.3"]);
    let equal = [files[0], ("c/x.yaml", near.as_str()), ("d/x.yaml", &far)];
    assert_eq!(places(&equal), ["shop/web - 1.2.3 (source-ambiguous)"]);
}

#[test]
fn a_chart_of_a_registry_is_the_same_by_every_way_to_write_it() {
    let oci = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web, namespace: shop}\n\
        spec: {url: 'oci://ghcr.io/me/charts/web', ref: {tag: 1.2.3}}\n";
    let by_ref = release("{chartRef: {kind: OCIRepository, name: web}}");
    let registry = repository("me", "shop", "oci://ghcr.io/me/charts");
    let by_repository = of_chart("{kind: HelmRepository, name: me}");
    let right = ["shop/web ghcr.io/me/charts/web 1.2.3"];
    assert_eq!(places(&[("a.yaml", &by_ref), ("b.yaml", oci)]), right);
    assert_eq!(places(&[("a.yaml", &by_repository), ("b.yaml", &registry)]), right);
}

#[test]
fn a_release_in_several_builds_is_one_use_where_they_agree() {
    let cluster = |name: &str, namespace: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux}}\n\
             spec: {{path: ./apps, targetNamespace: {namespace}, sourceRef: {{kind: GitRepository, name: home}},\n\
             postBuild: {{substitute: {{VERSION: 2.0.0}}}}}}\n"
        )
    };
    let release = release(
        "{chart: {spec: {chart: web, version: '${VERSION}', sourceRef: {kind: HelmRepository, name: x, namespace: flux}}}}",
    );
    let source = repository("x", "flux", "https://a.example");
    let (one, same, other) = (cluster("one", "shop"), cluster("two", "shop"), cluster("three", "mall"));
    let files = [("c/1.yaml", one.as_str()), ("c/2.yaml", &same), ("apps/web.yaml", &release), ("c/x.yaml", &source)];
    assert_eq!(places(&files), ["shop/web a.example/web 2.0.0"]);
    let all = [&files[..], &[("c/3.yaml", other.as_str())]].concat();
    assert_eq!(places(&all), ["mall/web a.example/web 2.0.0", "shop/web a.example/web 2.0.0"]);
}

#[test]
fn every_path_that_is_a_folder_here_is_built_whatever_its_source_and_name() {
    let git = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: mall, namespace: flux}\n\
        spec: {url: 'https://git.example.org/they/mall'}\n";
    let flux = |metadata: &str, path: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {metadata}\n\
             spec: {{path: {path}, targetNamespace: mall, sourceRef: {{kind: GitRepository, name: mall}}}}\n"
        )
    };
    let release = release("{chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: x, namespace: flux}}}}");
    let source = repository("x", "flux", "https://a.example");
    let files = [("c/mall.yaml", git), ("deploy/web.yaml", &release), ("c/x.yaml", &source), ("data/x.json", "{}")];
    let found = |metadata: &str, path: &str| {
        let flux = flux(metadata, path);
        places(&[&files[..], &[("c/flux.yaml", flux.as_str())]].concat())
    };
    assert_eq!(found("{name: mall, namespace: flux}", "./deploy"), ["mall/web a.example/web -"]);
    assert_eq!(found("{generateName: mall-}", "./deploy"), ["mall/web a.example/web -"]);
    assert_eq!(found("{name: mall, namespace: flux}", "./elsewhere"), ["shop/web a.example/web -"]);
    // A folder without YAML is one: with it, the same source's root is this one's.
    let (root, data) = (flux("{name: all, namespace: flux}", "./"), flux("{name: data, namespace: flux}", "./data"));
    let rooted = [&files[..], &[("c/root.yaml", root.as_str())]].concat();
    assert_eq!(places(&rooted), ["shop/web a.example/web -"]);
    let both = [&rooted[..], &[("c/data.yaml", data.as_str())]].concat();
    assert_eq!(places(&both), ["mall/web a.example/web -"]);
}

#[test]
fn the_namespace_of_a_component_is_that_of_what_it_includes() {
    let release = release("{chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: x, namespace: flux}}}}");
    let source = repository("x", "flux", "https://a.example");
    let other = release.replace("name: web, namespace: shop", "name: other, namespace: shop");
    let found = places(&[
        ("app/kustomization.yaml", "resources: [web.yaml]\ncomponents: [../part]\n"),
        ("app/web.yaml", &release),
        ("part/kustomization.yaml", "kind: Component\nnamespace: mall\nresources: [other.yaml]\n"),
        ("part/other.yaml", &other),
        ("x.yaml", &source),
    ]);
    assert_eq!(found, ["shop/web a.example/web -", "mall/other a.example/web -"]);
}

#[test]
fn a_comment_for_renovate_stands_in_for_a_source_that_is_missing() {
    let text = format!(
        "{RELEASE}spec:\n  chart:\n    spec:\n      # renovate: registryUrl=https://a.example\n      chart: web\n      sourceRef: {{kind: HelmRepository, name: x}}\n"
    );
    assert_eq!(places(&[("a.yaml", &text)]), ["shop/web a.example/web -"]);
}

#[test]
fn applications_name_charts_by_registry_repository_or_folder() {
    let application = |source: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec: {{destination: {{namespace: shop}}, source: {source}}}\n"
        )
    };
    let place = |source: &str| places(&[("a.yaml", &application(source))]).join(", ");
    assert_eq!(place("{repoURL: ghcr.io/me, chart: web, targetRevision: 1.*}"), "shop/web ghcr.io/me/web 1.*");
    assert_eq!(place("{repoURL: 'https://a.example', chart: web}"), "shop/web a.example/web -");
    assert_eq!(
        place("{repoURL: 'https://g.example/me/x.git', path: charts/web, helm: {values: 'a: 1'}}"),
        "shop/web g.example/me/x//charts/web -"
    );
    assert_eq!(place("{repoURL: 'https://g.example/me/x.git', path: charts/web}"), "");
}

#[test]
fn an_application_set_makes_a_use_of_every_folder_with_a_chart() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  generators: [{git: {directories: [{path: charts/*}, {path: charts/x, exclude: true}]}}]\n\
        \u{20} template:\n    metadata: {name: 'app-{{path.basename}}'}\n    spec: {destination: {namespace: '{{path[1]}}'}, source: {repoURL: 'https://g.example/me/x', path: '{{path}}'}}\n";
    let chart = |name: &str| {
        format!(
            "apiVersion: v2\nname: {name}\ndependencies: [{{name: db, repository: 'oci://r.example/me', version: 1.0.0, alias: store}}]\n"
        )
    };
    let (web, x) = (chart("web"), chart("x"));
    let values = "store: {size: 1}\n";
    let files = [
        ("set.yaml", set),
        ("charts/web/Chart.yaml", &web),
        ("charts/web/values.yaml", values),
        ("charts/x/Chart.yaml", &x),
        ("charts/none/a.yaml", "a: 1"),
    ];
    assert_eq!(places(&files), ["web/store r.example/me/db 1.0.0", "web/app-web local:charts/web -"]);
    let charts = charts(&files);
    let dependency = charts.iter().find(|one| one.name.as_deref() == Some("store")).unwrap();
    assert_eq!(dependency.values.leaves.len(), 1);
    assert_eq!(dependency.values.leaves[0].file.as_deref(), Some("charts/web/values.yaml"));
}

#[test]
fn kustomize_and_k3s_name_charts_themselves() {
    let kustomization = "namespace: shop\nhelmCharts:\n- {name: web, repo: 'https://a.example', version: 1.0.0, releaseName: shop}\n- {name: own}\n";
    let own = "apiVersion: v2\nname: own\n";
    let files = [("x/kustomization.yaml", kustomization), ("x/charts/own/Chart.yaml", own)];
    assert_eq!(places(&files), ["shop/shop a.example/web 1.0.0", "shop/own local:x/charts/own -"]);
    let k3s = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web, namespace: kube-system}\nspec: {chart: 'https://a.example/x/web-1.2.3.tgz', targetNamespace: shop}\n";
    assert_eq!(places(&[("k.yaml", k3s)]), ["shop/web a.example/x/web -"]);
}

#[test]
fn what_variables_empty_is_no_namespace_and_an_empty_version() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux}\n\
        spec: {path: ./apps, sourceRef: {kind: GitRepository, name: home}, postBuild: {substitute: {NONE: ''}}}\n";
    let k3s = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web, namespace: kube-system}\n\
        spec: {chart: web, repo: 'https://a.example', targetNamespace: '${NONE}', version: '${NONE}'}\n";
    let release = release(
        "{chart: {spec: {chart: web, version: '${NONE}', sourceRef: {kind: HelmRepository, name: x, namespace: flux}}}}",
    );
    let source = repository("x", "flux", "https://a.example");
    let by_ref = release_of_artifact("{tag: 1.2.3, semver: '${NONE}'}");
    for (file, right) in [
        (k3s, "kube-system/web a.example/web "),
        (&release, "shop/web a.example/web "),
        (&by_ref, "shop/web ghcr.io/me/charts/web 1.2.3"),
    ] {
        let files = [("c/apps.yaml", flux), ("c/x.yaml", &source), ("apps/web.yaml", file)];
        assert_eq!(places(&files), [right]);
        let version = charts(&files)[0].version.clone();
        assert!(version.is_some(), "{right}");
    }
}

fn release_of_artifact(reference: &str) -> String {
    let release = release("{chartRef: {kind: OCIRepository, name: web}}");
    format!(
        "{release}---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{url: 'oci://ghcr.io/me/charts/web', ref: {reference}}}\n"
    )
}

#[test]
fn sources_without_a_kind_are_the_same_as_each_other() {
    let flux = |name: &str, path: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux}}\n\
             spec: {{path: {path}, targetNamespace: mall, sourceRef: {{name: home}}}}\n"
        )
    };
    let (root, apps) = (flux("root", "./"), flux("apps", "./apps"));
    let release = release("{chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: x, namespace: flux}}}}");
    let source = repository("x", "flux", "https://a.example");
    let files = [("web/web.yaml", release.as_str()), ("x.yaml", &source), ("apps/a.yaml", "a: 1"), ("c.yaml", &root)];
    assert_eq!(places(&files), ["shop/web a.example/web -"]);
    let served = [&files[..], &[("d.yaml", apps.as_str())]].concat();
    assert_eq!(places(&served), ["mall/web a.example/web -"]);
}

#[test]
fn a_kustomization_without_version_is_one_whatever_its_kind() {
    let release = release("{chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: x, namespace: mall}}}}");
    let source = repository("x", "mall", "https://a.example");
    let kustomization = "kind: kustomization\nnamespace: mall\nresources: [web.yaml]\n";
    let files = [("a/kustomization.yaml", kustomization), ("a/web.yaml", release.as_str()), ("x.yaml", &source)];
    assert_eq!(places(&files), ["mall/web a.example/web -"]);
}
