//! Each rule on a tree of its own.

use crate::Files;

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

fn flux(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\n\
         spec: {{{spec}}}\n"
    )
}

fn source(kind: &str, name: &str, url: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: flux-system}}\n\
         spec: {{url: \"{url}\"}}\n"
    )
}

/// What the ConfigMaps of a tree inherit.
fn inherited(texts: &[(&str, &str)]) -> Vec<String> {
    let mut all = Files::of(texts).inherited();
    all.retain(|line| line.starts_with("at-"));
    all
}

const OWN: &str = "sourceRef: {kind: GitRepository, name: flux-system}";

#[test]
fn the_outermost_namespace_wins_through_bases_and_components() {
    let (a, b, c) = (config("at-a"), config("at-b"), config("at-c"));
    let base = ("base/kustomization.yaml", "namespace: inner\nresources: [a.yaml]\n");
    let part = ("part/Kustomization", "kind: Component\nresources: [b.yaml]\n");
    let files = [base, part, ("base/a.yaml", &a), ("part/b.yaml", &b), ("loose/c.yaml", &c)];
    let over = ("over/kustomization.yml", "namespace: outer\nresources: [../base]\ncomponents: [../part]\n");
    assert_eq!(inherited(&[&files[..], &[over]].concat()), ["at-a outer", "at-b outer", "at-c -"]);
    // Two builds that disagree: nothing is claimed.
    let more = ("more/kustomization.yaml", "namespace: elsewhere\nresources: [../base]\n");
    assert_eq!(inherited(&[&files[..], &[over, more]].concat()), ["at-a -", "at-b outer", "at-c -"]);
    // Two that agree.
    let more = ("more/kustomization.yaml", "namespace: outer\nresources: [../base]\n");
    assert_eq!(inherited(&[&files[..], &[over, more]].concat()), ["at-a outer", "at-b outer", "at-c -"]);
}

#[test]
fn the_namespace_of_a_component_goes_over_all_that_was_included_before_it() {
    let (a, b, c) = (config("at-a"), config("at-b"), config("at-c"));
    let files = [
        ("base/kustomization.yaml", "namespace: inner\nresources: [a.yaml]\n"),
        ("base/a.yaml", &a),
        ("one/kustomization.yaml", "kind: Component\nresources: [b.yaml]\ncomponents: [../deep]\n"),
        ("one/b.yaml", &b),
        ("deep/kustomization.yaml", "kind: Component\nnamespace: of-deep\n"),
        ("two/kustomization.yaml", "kind: Component\nresources: [c.yaml]\n"),
        ("two/c.yaml", &c),
    ];
    let over = ("over/kustomization.yaml", "resources: [../base]\ncomponents: [../one, ../two]\n");
    assert_eq!(inherited(&[&files[..], &[over]].concat()), ["at-a of-deep", "at-b of-deep", "at-c -"]);
    let over = ("over/kustomization.yaml", "resources: [../base]\ncomponents: [../two, ../one]\n");
    assert_eq!(inherited(&[&files[..], &[over]].concat()), ["at-a of-deep", "at-b of-deep", "at-c of-deep"]);
    let over = ("over/kustomization.yaml", "namespace: outer\nresources: [../base]\ncomponents: [../one]\n");
    assert_eq!(inherited(&[&files[..], &[over]].concat()), ["at-a outer", "at-b outer", "at-c -"]);
}

#[test]
fn of_several_kustomizations_in_a_folder_the_first_name_counts() {
    let a = config("at-a");
    let (first, second) = ("namespace: first\nresources: [a.yaml]\n", "namespace: second\nresources: [a.yaml]\n");
    let found = inherited(&[("x/Kustomization", second), ("x/kustomization.yaml", first), ("x/a.yaml", &a)]);
    assert_eq!(found, ["at-a first"]);
}

#[test]
fn what_stands_in_a_kustomization_without_ending_is_no_resource() {
    let named = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: at-x}\n";
    assert!(inherited(&[("x/Kustomization", named)]).is_empty());
}

#[test]
fn kustomizations_that_include_each_other_come_to_an_end() {
    let a = config("at-a");
    let found = inherited(&[
        ("x/kustomization.yaml", "namespace: x\nresources: [../y, a.yaml]\n"),
        ("y/kustomization.yaml", "namespace: y\nresources: [../x]\n"),
        ("x/a.yaml", &a),
    ]);
    assert_eq!(found, ["at-a -"]);
}

#[test]
fn doubling_bases_do_not_double_the_work() {
    let mut texts = Vec::new();
    for number in 0..60 {
        let next = number + 1;
        // Each level includes the next one twice: 2^60 ways to the end.
        texts.push((format!("l{number}/kustomization.yaml"), format!("resources: [../l{next}, ../l{next}/]\n")));
    }
    texts.push(("l60/kustomization.yaml".to_owned(), "namespace: end\nresources: [a.yaml]\n".to_owned()));
    texts.push(("l60/a.yaml".to_owned(), config("at-a")));
    let texts: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(inherited(&texts), ["at-a end"]);
}

#[test]
fn flux_forces_its_target_and_else_fills_in_its_own_namespace() {
    let (a, b) = (config("at-a"), "apiVersion: v1\nkind: Secret\nmetadata: {name: at-b, namespace: own}\n");
    let apps = flux("apps", &format!("path: ./apps, targetNamespace: target, {OWN}"));
    let files = [("apps/a.yaml", a.as_str()), ("apps/deep/b.yaml", b)];
    assert_eq!(inherited(&[&files[..], &[("flux.yaml", &apps)]].concat()), ["at-a target", "at-b target"]);
    let apps = flux("apps", &format!("path: /apps/, {OWN}"));
    assert_eq!(inherited(&[&files[..], &[("flux.yaml", &apps)]].concat()), ["at-a flux-system", "at-b -"]);
    // A folder with a kustomization says itself what is applied of it.
    let deep = ("apps/deep/kustomization.yaml", "namespace: deep\n");
    assert_eq!(inherited(&[&files[..], &[deep, ("flux.yaml", &apps)]].concat()), ["at-a flux-system", "at-b -"]);
    let deep = ("apps/deep/kustomization.yaml", "namespace: deep\nresources: [b.yaml]\n");
    assert_eq!(inherited(&[&files[..], &[deep, ("flux.yaml", &apps)]].concat()), ["at-a flux-system", "at-b deep"]);
}

#[test]
fn components_of_a_flux_kustomization_get_its_folders_namespace() {
    let (a, b) = (config("at-a"), config("at-b"));
    let apps = flux("apps", &format!("path: ./apps, components: [../part], {OWN}"));
    let found = inherited(&[
        ("flux.yaml", &apps),
        ("apps/kustomization.yaml", "namespace: of-apps\nresources: [a.yaml]\n"),
        ("apps/a.yaml", &a),
        ("part/kustomization.yaml", "kind: Component\nnamespace: of-part\nresources: [b.yaml]\n"),
        ("part/b.yaml", &b),
    ]);
    assert_eq!(found, ["at-a of-apps", "at-b of-apps"]);
}

#[test]
fn variables_are_put_into_paths_and_namespaces_of_the_builds_that_render_them() {
    let a = "apiVersion: v1\nkind: Secret\nmetadata: {name: at-a, namespace: 'ns-${app}'}\n";
    let literal = "apiVersion: v1\nkind: Secret\nmetadata: {name: at-b, namespace: 'ns-${app}', \
                   labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\n";
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {cluster: main, app: db}\n";
    let inner = flux("inner", &format!("path: './${{cluster}}/apps', targetNamespace: '${{team:=nobody}}', {OWN}"));
    let from = "substituteFrom: [{kind: ConfigMap, name: settings}], substitute: {app: web}";
    let outer = flux("outer", &format!("path: ./clusters, postBuild: {{{from}}}, {OWN}"));
    let own = flux("own", &format!("path: ./own, postBuild: {{{from}}}, {OWN}"));
    let found = inherited(&[
        ("start.yaml", &outer),
        ("own.yaml", &own),
        ("clusters/inner.yaml", &inner),
        ("settings.yaml", settings),
        ("main/apps/x.yaml", &config("at-x")),
        ("own/a.yaml", a),
        ("own/b.yaml", literal),
    ]);
    assert_eq!(found, ["at-a ns-web", "at-b -", "at-x nobody"]);
}

#[test]
fn the_nearest_config_map_gives_the_variables() {
    let settings =
        |app: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{app: {app}}}\n");
    let apps = |path: &str| {
        let from = "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}";
        flux("apps", &format!("path: ./apps-{path}, targetNamespace: 'x', {from}, {OWN}")).replace("'x'", "'of-${app}'")
    };
    let outer = |path: &str| {
        let from = "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}";
        flux("outer", &format!("path: ./clusters/{path}, {from}, {OWN}"))
    };
    let found = inherited(&[
        ("clusters/one/settings.yaml", &settings("one")),
        ("clusters/two/settings.yaml", &settings("two")),
        ("clusters/one/apps.yaml", &apps("one")),
        ("clusters/two/apps.yaml", &apps("two")),
        ("clusters/one/outer.yaml", &outer("one")),
        ("clusters/two/outer.yaml", &outer("two")),
        ("apps-one/a.yaml", &config("at-one")),
        ("apps-two/a.yaml", &config("at-two")),
    ]);
    assert_eq!(found, ["at-one of-one", "at-two of-two"]);
}

#[test]
fn a_path_in_another_repository_or_artifact_is_none_of_this_one() {
    let git = source("GitRepository", "shop", "https://git.example.org/they/shop");
    let oci = source("OCIRepository", "mailer", "oci://registry.example.org/mailer");
    let shop = flux("shop", "path: ./deploy, targetNamespace: shop, sourceRef: {kind: GitRepository, name: shop}");
    let mailer =
        flux("mailer", "path: ./config, targetNamespace: mailer, sourceRef: {kind: OCIRepository, name: mailer}");
    let (a, b, c) = (config("at-deploy"), config("at-config"), config("at-own"));
    let own = flux("own", &format!("path: ./own, targetNamespace: own, {OWN}"));
    let foreign = [
        ("c/git.yaml", git.as_str()),
        ("c/oci.yaml", &oci),
        ("c/shop.yaml", &shop),
        ("c/mailer.yaml", &mailer),
        ("deploy/a.yaml", &a),
        ("config/b.yaml", &b),
        ("own/c.yaml", &c),
    ];
    let found = inherited(&[&foreign[..], &[("c/own.yaml", &own)]].concat());
    assert_eq!(found, ["at-config -", "at-deploy -", "at-own own"]);
    // No source is called as bootstrapped ones are: it is the one that serves the Kustomizations themselves.
    let home = source("GitRepository", "home", "ssh://git@git.example.org/me/home");
    let of_home = |name: &str, path: &str| {
        flux(name, &format!("path: {path}, targetNamespace: {name}, sourceRef: {{kind: GitRepository, name: home}}"))
    };
    let cluster = of_home("cluster", "./c");
    let one = [("c/home.yaml", home.as_str()), ("c/cluster.yaml", &cluster)];
    assert_eq!(inherited(&[&foreign[..], &one].concat()), ["at-config -", "at-deploy -", "at-own -"]);
    // The same with more folders of one source than of the others, also where another name has its address.
    let twin = source("GitRepository", "twin", "git@git.example.org:me/home.git");
    let own = flux("own", "path: ./own, targetNamespace: own, sourceRef: {kind: GitRepository, name: twin}");
    let two = [("c/twin.yaml", twin.as_str()), ("c/own.yaml", &own)];
    let found = inherited(&[&foreign[..], &one, &two].concat());
    assert_eq!(found, ["at-config -", "at-deploy -", "at-own own"]);
}

#[test]
fn the_root_is_ours_only_where_the_source_serves_another_folder_too() {
    let (a, b) = (config("at-root"), config("at-apps"));
    let of = |name: &str, path: &str, source: &str| {
        flux(
            name,
            &format!("path: {path}, targetNamespace: {name}, sourceRef: {{kind: GitRepository, name: {source}}}"),
        )
    };
    let root = of("all", "./", "elsewhere");
    let files = [("a.yaml", a.as_str()), ("apps/b.yaml", &b), ("c/flux.yaml", &root)];
    assert_eq!(inherited(&files), ["at-apps -", "at-root -"]);
    let apps = of("all", "./apps", "elsewhere");
    assert_eq!(inherited(&[&files[..], &[("c/apps.yaml", &apps)]].concat()), ["at-apps all", "at-root all"]);
}

#[test]
fn argo_cd_fills_in_its_destination_and_leaves_charts_alone() {
    let application = |name: &str, path: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n\
             spec: {{destination: {{namespace: {name}}}, source: {{path: {path}}}}}\n"
        )
    };
    let own = "apiVersion: v1\nkind: Secret\nmetadata: {name: at-own, namespace: own}\n";
    let found = inherited(&[
        ("argo.yaml", &[application("web", "apps/web"), application("chart", "apps/chart")].join("---\n")),
        ("apps/web/a.yaml", &config("at-a")),
        ("apps/web/own.yaml", own),
        ("apps/web/deep/b.yaml", &config("at-b")),
        ("apps/chart/Chart.yaml", "name: chart\n"),
        ("apps/chart/c.yaml", &config("at-c")),
    ]);
    assert_eq!(found, ["at-a web", "at-b -", "at-c -", "at-own -"]);
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  generators:\n  \
               - git: {directories: [{path: apps/*}]}\n  template:\n    spec:\n      destination: {namespace: \
               '{{path.basename}}'}\n      source: {path: '{{path}}'}\n";
    let kustomized = ("apps/db/kustomization.yaml", "namespace: forced\nresources: [b.yaml]\n");
    let (a, b) = (config("at-a"), config("at-b"));
    let found = inherited(&[("set.yaml", set), ("apps/web/a.yaml", &a), ("apps/db/b.yaml", &b), kustomized]);
    assert_eq!(found, ["at-a web", "at-b forced"]);
}

#[test]
fn cluster_wide_kinds_inherit_nothing() {
    let crd = |kind: &str, scope: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: x.example.org}}\n\
             spec: {{group: example.org, names: {{kind: {kind}}}, scope: {scope}}}\n"
        )
    };
    let of = |version: &str, kind: &str, name: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n")
    };
    let all = [
        of("cert-manager.io/v1", "ClusterIssuer", "at-issuer"),
        of("v1", "Namespace", "at-namespace"),
        of("example.org/v1", "Wide", "at-wide"),
        of("example.org/v1", "Narrow", "at-narrow"),
        of("example.org/v1", "Unknown", "at-unknown"),
    ];
    let found = inherited(&[
        ("kustomization.yaml", "namespace: given\nresources: [all.yaml]\n"),
        ("all.yaml", &all.join("---\n")),
        ("crds.yaml", &[crd("Wide", "Cluster"), crd("Narrow", "Namespaced")].join("---\n")),
    ]);
    assert_eq!(found, ["at-issuer -", "at-namespace -", "at-narrow given", "at-unknown given", "at-wide -"]);
}
