//! Finds out what the heads of git repositories use, in one thread, and prints how long each step takes.
//!
//! `cargo run --release -p kubestats-scan --example uses -- REPOSITORY...` (bare repositories or their working trees)
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use entity::input::ObjectId;
use scan::uses::{Blobs, Change, ChartSources, Evaluator, FileFacts, Uses};
use yaml::Limits;

fn main() -> Result<()> {
    let sources = Arc::new(ChartSources::built_in());
    let mut total = Duration::ZERO;
    for repository in std::env::args().skip(1) {
        let start = Instant::now();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-C", &repository]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
            command
        };
        let list = git(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"]).output()?;
        ensure!(list.status.success(), "{repository} has no head");
        let mut cat = git(&["cat-file", "--batch"]).spawn()?;
        let pipes = (cat.stdin.take().context("stdin")?, BufReader::new(cat.stdout.take().context("stdout")?));
        let blobs = Pipe(RefCell::new(pipes));
        let (mut git_time, mut reading, mut changes) = (Duration::ZERO, Duration::ZERO, Vec::new());
        for entry in String::from_utf8_lossy(&list.stdout).split('\0').filter(|entry| entry.starts_with("100")) {
            let (meta, path) = entry.split_once('\t').context("a path")?;
            let id: ObjectId = meta.rsplit(' ').next().unwrap_or_default().parse()?;
            let facts = if FileFacts::are_of(path) {
                let asked = Instant::now();
                let text = blobs.read(id).context("a blob")?;
                let start = Instant::now();
                git_time += start - asked;
                let facts = Arc::new(FileFacts::read(&text, &Limits::default())).at_path(path);
                reading += start.elapsed();
                Some(facts)
            } else {
                None
            };
            changes.push(Change { path: path.into(), after: Some((id, facts)) });
        }
        let evaluation = Instant::now();
        let mut evaluator = Evaluator::new(Arc::clone(&sources));
        evaluator.apply(changes, &blobs);
        let evaluation = evaluation.elapsed();
        let telling = Instant::now();
        let answer = serde_json::to_string(&Uses::of(&evaluator).answer(String::new()))?;
        println!(
            "{repository}: {:?}: git {git_time:?}, facts {reading:?}, evaluation {evaluation:?}, {} bytes of answer {:?}",
            start.elapsed(),
            answer.len(),
            telling.elapsed()
        );
        total += start.elapsed();
        drop(blobs);
        cat.wait()?;
    }
    println!("{total:?}");
    Ok(())
}

struct Pipe(RefCell<(ChildStdin, BufReader<ChildStdout>)>);

impl Blobs for Pipe {
    fn read(&self, id: ObjectId) -> Option<Vec<u8>> {
        let (ask, answer) = &mut *self.0.borrow_mut();
        writeln!(ask, "{id}").ok()?;
        let mut head = String::new();
        answer.read_line(&mut head).ok()?;
        let mut blob = vec![0; head.split_whitespace().nth(2)?.parse::<usize>().ok()? + 1];
        answer.read_exact(&mut blob).ok()?;
        blob.pop();
        Some(blob)
    }
}
