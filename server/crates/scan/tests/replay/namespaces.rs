//! Inherited namespaces while what decides about them comes, changes and goes: wherever a history is cut, they are those
//! of the tree as it stands.

use entity::kind::ResourceStatus;
use scan::build::{Builds, Part, Tree as BuiltTree, is_literal};
use scan::file::DocumentIndex;

use crate::support::{History, Tree, parsed, replay};
use crate::undisturbed::Dice;

const FOLDERS: &[&str] = &["apps/a", "apps/b", "clusters/x", "base", ""];

fn path(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn meta(dice: &mut Dice, name: &str) -> String {
    let namespace = dice.one(&["", "", "namespace: own, ", "namespace: 'of-${app}', "]);
    let label = dice.one(&["", "", "labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}, "]);
    format!("metadata: {{{namespace}{label}name: {name}}}\n")
}

fn flux(dice: &mut Dice) -> String {
    let path = dice.one(&["./apps/a", "./apps/b", "./", "clusters/x", "./${folder}", "./missing", "./base"]);
    let target = dice.one(&["", "targetNamespace: target, ", "targetNamespace: 'to-${app}', "]);
    let source = dice.one(&["{kind: GitRepository, name: flux-system}", "{kind: GitRepository, name: other}"]);
    let post = dice.one(&[
        "",
        "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}, ",
        "postBuild: {substitute: {app: web, folder: apps/b}}, ",
    ]);
    let (name, components) = (dice.one(&["one", "two"]), dice.one(&["", "components: [../../base], "]));
    let meta = meta(dice, name);
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n{meta}spec: {{{target}{post}{components}path: \
         '{path}', sourceRef: {source}}}\n"
    )
}

fn document(dice: &mut Dice) -> String {
    match dice.roll(9) {
        0 | 1 => flux(dice),
        2 => format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: {}}}\nspec: {{url: \
             'https://example.org/{}', ref: {{tag: v{}}}}}\n",
            dice.one(&["flux-system", "other"]),
            dice.one(&["here", "there"]),
            dice.roll(3)
        ),
        3 => format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.example.org}}\n\
             spec: {{group: example.org, names: {{kind: Thing}}, scope: {}}}\n",
            dice.one(&["Cluster", "Namespaced"])
        ),
        4 => format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\ndata: {{app: {}, folder: apps/{}}}\n",
            dice.one(&["settings", "others"]),
            dice.one(&["one", "two", "''"]),
            dice.one(&["a", "b"])
        ),
        5 => format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\n{}spec: {{destination: {{namespace: argo}}, source: \
             {{path: {}, directory: {{recurse: {}}}}}}}\n",
            meta(dice, "app"),
            dice.one(&["apps", "apps/a", "base"]),
            dice.one(&["true", "false"])
        ),
        6 => format!("apiVersion: example.org/v1\nkind: Thing\n{}", meta(dice, "thing")),
        _ => {
            let name = dice.one(&["web", "db"]);
            format!("apiVersion: v1\nkind: Secret\n{}stringData: {{n: '{}'}}\n", meta(dice, name), dice.roll(3))
        }
    }
}

fn edit(dice: &mut Dice, tree: &mut Tree) {
    let folder = dice.one(FOLDERS);
    let file = path(folder, dice.one(&["a.yaml", "b.yml"]));
    match dice.roll(10) {
        0 => drop(tree.remove(&file)),
        1 => {
            let to = path(dice.one(FOLDERS), "a.yaml");
            if let Some(text) = tree.remove(&file) {
                tree.insert(to, text);
            }
        }
        2 | 3 => {
            let name = path(folder, dice.one(&["kustomization.yaml", "kustomization.yml", "Kustomization"]));
            let namespace = dice.one(&["", "namespace: kustomized\n", "namespace: other\n"]);
            let up = "../".repeat(if folder.is_empty() { 0 } else { folder.matches('/').count() + 1 });
            let more = dice.one(FOLDERS);
            let text = format!("{namespace}resources: [a.yaml, b.yml, '{up}{more}']\n");
            tree.insert(name, text);
        }
        4 => drop(tree.remove(&path(folder, dice.one(&["kustomization.yaml", "kustomization.yml", "Kustomization"])))),
        // A file without resources makes a folder, a Chart.yaml a chart of it.
        5 => {
            let name = path(folder, dice.one(&["values.yaml", "Chart.yaml"]));
            if tree.remove(&name).is_none() {
                tree.insert(name, "name: nothing\n".to_owned());
            }
        }
        6 => {
            if let Some(text) = tree.get_mut(&file) {
                let mut documents: Vec<&str> = text.split("---\n").collect();
                documents.reverse();
                *text = documents.join("---\n");
            }
        }
        _ => {
            let documents: Vec<String> = (0..=dice.roll(3)).map(|_| document(dice)).collect();
            tree.insert(file, documents.join("---\n"));
        }
    }
}

/// What the documents of a tree inherit, worked out from the tree alone.
fn expected(tree: &Tree) -> Vec<String> {
    let files: Vec<_> = tree.iter().map(|(path, text)| (path.as_str(), parsed(text).at_path(path))).collect();
    let manifests =
        || files.iter().flat_map(|(path, file)| file.manifests.iter().map(move |manifest| (*path, manifest)));
    let parts: Vec<(&str, DocumentIndex, Part)> =
        manifests().filter_map(|(path, manifest)| Some((path, manifest.index, Part::read(manifest)?))).collect();
    let kustomizations = files.iter().filter_map(|(path, file)| Some((*path, file.kustomize.as_ref()?)));
    let parts = parts.iter().map(|(path, index, part)| (*path, *index, part));
    let builds = Builds::of(&BuiltTree::new(tree.keys().map(String::as_str), kustomizations, parts));
    let mut all: Vec<String> = manifests()
        .map(|(path, manifest)| {
            let inherited = builds.inherited(path, &manifest.key, is_literal(manifest.root()));
            format!("{} {} {inherited:?}", manifest.place(path), manifest.key.name)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn random_builds_give_the_namespaces_of_the_tree_wherever_a_history_is_cut() {
    let mut inherited = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut history = History::default();
        let mut tree = Tree::new();
        for _ in 0..25 {
            for _ in 0..=dice.roll(2) {
                edit(&mut dice, &mut tree);
            }
            history.trees.push(tree.clone());
        }
        let store = replay(&history);
        let active = store.rows.values().map(|(row, _)| row).filter(|row| row.status == ResourceStatus::Active);
        let mut found: Vec<String> =
            active.map(|row| format!("{} {} {:?}", row.file_path, row.name, row.namespace_inherited)).collect();
        found.sort();
        assert_eq!(found, expected(&tree), "seed {seed}");
        inherited += found.iter().filter(|line| !line.ends_with("None")).count();
    }
    assert!(inherited > 100, "only {inherited} resources inherit a namespace");
}

#[test]
fn what_decides_may_change_without_any_resource_that_does() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n\
               spec: {group: example.org, names: {kind: Thing}, scope: Cluster}\n";
    let thing = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: thing}\n";
    let mut history = History::default();
    history.commit(&[("x/a.yaml", Some(config)), ("x/thing.yaml", Some(thing))]);
    history.commit(&[("x/Kustomization", Some("namespace: first\nresources: [a.yaml, thing.yaml]\n"))]);
    history.commit(&[("crds.yaml", Some(crd))]);
    history.commit(&[("x/kustomization.yml", Some("namespace: second\nresources: [a.yaml]\n")), ("crds.yaml", None)]);
    history.commit(&[("x/kustomization.yml", None)]);
    let inherited = |commits: usize| {
        let store = replay(&History { trees: history.trees[..commits].to_vec() });
        let of = |kind, name| store.row(kind, name).namespace_inherited.clone().unwrap_or_default();
        (of("ConfigMap", "a"), of("Thing", "thing"))
    };
    let both = |a: &str, thing: &str| (a.to_owned(), thing.to_owned());
    assert_eq!(inherited(1), both("", ""));
    assert_eq!(inherited(2), both("first", "first"));
    assert_eq!(inherited(3), both("first", ""));
    assert_eq!(inherited(4), both("second", ""));
    assert_eq!(inherited(5), both("first", "first"));
    let store = replay(&history);
    assert!(store.told(1).is_empty() && store.told(4).is_empty(), "no resource changed by itself");
}
