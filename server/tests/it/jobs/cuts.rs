//! Random histories, read all at once, commit by commit, in cut batches and over rewritten branches: the same rows.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    process::{Command, Stdio},
};

use server::replay::BatchLimits;

use super::repository::{Bench, Origins, times};
use crate::support::on_each_engine;

/// Histories tried; each is another one, and the same in every run.
const HISTORIES: u64 = 3;
/// Commits of each; more than are read without loading the whole state.
const COMMITS: usize = 100;
/// How many files a history has at most.
const FILES: usize = 12;

/// A path that is not read, as fast-import quotes it.
const NOT_UTF8: &str = "\"apps/b\\344r.yaml\"";

/// Small and repeatable; real randomness would make failures that nobody can look at.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

type Tree = BTreeMap<String, String>;

fn config_map(dice: &mut Dice) -> String {
    let (name, value) = (dice.roll(14), dice.roll(4));
    let namespace = ["", ", namespace: shop", ", namespace: blog"][dice.roll(3)];
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: map-{name}{namespace}}}, data: {{key: 'v{value}'}}}}\n"
    )
}

fn release(dice: &mut Dice) -> String {
    let name = dice.roll(5);
    if dice.roll(2) == 0 {
        let version = dice.roll(4);
        return format!(
            "{{apiVersion: source.toolkit.fluxcd.io/v1, kind: OCIRepository, metadata: {{name: source-{name}}}, \
             spec: {{url: 'oci://example.org/charts/app', ref: {{tag: 1.{version}.0}}}}}}\n"
        );
    }
    let source = dice.roll(5);
    format!(
        "{{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {{name: release-{name}}}, \
         spec: {{chartRef: {{kind: OCIRepository, name: source-{source}}}}}}}\n"
    )
}

/// A file of any kind: one document, many, a `List` of some, a broken one, one with doubled keys, none.
fn file(dice: &mut Dice) -> String {
    match dice.roll(12) {
        0 => "broken: [\n".to_owned(),
        1 => format!("kind: ConfigMap\n---\nbroken: {{{}\n", dice.roll(3)),
        2 => {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: twice}}\ndata: {{a: 1, a: {}}}\n", dice.roll(3))
        }
        3 => "# nothing\n".to_owned(),
        4..=6 => {
            let mut text = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
            for _ in 0..dice.roll(5) {
                let item = if dice.roll(4) == 0 { release(dice) } else { config_map(dice) };
                let _ = write!(text, "  - {item}");
            }
            text
        }
        7 => release(dice),
        _ => {
            let documents: Vec<String> = (0..=dice.roll(4)).map(|_| config_map(dice)).collect();
            documents.join("---\n")
        }
    }
}

/// The trees of a history: files come, go, change, move, are copied, and whole commits are reverted.
fn trees(dice: &mut Dice) -> Vec<Tree> {
    let path = |dice: &mut Dice| {
        let name = dice.roll(FILES);
        ["", "apps/", "apps/base/", "clusters/one/"][name % 4].to_owned() + &format!("file-{name}.yaml")
    };
    let mut trees: Vec<Tree> = vec![Tree::new()];
    while trees.len() <= COMMITS {
        let mut tree = trees.last().cloned().unwrap_or_default();
        for _ in 0..=dice.roll(3) {
            match dice.roll(10) {
                0 => drop(tree.remove(&path(dice))),
                1 | 2 => {
                    if let Some(text) = tree.remove(&path(dice)) {
                        tree.insert(path(dice), text);
                    }
                }
                3 => {
                    if let Some(text) = tree.get(&path(dice)).cloned() {
                        tree.insert(path(dice), text);
                    }
                }
                4 => tree = trees[dice.roll(trees.len())].clone(),
                5 => {
                    let kustomize =
                        format!("namespace: from-{}\nresources: [file-{}.yaml]\n", dice.roll(2), dice.roll(FILES));
                    tree.insert(format!("{}kustomization.yaml", ["", "apps/", "apps/base/"][dice.roll(3)]), kustomize);
                }
                _ => drop(tree.insert(path(dice), file(dice))),
            }
        }
        if dice.roll(9) == 0 && tree.remove(NOT_UTF8).is_none() {
            tree.insert(NOT_UTF8.to_owned(), String::new());
        }
        trees.push(tree);
    }
    trees.remove(0);
    trees
}

/// Writes the trees as commits of `refs/heads/<branch>`, on top of the commit `from` where one is given, and gives
/// their hashes back. Commits of the same place on different branches differ.
fn import(origin: &Origins, branch: &str, from: Option<&str>, first: usize, trees: &[Tree]) -> Vec<String> {
    let mut stream = String::new();
    for (at, tree) in trees.iter().enumerate() {
        let number = first + at;
        let _ = writeln!(stream, "commit refs/heads/{branch}\nmark :{}", at + 1);
        let _ = writeln!(stream, "committer Ada <ada@example.org> {} +0000", 1_700_000_000 + number * 3_600);
        let subject = format!("{branch} {number}");
        let _ = writeln!(stream, "data {}\n{subject}", subject.len());
        match (at, from) {
            (0, None) => {}
            (0, Some(from)) => drop(writeln!(stream, "from {from}")),
            (at, _) => drop(writeln!(stream, "from :{at}")),
        }
        stream.push_str("deleteall\n");
        for (path, text) in tree {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
    }
    let marks = origin.folder.path().join("marks");
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .arg(format!("--export-marks={}", marks.display()))
        .current_dir(origin.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(import.stdin.as_mut().unwrap(), stream.as_bytes()).unwrap();
    drop(import.stdin.take());
    assert!(import.wait().unwrap().success());
    let mut hashes: Vec<(usize, String)> = std::fs::read_to_string(marks)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
        .map(|(mark, hash)| (mark.parse().unwrap(), hash.to_owned()))
        .collect();
    hashes.sort_unstable();
    assert_eq!(hashes.len(), trees.len());
    hashes.into_iter().map(|(_, hash)| hash).collect()
}

/// How a history is read.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// In one go, each batch of so many commits.
    Batches(usize),
    /// By one sync and scan after every so many commits.
    Pushes(usize),
    /// Pushes, and now and then another branch is pushed over it by force and taken back.
    Rewritten,
}

async fn read(bench: &Bench, origin: &Origins, commits: &[String], trees: &[Tree], reading: Reading) -> Vec<String> {
    let repository = bench.pin(&origin.path()).await;
    let push = async |commit: &str| {
        origin.git(&["update-ref", "refs/heads/main", commit]);
        bench.bring_up_to_date(repository).await;
    };
    match reading {
        Reading::Batches(_) => {}
        Reading::Pushes(every) => {
            for commit in commits.iter().step_by(every) {
                push(commit).await;
            }
        }
        Reading::Rewritten => {
            let mut dice = Dice(7);
            for (at, commit) in commits.iter().enumerate().step_by(17) {
                push(commit).await;
                let fork = at.saturating_sub(dice.roll(12));
                let other: Vec<Tree> = (0..5).map(|_| trees[dice.roll(trees.len())].clone()).collect();
                let others = import(origin, "other", Some(&commits[fork]), fork + 1, &other);
                push(&others[dice.roll(5)]).await;
            }
        }
    }
    push(&commits[commits.len() - 1]).await;
    // Texts are kept once for the whole database, also those that nothing points to any more.
    let mut rows = bench.rows().await;
    rows.retain(|row| !row.starts_with("4:"));
    rows.extend(times(&bench.deps.db).await);
    store::repositories::remove_repository(&bench.deps.db.write, repository).await.unwrap();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_do_not_depend_on_where_a_history_is_cut() {
    on_each_engine(async |app| {
        for number in 0..HISTORIES {
            let mut dice = Dice(number * 7_919 + 1);
            let origin = Origins::new();
            let trees = trees(&mut dice);
            let commits = import(&origin, "main", None, 0, &trees);
            let mut expected: Option<Vec<String>> = None;
            for reading in [
                Reading::Batches(usize::MAX),
                Reading::Batches(1),
                Reading::Batches(7),
                Reading::Pushes(1),
                Reading::Pushes(9),
                Reading::Pushes(70),
                Reading::Rewritten,
            ] {
                let mut bench = Bench::new(&app.state.db);
                if let Reading::Batches(commits) = reading {
                    bench.deps.batches = BatchLimits { commits, ..BatchLimits::default() };
                }
                let rows = read(&bench, &origin, &commits, &trees, reading).await;
                let Some(expected) = &expected else {
                    assert!(rows.len() > COMMITS, "{} rows", rows.len());
                    expected = Some(rows);
                    continue;
                };
                let missing: Vec<_> = expected.iter().filter(|row| !rows.contains(row)).take(4).collect();
                let added: Vec<_> = rows.iter().filter(|row| !expected.contains(row)).take(4).collect();
                assert!(rows == *expected, "history {number}, {reading:?}: missing {missing:#?}, added {added:#?}");
            }
        }
    })
    .await;
}
