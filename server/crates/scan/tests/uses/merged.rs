//! What values come to, and where each comes from.

use scan::uses::Uses;

use crate::texts::{charts, tree, values};

const HEAD: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  chartRef: {kind: OCIRepository, name: web}\n";

#[test]
fn values_go_over_those_of_config_maps_and_each_leaf_tells_its_line() {
    let release = format!(
        "{HEAD}  valuesFrom:\n  - {{kind: ConfigMap, name: base}}\n  - {{kind: Secret, name: s, targetPath: db.auth}}\n  - {{kind: ConfigMap, name: gone}}\n  values:\n    a: {{b: 2}}\n    list: [x, {{y: null}}]\n"
    );
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base, namespace: shop}\ndata:\n  values.yaml: |\n    a:\n      b: 1\n      c: yes\n    list: [old]\n";
    let files = [("r.yaml", release.as_str()), ("m.yaml", map)];
    assert_eq!(values(&files), ["a.b=2", "a.c=true", "db.auth=", "list[]=x", "list[].y=null"]);
    let charts = charts(&files);
    let used = &charts[0];
    let lines: Vec<String> = used
        .values
        .leaves
        .iter()
        .map(|leaf| format!("{}:{}", leaf.file.as_deref().unwrap_or("-"), leaf.line))
        .collect();
    assert_eq!(lines, ["r.yaml:11", "m.yaml:8", "r.yaml:8", "r.yaml:12", "r.yaml:12"]);
    let count = used.values_from;
    assert_eq!((count.resolved, count.missing, count.secret), (1, 1, 1));
}

#[test]
fn generated_config_maps_are_found_with_the_files_that_they_hold() {
    let release = format!(
        "{HEAD}  valuesFrom: [{{kind: ConfigMap, name: made}}, {{kind: ConfigMap, name: made, valuesKey: x, targetPath: x.y}}]\n"
    );
    let kustomization = "namespace: shop\nresources: [r.yaml]\nconfigMapGenerator: [{name: made, files: [values.yaml=v.txt], literals: [x=7]}]\n";
    let files = [("k/r.yaml", release.as_str()), ("k/kustomization.yaml", kustomization), ("k/v.txt", "a: 1\n")];
    assert_eq!(values(&files), ["a=1", "x.y=7"]);
}

#[test]
fn literals_of_generated_config_maps_are_taken_as_they_are() {
    let release = format!(
        "{HEAD}  valuesFrom: [{{kind: ConfigMap, name: made, valuesKey: long, targetPath: long}}, {{kind: ConfigMap, name: made, valuesKey: ' x', targetPath: x}}]\n"
    );
    let long = "y".repeat(5_000);
    let kustomization = format!(
        "namespace: shop\nresources: [r.yaml]\nconfigMapGenerator: [{{name: made, literals: ['long={long}', ' x= 7 ', '  ']}}]\n"
    );
    // The key with its space is one that no release can ask for.
    let files = [("k/r.yaml", release.as_str()), ("k/kustomization.yaml", kustomization.as_str())];
    assert_eq!(values(&files), [format!("long={long}")]);
    let trimmed = kustomization.replace("' x= 7 '", "'x= 7 '");
    let files = [files[0], ("k/kustomization.yaml", trimmed.as_str())];
    assert_eq!(values(&files), [format!("long={long}"), "x= 7 ".to_owned()]);
}

#[test]
fn what_k3s_sets_goes_in_the_order_that_is_written() {
    let of = |set: &str| {
        let text = format!(
            "base: &base {{z: 5}}\napiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: web}}\n\
             spec: {{chart: web, repo: 'https://a.example', set: {{{set}}}}}\n"
        );
        values(&[("k.yaml", &text)]).join(" ")
    };
    assert_eq!(of("image: web, image.tag: v1"), "image.tag=v1");
    assert_eq!(of("image.tag: v1, image: web"), "image=web");
    assert_eq!(of("image: web, image.tag: v1, image: other"), "image.tag=v1");
    assert_eq!(of("<<: [*base, 5], z.y: x"), "z=5");
}

#[test]
fn paths_can_be_read_back() {
    let release = format!("{HEAD}  values:\n    a.b: {{'': 1, c/d: {{}}}}\n    e: [[f], []]\n    'quo\"te': 1\n");
    let right = [r#"["a.b"].c/d={}"#, r#"["a.b"][""]=1"#, r#"["quo\"te"]=1"#, "e[]=[]", "e[][]=f"];
    assert_eq!(values(&[("r.yaml", &release)]), right);
}

#[test]
fn secrets_are_masked_by_their_key_and_encrypted_ones_have_no_text() {
    let release = format!(
        "{HEAD}  values: {{password: abc, sealed: 'ENC[AES256,data:x]', image: {{tag: 1}}, mail: me@example.org}}\n"
    );
    let charts = charts(&[("r.yaml", &release)]);
    let leaves: Vec<(&str, &str, bool)> =
        charts[0].values.leaves.iter().map(|leaf| (&*leaf.path, &*leaf.text, leaf.masked)).collect();
    assert_eq!(leaves, [("image.tag", "1", false), ("mail", "", true), ("password", "", true), ("sealed", "", true)]);
}

#[test]
fn argo_puts_files_then_values_then_parameters_over_each_other() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n  sources:\n  - {repoURL: ghcr.io/me, chart: web, helm: {valueFiles: [$v/x.yaml, inside.yaml, $v/gone.yaml],\n      values: 'a: 2', parameters: [{name: 'b[0].c', value: '3'}, {name: d, value: '4', forceString: true}]}}\n  - {repoURL: 'https://g.example/x', ref: v}\n";
    let files = [("a.yaml", application), ("x.yaml", "a: 1\ne: 5\n")];
    assert_eq!(values(&files), ["a=2", "b[].c=3", "d=4", "e=5"]);
    let count = charts(&files)[0].values_from;
    assert_eq!((count.resolved, count.missing, count.secret), (1, 1, 0));
}

#[test]
fn kustomize_merges_as_it_is_told() {
    let of = |how: &str| {
        let text = format!(
            "helmCharts: [{{name: w, repo: 'https://a.example', valuesFile: v.yaml, valuesInline: {{a: inline, b: inline}}, {how}}}]\n"
        );
        values(&[("kustomization.yaml", &text), ("v.yaml", "a: file\nc: file\n")]).join(" ")
    };
    assert_eq!(of("version: 1"), "a=inline b=inline c=file");
    assert_eq!(of("valuesMerge: merge"), "a=file b=inline c=file");
    assert_eq!(of("valuesMerge: replace"), "a=inline b=inline");
}

#[test]
fn what_is_hidden_where_it_stands_counts_as_itself_and_is_not_shown() {
    let release = |name: &str, variable: &str, value: &str| {
        HEAD.replace("name: web, namespace", &format!("name: {name}, namespace"))
            + &format!("  values: {{env: [{{name: {variable}, value: {value}}}]}}\n")
    };
    let modal = |releases: &[(&str, &str)]| {
        let texts: Vec<(String, String)> = releases
            .iter()
            .enumerate()
            .map(|(n, (variable, value))| (format!("{n}.yaml"), release(&format!("r{n}"), variable, value)))
            .collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let top = Uses::of(&tree(&files)).value_statistics(10);
        let one = top.into_iter().find(|one| one.path == "env[].value").unwrap();
        (one.modal, one.uses, one.modal_uses)
    };
    let hidden = ["one", "two", "three"].map(|value| ("DB_PASSWORD", value));
    let open = [("MODE", "plain"), ("MODE", "plain")];
    assert_eq!(modal(&[&hidden[..], &open].concat()), ("plain".to_owned(), 5, 2));
    let same = [("DB_PASSWORD", "one"); 3];
    assert_eq!(modal(&[&same[..], &open].concat()), ("<masked>".to_owned(), 5, 3));
}
