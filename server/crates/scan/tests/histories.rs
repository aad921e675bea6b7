//! Histories of real repositories, with the figures that an independent counter found, and what must hold of rows.
//!
//! The repositories are not part of this one: without them (`KUBESTATS_SHARED`, or `../shared`) the tests say so.
#![expect(clippy::print_stderr, reason = "a skipped check must be seen, and a long one says how long it took")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{TimeZone, Utc};
use entity::input::{ObjectId, ResourceKey};
use entity::kind::ResourceStatus;
use scan::file::{ParsedFile, read_file};
use scan::replay::{CommitInfo, FileChange, HistoryEvents, NoMemory, Options, Replay, Start};
use serde_json::Value;
use yaml::Limits;

/// Takes a batch as often as a scan does.
const BATCH_EVENTS: usize = 2_000;

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

fn check(manifest: &Path, bundles: &Path) -> Result<()> {
    let manifest: Vec<Value> = serde_json::from_slice(&std::fs::read(manifest)?)?;
    ensure!(!manifest.is_empty(), "the manifest names no repository");
    let mut wrong = Vec::new();
    for repository in &manifest {
        let name = repository["full_name"].as_str().context("full_name")?;
        let bundle = bundles.join(repository["bundle"].as_str().context("bundle")?);
        let (figures, applying) = replay(&bundle).with_context(|| name.to_owned())?;
        eprintln!("{name}: {} modified, {} moved, {applying:?} in apply", figures.modified, figures.moved);
        let figures = serde_json::to_value(figures)?;
        let expected = repository["history_events"].as_object().context("history_events")?;
        for (figure, expected) in expected {
            if figures[figure] != *expected {
                wrong.push(format!("{name}: {figure}: expected {expected}, found {}", figures[figure]));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} figures differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn histories_of_real_repositories_have_the_figures_that_were_counted_independently() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    check(&corpus.join("manifest.json"), &corpus)
}

#[test]
fn a_long_history_has_the_figures_that_were_counted_independently() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    check(&corpus.join("history/manifest.json"), &corpus)
}

/// Replays a bundle, compares the rows with the head's documents, and gives figures and the time spent in `apply`.
fn replay(bundle: &Path) -> Result<(HistoryEvents, Duration)> {
    let folder = tempfile::tempdir()?;
    let status = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "clone", "-q", "--bare"])
        .arg(bundle)
        .arg(folder.path())
        .status()?;
    ensure!(status.success(), "git clone failed");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(folder.path()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let log = ["-c", "core.quotePath=false", "log", "--reverse", "--first-parent", "-m", "-r", "--raw", "--no-renames"];
    let log = git(&[&log[..], &["--no-abbrev", "--root", "--format=%H %ct"]].concat()).output()?;
    ensure!(log.status.success(), "git log failed");
    let mut cat = git(&["cat-file", "--batch"]).spawn()?;
    let mut blobs =
        Blobs { ask: cat.stdin.take().context("stdin")?, answer: BufReader::new(cat.stdout.take().context("stdout")?) };

    let mut replay = Replay::new(Start::Fresh, Options { ledger: true, ..Options::default() });
    let mut rows = std::collections::HashMap::new();
    let mut tree: std::collections::BTreeMap<String, ObjectId> = std::collections::BTreeMap::new();
    let mut applying = Duration::ZERO;
    let mut apply = |commit: CommitInfo, changes: Vec<FileChange>, last: bool| -> Result<()> {
        for change in &changes {
            match &change.after {
                Some(file) => drop(tree.insert(change.path.clone(), file.id)),
                None => drop(tree.remove(&change.path)),
            }
        }
        let start = Instant::now();
        replay.apply(&commit, changes, &mut NoMemory).map_err(anyhow::Error::from_boxed)?;
        applying += start.elapsed();
        if last || replay.pending().events >= BATCH_EVENTS {
            let batch = replay.take_batch(&mut NoMemory, &|_| Ok(Vec::new())).map_err(anyhow::Error::from_boxed)?;
            for row in batch.resources {
                let group = row.api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
                let namespace = row.namespace.clone().unwrap_or_default();
                let key = ResourceKey { group, kind: row.kind.clone(), namespace, name: row.name.clone() };
                rows.insert(row.id, (row.status, row.file_path, key, row.file_hash));
            }
        }
        Ok(())
    };
    let mut next: Option<(CommitInfo, Vec<FileChange>)> = None;
    let text = String::from_utf8(log.stdout)?;
    let mut sequence = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(entry) = line.strip_prefix(':') {
            let changes = &mut next.as_mut().context("a change without commit")?.1;
            changes.extend(change(entry, &mut blobs)?);
            continue;
        }
        if let Some((commit, changes)) = next.take() {
            apply(commit, changes, false)?;
        }
        let (id, time) = line.split_once(' ').context("a time")?;
        let committed_at = Utc.timestamp_opt(time.parse()?, 0).single().context("a time that exists")?;
        let (author_name, subject) = (String::new(), String::new());
        next = Some((CommitInfo { id: object(id)?, sequence, committed_at, author_name, subject }, Vec::new()));
        sequence += 1;
    }
    let (commit, changes) = next.context("no commits")?;
    apply(commit, changes, true)?;
    let mut expected = BTreeSet::new();
    for (path, id) in &tree {
        for manifest in &blobs.read(*id)?.manifests {
            expected.insert((manifest.place(path), manifest.key.clone(), manifest.file_hash()));
        }
    }
    let active = rows.into_values().filter(|(status, ..)| *status == ResourceStatus::Active);
    let active: Vec<_> = active.map(|(_, place, key, hash)| (place, key, hash)).collect();
    ensure!(active.len() == expected.len(), "{} active rows for {} documents", active.len(), expected.len());
    ensure!(active.into_iter().collect::<BTreeSet<_>>() == expected, "active rows are not the head's documents");
    drop(blobs);
    cat.wait()?;
    Ok((replay.ledger(), applying))
}

fn change(entry: &str, blobs: &mut Blobs) -> Result<Option<FileChange>> {
    let (meta, path) = entry.split_once('\t').context("a path")?;
    ensure!(!path.starts_with('"'), "a path that git quotes: {path}");
    if !(path.ends_with(".yaml") || path.ends_with(".yml")) {
        return Ok(None);
    }
    let words: Vec<&str> = meta.split(' ').collect();
    let [old_mode, new_mode, old, new, _] = words[..] else { anyhow::bail!("odd entry {entry}") };
    let before = old_mode.starts_with("100").then(|| object(old)).transpose()?;
    let after = if new_mode.starts_with("100") { Some(blobs.read(object(new)?)?) } else { None };
    Ok(Some(FileChange { path: path.to_owned(), before, after }))
}

fn object(id: &str) -> Result<ObjectId> {
    id.parse().map_err(|error| anyhow::anyhow!("{error}"))
}

struct Blobs {
    ask: std::process::ChildStdin,
    answer: BufReader<std::process::ChildStdout>,
}

impl Blobs {
    fn read(&mut self, id: ObjectId) -> Result<Arc<ParsedFile>> {
        writeln!(self.ask, "{id}")?;
        let mut head = String::new();
        self.answer.read_line(&mut head)?;
        let size: usize = head.trim().rsplit(' ').next().context("a size")?.parse()?;
        let mut blob = vec![0; size + 1];
        self.answer.read_exact(&mut blob)?;
        blob.pop();
        Ok(Arc::new(read_file(id, &blob, &Limits::default())))
    }
}
