//! The figures of real repositories' heads, as an independent counter found them.
//!
//! The repositories are not part of this one: without them (`KUBESTATS_SHARED`, or `../shared`) the test says so.
#![expect(clippy::print_stderr, reason = "a skipped check must be seen")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use entity::input::ObjectId;
use scan::figures::{Tally, TreeFigures};
use scan::file::read_file;
use serde_json::Value;
use yaml::Limits;

const NAMES: &[&str] = &[
    "yaml_files",
    "yaml_bytes",
    "yaml_documents",
    "yaml_documents_including_empty",
    "typed_documents",
    "kubernetes_documents",
    "kubernetes_documents_list_expanded",
    "list_documents",
    "list_items",
    "distinct_resources",
    "distinct_kinds",
    "helmreleases",
    "flux_kustomizations",
    "flux_gitrepositories",
    "flux_ocirepositories",
    "flux_helmrepositories",
    "argocd_applications",
    "argocd_applicationsets",
    "unparsable_files_count",
    "unparsable_by_class",
];

fn corpus() -> Option<PathBuf> {
    let shared = match std::env::var_os("KUBESTATS_SHARED") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"),
    };
    let corpus = shared.join("corpus");
    if corpus.join("manifest.json").is_file() {
        return Some(corpus);
    }
    eprintln!("SKIPPED: no corpus at {}; name its parent folder in KUBESTATS_SHARED", corpus.display());
    None
}

#[test]
fn heads_of_real_repositories_have_the_figures_that_were_counted_independently() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    let manifest: Vec<Value> = serde_json::from_slice(&std::fs::read(corpus.join("manifest.json"))?)?;
    ensure!(!manifest.is_empty(), "the manifest names no repository");
    let mut wrong = Vec::new();
    for repository in &manifest {
        let name = repository["full_name"].as_str().context("full_name")?;
        let bundle = corpus.join(repository["bundle"].as_str().context("bundle")?);
        let found = serde_json::to_value(count(&bundle).with_context(|| name.to_owned())?)?;
        compare(name, &repository["expected"], &repository["anomalies"], &found, &mut wrong);
    }
    ensure!(wrong.is_empty(), "{} figures differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn compare(name: &str, expected: &Value, anomalies: &Value, found: &Value, wrong: &mut Vec<String>) {
    let mut check = |what: &str, expected: &Value, found: &Value| {
        if expected != found {
            wrong.push(format!("{name}: {what}: expected {expected}, found {found}"));
        }
    };
    for figure in NAMES {
        check(figure, &expected[figure], &found[figure]);
    }
    for figure in ["redefined_anchor_files", "duplicate_key_documents", "sops_documents", "sops_files"] {
        check(figure, &anomalies[figure], &found[figure]);
    }
    // The manifest has the most frequent kinds and the first files only.
    let kinds = expected["by_kind"].as_array().map_or(0, Vec::len);
    let first = found["by_kind"].as_array().map(|all| Value::from(all[..kinds.min(all.len())].to_vec()));
    check("by_kind", &expected["by_kind"], &first.unwrap_or_default());
    let files = |value: &Value| -> Vec<Value> {
        let files = value["unparsable_files"].as_array().cloned().unwrap_or_default();
        let part = |file: &Value| serde_json::json!([file["path"], file["line"], file["class"], file["problem"]]);
        files.iter().map(part).collect()
    };
    let (expected, mut found) = (files(expected), files(found));
    found.truncate(expected.len());
    check("unparsable_files", &Value::from(expected), &Value::from(found));
}

fn count(bundle: &Path) -> Result<TreeFigures> {
    let folder = tempfile::tempdir()?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(folder.path()).args(arguments);
        command
    };
    let status = Command::new("git").args(["clone", "-q", "--bare"]).arg(bundle).arg(folder.path()).status()?;
    ensure!(status.success(), "git clone failed");
    let tree = git(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"]).output()?;
    ensure!(tree.status.success(), "git ls-tree failed");

    let mut cat = git(&["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut ask = cat.stdin.take().context("stdin")?;
    let mut answer = BufReader::new(cat.stdout.take().context("stdout")?);
    let mut tally = Tally::default();
    for entry in tree.stdout.split(|&byte| byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = std::str::from_utf8(entry)?;
        let (meta, path) = entry.split_once('\t').context("a path")?;
        let words: Vec<&str> = meta.split(' ').collect();
        let [mode, _, id] = words[..] else { anyhow::bail!("odd entry {entry}") };
        if !mode.starts_with("100") || !(path.ends_with(".yaml") || path.ends_with(".yml")) {
            continue;
        }
        writeln!(ask, "{id}")?;
        let mut head = String::new();
        answer.read_line(&mut head)?;
        let size: usize = head.trim().rsplit(' ').next().context("a size")?.parse()?;
        let mut blob = vec![0; size + 1];
        answer.read_exact(&mut blob)?;
        blob.pop();
        let id: ObjectId = id.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        tally.add(path, &read_file(id, &blob, &Limits::default()));
    }
    drop(ask);
    cat.wait()?;
    Ok(tally.finish())
}
