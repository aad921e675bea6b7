//! Random histories: what is stored at the end does not depend on cuts and restarts, and active rows are documents.

use crate::support::{History, Tree, replay, rewound};

/// Small and repeatable; real randomness would make failures that nobody can look at.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const PATHS: &[&str] = &[
    "apps/a/release.yaml",
    "apps/a/source.yaml",
    "apps/b/release.yaml",
    "apps/b/all.yml",
    "infra/sources.yaml",
    "flux.yaml",
];

fn document(dice: &mut Dice) -> String {
    let name = dice.one(&["web", "db"]);
    let namespace = dice.one(&["", "", "  namespace: one\n", "  namespace: two\n"]);
    let number = dice.roll(3);
    let meta = format!("metadata:\n  name: {name}\n{namespace}");
    match dice.roll(9) {
        0 => format!(
            "apiVersion: {}\nkind: HelmRelease\n{meta}spec:\n  chartRef:\n    kind: {}\n    name: {name}\n",
            dice.one(&["helm.toolkit.fluxcd.io/v2beta2", "helm.toolkit.fluxcd.io/v2"]),
            dice.one(&["OCIRepository", "HelmChart"]),
        ),
        1 => format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n{meta}spec:\n  chart:\n    spec:\n      chart: \
             {name}\n      version: 1.0.{number}\n      sourceRef:\n        kind: HelmRepository\n        name: {name}\n{}",
            // To kubectl these are two objects at most; the tag is shown in two spellings.
            dice.one(&[
                "",
                "  values: {replicas: 0x2, image: {repository: r/web, tag: 1.10}}\n",
                "  values: {replicas: 2.0, image: {repository: r/web, tag: 1.1}}\n",
                "  values: {<<: {image: {tag: 1.1, repository: r/web}}, replicas: 2}\n",
            ]),
        ),
        2 | 3 => format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n{meta}spec:\n  url: oci://example.com/{}\n  \
             ref:\n    tag: 2.0.{number}\n{}",
            dice.one(&["web", "db"]),
            dice.one(&["", "    semver: 2.x\n", "    digest: sha256:1\n"]),
        ),
        4 => format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n{meta}spec:\n  url: https://example.com/{number}\n"
        ),
        5 => format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\n{meta}spec:\n  chart: {name}\n  version: \
             3.0.{number}\n  sourceRef:\n    kind: HelmRepository\n    name: {}\n",
            dice.one(&["web", "db"]),
        ),
        6 => format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n{meta}spec:\n  path: ./apps/{}\n  \
             sourceRef:\n    kind: OCIRepository\n    name: {name}\n{}",
            dice.one(&["a", "b"]),
            dice.one(&["", "  targetNamespace: target\n"]),
        ),
        7 => {
            let item = |number| {
                format!(
                    "- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: {name}-{number}\n  stringData:\n    key: value-{number}\n"
                )
            };
            format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(number), item(dice.roll(4) + 3))
        }
        _ => format!("apiVersion: v1\nkind: ConfigMap\n{meta}data:\n  number: \"{number}\"\n"),
    }
}

fn text(dice: &mut Dice, pointers: bool) -> String {
    match dice.roll(12) {
        0 => return "kind: [never closed\n".to_owned(),
        1 | 2 if pointers => {
            let size = dice.roll(3);
            return format!("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize {size}\n");
        }
        _ => {}
    }
    let count = 1 + dice.roll(3);
    (0..count).map(|_| document(dice)).collect::<Vec<_>>().join("---\n")
}

fn edit(dice: &mut Dice, tree: &mut Tree, pointers: bool) {
    let path = dice.one(PATHS).to_owned();
    match dice.roll(9) {
        0 => drop(tree.remove(&path)),
        // A move, perhaps onto a file that is there.
        1 => {
            if let Some(text) = tree.remove(&path) {
                tree.insert(dice.one(PATHS).to_owned(), text);
            }
        }
        // Documents in another order, or one of them gone.
        2 | 3 => {
            if let Some(text) = tree.get_mut(&path) {
                let mut documents: Vec<&str> = text.split("---\n").collect();
                documents.reverse();
                documents.truncate(1 + dice.roll(3));
                *text = documents.join("---\n");
            }
        }
        4 => {
            let namespace = dice.one(&["", "namespace: kustomized\n", "namespace: other\n"]);
            let lists = dice.one(&["- a/release.yaml\n", "- a/release.yaml\n- b/all.yml\n", "- b/release.yaml\n"]);
            tree.insert("apps/kustomization.yaml".to_owned(), format!("{namespace}resources:\n{lists}"));
        }
        // Comments and formatting only.
        5 => {
            if let Some(text) = tree.get_mut(&path) {
                text.insert_str(0, "# a remark\n");
            }
        }
        _ => drop(tree.insert(path, text(dice, pointers))),
    }
}

fn random(seed: u64, commits: usize, pointers: bool) -> History {
    let mut dice = Dice(seed);
    let mut history = History::default();
    let mut tree = Tree::new();
    for _ in 0..commits {
        for _ in 0..=dice.roll(3) {
            edit(&mut dice, &mut tree, pointers);
        }
        history.trees.push(tree.clone());
    }
    history
}

#[test]
fn random_histories_have_one_outcome_wherever_they_are_cut() {
    for seed in 0..60 {
        // Half of them have files whose content goes elsewhere and comes back.
        let store = replay(&random(seed, 40, seed % 2 == 1));
        assert!(!store.events.is_empty(), "seed {seed} is no history");
    }
}

#[test]
fn rows_rebuilt_at_a_fork_are_the_rows_that_stood_there() {
    for seed in 100..130 {
        let (undisturbed, rebuilt) = rewound(&random(seed, 25, false), 20);
        let (undisturbed, rebuilt) = (undisturbed.outcome(), rebuilt.outcome());
        let differ = undisturbed.lines().zip(rebuilt.lines()).find(|(left, right)| left != right);
        assert_eq!(differ, None, "seed {seed}");
    }
}
