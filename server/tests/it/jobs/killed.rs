//! The program killed at any moment, and started again.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use store::db::{Db, DbSettings};

use super::repository::{Origins, rows};

/// How often the program is killed in all.
const KILLS: u32 = 200;

/// A history long enough to be killed in the middle of: releases with values and variables, images with variables, lists, moves,
/// broken files, deletions.
fn history(origin: &Origins) {
    let mut stream = String::new();
    let (mut mark, mut blobs) = (0, 0);
    for number in 0..800 {
        let name = format!("app-{}", number % 40);
        let tag = if number % 13 == 7 { "${DOMAIN}".to_owned() } else { format!("1.{number}.0") };
        let text = match number % 13 {
            12 => "broken: [\n".to_owned(),
            11 => list(number),
            10 => release(&name, number),
            9 => values(number),
            8 => build(number),
            _ => format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: {number}\n  template:\n    \
                 spec:\n      containers:\n        - name: main\n          image: example.org/{name}:{tag}\n"
            ),
        };
        let is_build = number % 13 == 8;
        let path = match number % 17 == 5 {
            _ if is_build => "flux.yaml".to_owned(),
            true => format!("moved/{name}.yaml"),
            false => format!("apps/{name}.yaml"),
        };
        blobs += 1;
        stream.push_str(&format!("blob\nmark :{}\ndata {}\n{text}\n", 100_000 + blobs, text.len()));
        mark += 1;
        let subject = format!("change {number}");
        stream.push_str(&format!("commit refs/heads/main\nmark :{mark}\n"));
        stream.push_str(&format!("committer Ada <ada@example.org> {} +0000\n", 1_700_000_000 + number * 3_600));
        stream.push_str(&format!("data {}\n{subject}\n", subject.len()));
        if mark > 1 {
            stream.push_str(&format!("from :{}\n", mark - 1));
        }
        if number % 17 == 5 && !is_build {
            stream.push_str(&format!("D apps/{name}.yaml\n"));
        }
        stream.push_str(&format!("M 100644 :{} {path}\n\n", 100_000 + blobs));
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(origin.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(import.stdin.as_mut().unwrap(), stream.as_bytes()).unwrap();
    drop(import.stdin.take());
    assert!(import.wait().unwrap().success());
}

/// A release with its source; the values of a ConfigMap come and go.
fn release(name: &str, number: usize) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts, namespace: web}}\n\
         spec: {{url: 'https://charts.example.org'}}\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
         metadata: {{name: {name}, namespace: web}}\nspec:\n  chart: {{spec: {{chart: web, version: 1.{number}.0, sourceRef: \
         {{kind: HelmRepository, name: charts}}}}}}\n  valuesFrom: [{{kind: ConfigMap, name: values}}]\n  values:\n    \
         replicas: {number}\n    host: 'web.${{DOMAIN}}'\n    image: {{repository: example.org/{name}, tag: 1.{number}.0}}\n"
    )
}

fn values(number: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: web}}\ndata:\n  values.yaml: |\n    \
         level: {number}\n"
    )
}

/// What builds all of it, with a variable that is another each time.
fn build(number: usize) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: apps, namespace: flux-system}}\n\
         spec:\n  path: ./apps\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n  postBuild: {{substitute: \
         {{DOMAIN: d{number}.example.org}}}}\n"
    )
}

/// A `List` whose items come, go and change places as the numbers go on.
fn list(number: usize) -> String {
    let items = (0..number % 5).map(|item| {
        let name = (number + item) % 7;
        format!("  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: item-{name}}}, data: {{at: '{number}'}}}}\n")
    });
    format!("apiVersion: v1\nkind: List\nitems:\n{}", items.collect::<String>())
}

fn start(origin: &Path, folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kubestats"))
        .arg("history")
        .arg(origin)
        .arg("--database")
        .arg(format!("sqlite:{}", folder.join("kubestats.db").display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn stored(folder: &Path) -> Vec<String> {
    let db = Db::connect(&DbSettings::new(format!("sqlite:{}", folder.join("kubestats.db").display()))).await.unwrap();
    let rows = rows(&db).await;
    db.close().await.unwrap();
    rows
}

#[tokio::test]
async fn killed_at_any_moment_the_rows_are_those_of_an_undisturbed_run() {
    let origin = Origins::new();
    history(&origin);
    let undisturbed = tempfile::tempdir().unwrap();
    let began = Instant::now();
    finish(start(&origin.path(), undisturbed.path()));
    let whole = began.elapsed();
    let expected = stored(undisturbed.path()).await;
    assert!(expected.len() > 2_000, "{} rows", expected.len());
    for part in ["charts.example.org/web", r#""DOMAIN":"d"#, ": level|", r#":${DOMAIN}|{"DOMAIN":"d"#] {
        assert!(expected.iter().any(|row| row.contains(part)), "{part} is nowhere: uses are not looked at");
    }

    let mut kills = 0;
    // A generator of its own, so that a failure comes again with the same points, as far as the machine allows.
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        loop {
            let mut child = start(&origin.path(), folder.path());
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let share = (seed >> 33) % 1_000;
            tokio::time::sleep(whole.mul_f64(share as f64 / 1_000.0).max(Duration::from_millis(1))).await;
            if kills >= KILLS || child.try_wait().unwrap().is_some() {
                finish(child);
                break;
            }
            // SIGKILL: nothing in the program hears of it.
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        // The last word is a run that nobody disturbs.
        finish(start(&origin.path(), folder.path()));
        let rows = stored(folder.path()).await;
        let differing: Vec<_> = expected.iter().zip(&rows).filter(|(left, right)| left != right).take(3).collect();
        assert!(
            rows == expected,
            "after {kills} kills: {} rows instead of {}; {differing:#?}",
            rows.len(),
            expected.len()
        );
    }
    assert_no_leftovers(undisturbed.path());
}

/// No temporary clone stays behind.
fn assert_no_leftovers(folder: &Path) {
    let clones: Vec<PathBuf> = std::fs::read_dir(folder.join("repos"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(clones.len(), 1, "{clones:?}");
}
