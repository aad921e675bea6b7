use std::collections::BTreeMap;
use std::sync::Arc;

use entity::input::ObjectId;
use yaml::Limits;

use super::super::{Change, ChartSources, Evaluator, FileFacts, NoBlobs};
use super::{Way, WaysByPath};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's; its upper bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }
}

const FOLDERS: [&str; 7] = ["", "a/", "a/b/", "apps/x/", "apps/y/", "apps/y/deep/", "clusters/one/"];
const FILES: [&str; 8] = [
    "kustomization.yaml",
    "kustomization.yml",
    "Kustomization",
    "flux.yaml",
    "app.yaml",
    "settings.yaml",
    "argo.yaml",
    "notes.txt",
];
const ENTRIES: [&str; 10] =
    ["flux.yaml", "app.yaml", "settings.yaml", "argo.yaml", "../x", "../y", "deep", "../../a", "b", "gone.yaml"];

fn entries(dice: &mut Dice) -> String {
    let all: Vec<&str> = (0..dice.roll(4)).map(|_| dice.one(&ENTRIES)).collect();
    format!("[{}]", all.join(", "))
}

fn flux(dice: &mut Dice) -> String {
    let path = dice.one(&[
        "",
        "path: ./a, ",
        "path: apps/x, ",
        "path: './apps/${NAME}', ",
        "path: clusters, ",
        "path: gone, ",
    ]);
    let target = dice.one(&["", "targetNamespace: web, ", "targetNamespace: 'ns-${NAME}', "]);
    let build = dice.one(&[
        "",
        "postBuild: {substitute: {NAME: x}}, ",
        "postBuild: {substitute: {NAME: y}}, ",
        "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}, ",
        "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}], substitute: {OTHER: z}}, ",
    ]);
    let (name, namespace) = (dice.roll(3), dice.one(&["", ", namespace: flux"]));
    let components = dice.one(&["", "components: [../y], "]);
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: k{name}{namespace}}}\n\
         spec: {{{path}{target}{build}{components}sourceRef: {{kind: GitRepository, name: home}}}}\n"
    )
}

fn text(dice: &mut Dice, file: &str) -> String {
    match file {
        "flux.yaml" => (0..=dice.roll(2)).map(|_| flux(dice)).collect::<Vec<_>>().join("---\n"),
        "app.yaml" => {
            let namespace = dice.one(&["", ", namespace: own", ", namespace: '${NAME}'"]);
            format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app{namespace}}}\n")
        }
        "settings.yaml" => {
            let name = dice.one(&["x", "y", "gone"]);
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{NAME: {name}}}\n")
        }
        "argo.yaml" => {
            let path = dice.one(&["apps/*", "*/*", "a"]);
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: set}}\n\
                 spec: {{generators: [{{git: {{directories: [{{path: '{path}'}}]}}}}], template: {{spec: {{source: \
                 {{path: '{{{{path}}}}'}}, destination: {{namespace: '{{{{path.basename}}}}'}}}}}}}}\n"
            )
        }
        "notes.txt" => String::new(),
        _ => {
            let namespace = dice.one(&["", "namespace: first\n", "namespace: second\n"]);
            let (resources, components) = (entries(dice), entries(dice));
            let generators = dice.one(&["", "configMapGenerator: [{name: made}]\n", "generators: [app.yaml]\n"]);
            format!("{namespace}resources: {resources}\ncomponents: {components}\n{generators}")
        }
    }
}

type Files = BTreeMap<Arc<str>, (ObjectId, Option<Arc<FileFacts>>)>;

fn edit(dice: &mut Dice, files: &mut Files, number: u32) -> Change {
    let file = dice.one(&FILES);
    // Names that are there once only fill what knows paths by numbers.
    let folder = match dice.roll(12) {
        0 => format!("once/{number}/"),
        _ => dice.one(&FOLDERS).to_owned(),
    };
    let path: Arc<str> = format!("{folder}{file}").into();
    if dice.roll(3) == 0 && files.remove(&path).is_some() {
        return Change { path, after: None };
    }
    let text = text(dice, file);
    let mut id = [0; 20];
    id[..4].copy_from_slice(&number.to_le_bytes());
    let facts =
        FileFacts::are_of(&path).then(|| Arc::new(FileFacts::read(text.as_bytes(), &Limits::default())).at_path(&path));
    files.insert(Arc::clone(&path), (ObjectId(id), facts.clone()));
    Change { path, after: Some((ObjectId(id), facts)) }
}

fn of<'w>(ways: &'w WaysByPath, path: &str) -> &'w [Way] {
    ways.get(path).map_or(&[], |ways| ways)
}

#[test]
fn what_is_kept_of_builds_is_what_the_whole_tree_comes_to() {
    let sources = Arc::new(ChartSources::built_in());
    let (mut several, mut otherwise, mut generations, mut forgotten) = (0, 0, 0, 0);
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let (mut files, mut number) = (Files::new(), 0);
        let mut kept = Evaluator::new(Arc::clone(&sources));
        for step in 0..60 {
            let mut changes = BTreeMap::new();
            for _ in 0..=dice.roll(3) {
                number += 1;
                let change = edit(&mut dice, &mut files, number);
                changes.insert(Arc::clone(&change.path), change);
            }
            let before = (kept.ways.files.clone(), kept.ways.kustomizations.clone());
            let touched = kept.apply(changes.into_values().collect(), &NoBlobs).touched;
            let mut whole = Evaluator::new(Arc::clone(&sources));
            let all = files.iter().map(|(path, after)| Change { path: Arc::clone(path), after: Some(after.clone()) });
            whole.apply(all.collect(), &NoBlobs);
            assert_eq!(kept.ways.files, whole.ways.files, "seed {seed}, step {step}");
            assert_eq!(kept.ways.kustomizations, whole.ways.kustomizations, "seed {seed}, step {step}");
            for (before, now) in [(&before.0, &kept.ways.files), (&before.1, &kept.ways.kustomizations)] {
                for path in before.keys().chain(now.keys()).filter(|path| of(before, path) != of(now, path)) {
                    assert!(touched.contains(path), "seed {seed}, step {step}: {path} is reached otherwise");
                    otherwise += 1;
                }
            }
            several += kept.ways.files.values().filter(|ways| ways.len() > 1).count();
        }
        generations += usize::from(kept.tree.layout().generation() > 0);
        let (ever, known) = kept.ways.known.counts();
        forgotten += ever.saturating_sub(known as u64);
    }
    assert!(several > 1_000 && otherwise > 1_000, "{several} times several ways, {otherwise} times others");
    assert!(generations > 10, "numbers were given anew in {generations} histories only");
    assert!(forgotten > 1_000, "{forgotten} ways were forgotten");
}
