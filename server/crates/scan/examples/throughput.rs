//! Parses every YAML blob of git repositories, in one thread, and prints MB/s beside PyYAML's CSafeLoader.
//!
//! `cargo run --release -p kubestats-scan --example throughput -- REPOSITORY_OR_BUNDLE...`
//! (CSafeLoader runs only with `KUBESTATS_PYTHON=python3` naming a Python that has PyYAML with libyaml.)
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use entity::input::ObjectId;
use scan::file::read_file;
use scan::mask::{self, Rules};
use yaml::{Limits, parse};

const LOAD_ALL: &str = r"
import sys, time, yaml
data = sys.stdin.buffer
blobs = []
while head := data.readline():
    blobs.append(data.read(int(head)))
t = time.perf_counter()
for blob in blobs:
    try:
        for _ in yaml.load_all(blob, Loader=yaml.CSafeLoader): pass
    except Exception: pass
print(time.perf_counter() - t)
";

fn main() -> Result<()> {
    let mut blobs = Vec::new();
    for argument in std::env::args().skip(1) {
        read_blobs(&argument, &mut blobs).with_context(|| argument.clone())?;
    }
    ensure!(!blobs.is_empty(), "name at least one git repository or bundle");
    let bytes: usize = blobs.iter().map(Vec::len).sum();
    println!("{} blobs, {:.1} MB", blobs.len(), bytes as f64 / 1e6);

    let limits = Limits::default();
    let (mut documents, mut broken) = (0_usize, 0_usize);
    let rounds = 3;
    let mut best = f64::MAX;
    for _ in 0..rounds {
        (documents, broken) = (0, 0);
        let start = Instant::now();
        for blob in &blobs {
            match parse(blob, &limits) {
                Ok(found) => documents += found.len(),
                Err(_) => broken += 1,
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("parse: {best:.3} s, {:.1} MB/s, {documents} documents, {broken} broken files", bytes as f64 / 1e6 / best);

    let mut digested = f64::MAX;
    let mut mixed = 0;
    for _ in 0..rounds {
        let start = Instant::now();
        for blob in &blobs {
            for document in parse(blob, &limits).unwrap_or_default() {
                mixed ^= document.root().digest();
            }
        }
        digested = digested.min(start.elapsed().as_secs_f64());
    }
    println!("parse and digest: {digested:.3} s, {:.1} MB/s ({mixed:032x})", bytes as f64 / 1e6 / digested);

    let rules = Rules::default();
    let (mut looked, mut found) = (f64::MAX, 0);
    let mut read = f64::MAX;
    for _ in 0..rounds {
        let mut seconds = 0.0;
        found = 0;
        for blob in &blobs {
            let documents = parse(blob, &limits).unwrap_or_default();
            let start = Instant::now();
            found += usize::from(!mask::hidden(&documents, &rules).is_empty());
            seconds += start.elapsed().as_secs_f64();
        }
        looked = looked.min(seconds);
        let start = Instant::now();
        for blob in &blobs {
            mixed ^= read_file(ObjectId([0; 20]), blob, &limits).manifests.len() as u128;
        }
        read = read.min(start.elapsed().as_secs_f64());
    }
    println!(
        "read: {read:.3} s, {:.1} MB/s; looking for secrets: {looked:.3} s, {:.1} % of the rest, in {found} files ({mixed:x})",
        bytes as f64 / 1e6 / read,
        100.0 * looked / (read - looked)
    );

    if let Ok(python) = std::env::var("KUBESTATS_PYTHON") {
        let seconds = csafeloader(&python, &blobs)?;
        println!(
            "CSafeLoader: {seconds:.3} s, {:.1} MB/s; parse is {:.1} times as fast",
            bytes as f64 / 1e6 / seconds,
            seconds / best
        );
    }
    Ok(())
}

fn csafeloader(python: &str, blobs: &[Vec<u8>]) -> Result<f64> {
    let mut child = Command::new(python).args(["-c", LOAD_ALL]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("stdin")?;
    for blob in blobs {
        writeln!(stdin, "{}", blob.len())?;
        stdin.write_all(blob)?;
    }
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{python} failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Every blob that stood at a path ending in `.yaml` or `.yml` in any commit.
fn read_blobs(repository: &str, blobs: &mut Vec<Vec<u8>>) -> Result<()> {
    let cloned;
    let mut directory = repository.to_owned();
    if repository.ends_with(".bundle") {
        cloned = std::env::temp_dir().join(format!("throughput-{}-{}", std::process::id(), blobs.len()));
        let status = Command::new("git").args(["clone", "-q", "--bare", repository]).arg(&cloned).status()?;
        ensure!(status.success(), "git clone failed");
        directory = cloned.to_string_lossy().into_owned();
    }
    let list = Command::new("git").args(["--git-dir", &directory, "rev-list", "--objects", "HEAD"]).output()?;
    ensure!(list.status.success(), "git rev-list failed");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let names: HashSet<&str> = list
        .lines()
        .filter(|line| line.ends_with(".yaml") || line.ends_with(".yml"))
        .filter_map(|line| line.split_once(' ').map(|(name, _)| name))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let mut cat = Command::new("git")
        .args(["--git-dir", &directory, "cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ask = cat.stdin.take().context("stdin")?;
    let mut answer = BufReader::new(cat.stdout.take().context("stdout")?);
    for name in names {
        writeln!(ask, "{name}")?;
        let mut head = String::new();
        answer.read_line(&mut head)?;
        let mut words = head.split_whitespace().skip(1);
        let (kind, size) = (words.next(), words.next().unwrap_or_default().parse::<usize>()?);
        let mut blob = vec![0; size + 1];
        answer.read_exact(&mut blob)?;
        blob.pop();
        if kind == Some("blob") {
            blobs.push(blob);
        }
    }
    drop(ask);
    cat.wait()?;
    if repository.ends_with(".bundle") {
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}
