//! The command line on repositories that are odd, and on those that mean to take much memory.

mod accounts;
mod import;
mod reposentry;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use standin::{Generator, Limits, Options, Standin};

use crate::jobs::repository::Origins;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn scan(place: &str, more: &[&str]) -> Value {
    answer("scan", place, more)
}

fn answer(command: &str, place: &str, more: &[&str]) -> Value {
    let output = program(&[command, place, "--format", "json"]).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";

#[test]
fn json_tells_the_same_problems_as_the_table() {
    let origin = Origins::new();
    origin.commit("one", &[("a.yaml", Some(CONFIG)), ("broken.yaml", Some("a: [\n"))]);
    let blob = origin.git(&["rev-parse", "HEAD:a.yaml"]);
    let blob = blob.trim();
    let tree = [b"100644 blob ".as_slice(), blob.as_bytes(), b"\tbest\xe4tigung.yaml\n"].concat();
    let broken = origin.git(&["rev-parse", "HEAD:broken.yaml"]);
    let tree = [tree, format!("100644 blob {}\tbroken.yaml\n", broken.trim()).into_bytes()].concat();
    let tree = origin.mktree(&tree);
    let commit = origin.git(&["commit-tree", &tree, "-p", "HEAD", "-m", "odd"]);
    origin.git(&["update-ref", "refs/heads/main", commit.trim()]);
    let place = origin.path().display().to_string();
    let told = scan(&place, &[]);
    let problems = told["problems"].as_array().unwrap();
    let paths: Vec<&str> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["broken.yaml", "best\\xE4tigung.yaml"]);
    assert_eq!(problems[0]["class"], "syntax");
    assert_eq!(problems[1]["class"], "path");
    let table = String::from_utf8(program(&["scan", &place]).output().unwrap().stdout).unwrap();
    assert!(paths.iter().all(|path| table.contains(path)), "{table}");
    assert_eq!(scan(&place, &["--rev", "HEAD~1"])["kubernetes_documents"], 1);
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let origin = Origins::new();
    // More than a pipe holds.
    let pods: String = (0..2_000).map(|n| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p{n}}}\nspec: {{containers: [{{name: a, image: 'shop/{n}:1'}}]}}\n---\n")).collect();
    origin.commit("one", &[("a.yaml", Some(pods.as_str()))]);
    let place = origin.path().display().to_string();
    for arguments in [
        ["uses", &place, "--format", "json"],
        ["history", &place, "--format", "json"],
        ["uses", &place, "--format", "table"],
    ] {
        let mut child = program(&arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("pipe"), "{arguments:?}: {said}");
    }
}

#[test]
fn uses_are_told_to_programs_and_to_people() {
    const CHARTS: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: shop}\n\
        spec: {url: 'https://charts.example/x'}\n";
    const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\n\
        spec:\n  chart: {spec: {chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}}\n\
        \u{20} dependsOn: [{name: gone}]\n  values: {image: {repository: me/web, tag: '1'}, password: abc}\n";
    let origin = Origins::new();
    origin.commit("one", &[("charts.yaml", Some(CHARTS)), ("web.yaml", Some(RELEASE)), ("values.txt", Some("a"))]);
    let place = origin.path().display().to_string();
    let told = answer("uses", &place, &[]);
    assert_eq!(told["rules"], 1);
    assert_eq!(told["charts"][0]["key"], "charts.example/x/web");
    assert_eq!(told["images"][0]["image"], "docker.io/me/web");
    assert_eq!(told["figures"]["references_by_status"], serde_json::json!({"resolved": 1, "dangling": 1}));
    assert!(!told.to_string().contains("abc"), "{told}");
    let table = String::from_utf8(program(&["uses", &place]).output().unwrap().stdout).unwrap();
    for word in ["charts.example/x/web", "docker.io/me/web", "HelmRelease/shop/gone", "image.tag"] {
        assert!(table.contains(word), "{word} is not in {table}");
    }
    let same = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(same.path(), r#"{"prefixes": [{"from": ["charts.example/x/"], "to": "new.example/"}]}"#).unwrap();
    let told = answer("uses", &place, &["--chart-sources", &same.path().display().to_string()]);
    assert_eq!(told["charts"][0]["group"], "new.example/web");
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_of_an_address_are_those_of_the_remote() {
    let origin = Origins::new();
    origin.commit("one", &[("a.yaml", Some(CONFIG))]);
    origin.git(&["tag", "-a", "-m", "one", "v1"]);
    origin.git(&["update-ref", "refs/heads/HEAD", "HEAD"]);
    origin.commit("two", &[("b.yaml", Some(CONFIG))]);
    let repositories = Generator::new(1, vec![origin.path().join(".git")]).repositories();
    let name = repositories[0].full_name();
    let options = Options { limits: Limits::generous(), ..Options::with(repositories) };
    let standin = Standin::start(options).await.unwrap();
    let address = standin.git().clone_url(&name);
    tokio::task::spawn_blocking(move || {
        for (rev, count) in
            [("HEAD", 2), ("main", 2), ("v1", 1), ("refs/tags/v1", 1), ("heads/HEAD", 1), ("main~1", 1), ("v1^0", 1)]
        {
            assert_eq!(scan(&address, &["--rev", rev])["kubernetes_documents"], count, "{rev}");
        }
        let output = program(&["scan", &address, "--rev", "v2"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("\"v2\" is neither a branch"), "{said}");
    })
    .await
    .unwrap();
}

/// The most memory that a program has until it ends, in megabytes.
fn peak(mut child: Child) -> u64 {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(size) = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()) {
            peak = peak.max(size / 1024);
        }
        if child.try_wait().unwrap().is_some() {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(peak > 0, "the program ended before it was looked at");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn bombs(into: &Path) {
    let mut zeros = vec![0u8; 100 << 20];
    for n in 0..3 {
        zeros[..=n].fill(1);
        std::fs::write(into.join(format!("bomb-{n}.yaml")), &zeros).unwrap();
    }
    zeros.resize(300 << 20, 0);
    std::fs::write(into.join("largest.yaml"), &zeros).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beyond_the_limit_take_no_memory() {
    const MOST: u64 = 300;
    let origin = Origins::new();
    bombs(&origin.path());
    origin.commit("bombs", &[("a.yaml", Some(CONFIG))]);
    let repositories = Generator::new(1, vec![origin.path().join(".git")]).repositories();
    let name = repositories[0].full_name();
    let standin = Standin::start(Options { limits: Limits::generous(), ..Options::with(repositories) }).await.unwrap();
    let address = standin.git().clone_url(&name);
    tokio::task::spawn_blocking(move || {
        let place = origin.path().display().to_string();
        for packed in [false, true] {
            if packed {
                origin.git(&["repack", "--quiet", "-a", "-d", "-f"]);
            }
            let peak = peak(program(&["scan", &place]).spawn().unwrap());
            assert!(peak < MOST, "a folder, packed {packed}: {peak} MB");
        }
        let peak_of_scan = peak(program(&["scan", &address]).spawn().unwrap());
        assert!(peak_of_scan < MOST, "an address: {peak_of_scan} MB");
        let database = format!("sqlite:{}", origin.folder.path().join("history.db").display());
        let peak_of_jobs = peak(program(&["history", &place, "--database", &database]).spawn().unwrap());
        assert!(peak_of_jobs < MOST, "sync and scan: {peak_of_jobs} MB");
    })
    .await
    .unwrap();
}
