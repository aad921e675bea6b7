//! Trees that mean to be too much.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use scan::uses::Uses;

use crate::texts::{charts, tree};

const HEAD: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  chartRef: {kind: OCIRepository, name: web}\n";

fn soon(what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    assert!(start.elapsed() < Duration::from_mins(1), "{what} took {:?}", start.elapsed());
}

#[test]
fn values_that_aliases_blow_up_are_cut() {
    let mut text = format!("{HEAD}  values:\n    a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 1..6 {
        let below = level - 1;
        let items = vec![format!("*a{below}"); 8].join(", ");
        writeln!(text, "    a{level}: &a{level} [{items}]").unwrap();
    }
    soon("a bomb of aliases", || {
        let evaluator = tree(&[("a.yaml", &text)]);
        let uses = Uses::of(&evaluator);
        assert!(uses.charts[0].values.is_cut && uses.charts[0].values.leaves.len() <= 20_000);
        assert_eq!((uses.cut_values(), uses.cut_references()), (1, 0));
    });
}

#[test]
fn a_document_that_names_too_much_says_so() {
    let of = |count: usize| {
        let from = "{kind: Secret, name: s, targetPath: a}, ".repeat(count);
        let text = format!("{HEAD}  valuesFrom: [{from}]\n");
        let evaluator = tree(&[("a.yaml", &text)]);
        let uses = Uses::of(&evaluator);
        (uses.cut_values(), uses.cut_references())
    };
    assert_eq!(of(1_000), (0, 0));
    assert_eq!(of(3_000), (0, 1));
}

#[test]
fn long_keys_and_deep_paths_end() {
    let keys = format!("{{{}: ", "k".repeat(1_000)).repeat(20);
    let deep = format!("{HEAD}  values: {}1{}\n", "{a: ".repeat(200), "}".repeat(200));
    let long = format!("{HEAD}  values: {keys}{{image: a/b}}{}\n", "}".repeat(20));
    let set = format!("{HEAD}  valuesFrom: [{{kind: Secret, name: x, targetPath: '{}'}}]\n", "a.".repeat(1_900));
    soon("long and deep", || {
        assert_eq!(charts(&[("a.yaml", &deep)])[0].values.leaves.len(), 1);
        assert!(charts(&[("a.yaml", &long)])[0].values.is_cut);
        assert!(charts(&[("a.yaml", &set)])[0].values.leaves.is_empty());
    });
}

#[test]
fn many_releases_and_sources_of_one_name_do_not_multiply() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: x}}}, dependsOn: [{name: web}]}\n---\n";
    let source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: x}\nspec: {url: 'https://a.example'}\n---\n";
    let (releases, sources) = (release.repeat(2_000), source.repeat(15_000));
    soon("many of one name", || {
        let evaluator = tree(&[("a.yaml", &releases), ("b.yaml", &sources)]);
        assert_eq!(Uses::of(&evaluator).charts.len(), 2_000);
    });
}

#[test]
fn one_config_map_of_many_releases_is_read_once() {
    let mut values = String::new();
    for number in 0..20_000 {
        writeln!(values, "    key{number}: {number}").unwrap();
    }
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: base}}\ndata:\n  values.yaml: |\n{values}");
    let mut releases = String::new();
    for number in 0..300 {
        writeln!(releases, "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: r{number}}}\nspec: {{chartRef: {{name: x}}, valuesFrom: [{{kind: ConfigMap, name: base}}], values: {{x: {number}}}}}\n---").unwrap();
    }
    soon("a large ConfigMap", || {
        let charts = charts(&[("a.yaml", &releases), ("b.yaml", &map)]);
        assert_eq!(charts.len(), 300);
    });
}

#[test]
fn lists_within_lists_and_odd_documents_are_no_trouble() {
    let list = format!("{}{}", "{apiVersion: v1, kind: List, items: [".repeat(100), "]}".repeat(100));
    let odd = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: [a]\nspec: text\n---\napiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\nspec: {generators: {}, template: []}\n---\n- a\n---\ntext\n";
    soon("odd documents", || {
        let evaluator =
            tree(&[("a.yaml", &list), ("b.yaml", odd), ("kustomization.yaml", "helmCharts: {a: b}\nimages: [1]\n")]);
        assert!(Uses::of(&evaluator).charts.is_empty());
    });
}

#[test]
fn nothing_that_is_told_carries_a_credential() {
    let release = format!(
        "{HEAD}  values: {{password: hunter2, url: 'https://me:hunter2@a.example', list: [{{token: hunter2}}]}}\n"
    );
    let source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web, namespace: shop}\nspec: {url: 'oci://me:hunter2@a.example/web'}\n";
    let k3s = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: x}\nspec: {chart: 'https://me:hunter2@a.example/web.zip', set: {apiKey: hunter2}}\n";
    let kustomization = "resources: ['https://me:hunter2@a.example/x']\n";
    let files =
        [("a.yaml", release.as_str()), ("b.yaml", source), ("c.yaml", k3s), ("kustomization.yaml", kustomization)];
    let evaluator = tree(&files);
    let uses = Uses::of(&evaluator);
    let answer = serde_json::to_string(&uses.answer(String::new())).unwrap();
    assert!(!answer.contains("hunter2"), "{answer}");
    assert!(!format!("{:?}", uses.charts).contains("hunter2"), "{:?}", uses.charts);
}
