//! Repositories of the corpus, read through git itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use entity::input::ObjectId;
use scan::uses::{Blobs, Change, FileFacts};
use tempfile::TempDir;
use yaml::Limits;

/// Where the corpus is; `None`, said aloud, where it is not.
pub fn corpus() -> Option<PathBuf> {
    let shared = match std::env::var_os("KUBESTATS_SHARED") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"),
    };
    let corpus = shared.join("corpus");
    if corpus.join("uses.json").is_file() {
        return Some(corpus);
    }
    eprintln!("SKIPPED: no corpus at {}; name its parent folder in KUBESTATS_SHARED", corpus.display());
    None
}

/// A bundle, cloned.
pub struct Repository {
    folder: TempDir,
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    facts: RefCell<HashMap<ObjectId, Arc<FileFacts>>>,
}

impl Repository {
    pub fn open(bundle: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clone = ["-c", "init.defaultBranch=main", "clone", "-q", "--bare"];
        let status = Command::new("git").args(clone).arg(bundle).arg(folder.path()).status()?;
        ensure!(status.success(), "git clone failed");
        let mut child = git(folder.path(), &["cat-file", "--batch"]).spawn()?;
        let (stdin, stdout) = (child.stdin.take().context("stdin")?, child.stdout.take().context("stdout")?);
        let pipes = RefCell::new((stdin, BufReader::new(stdout)));
        Ok(Self { folder, child, pipes, facts: RefCell::default() })
    }

    /// First-parent commits up to the head, oldest first.
    pub fn commits(&self) -> Result<Vec<String>> {
        let text = self.ask(&["rev-list", "--first-parent", "--reverse", "HEAD"])?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The head's files, as changes of an empty tree.
    pub fn head(&self) -> Result<(String, Vec<Change>)> {
        let commit = self.ask(&["rev-parse", "HEAD"])?.trim().to_owned();
        let changes = self.files(&commit)?;
        Ok((commit, changes))
    }

    /// A commit's files, as changes of an empty tree.
    pub fn files(&self, commit: &str) -> Result<Vec<Change>> {
        let list = self.ask(&["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let entries = list.split('\0').filter(|entry| !entry.is_empty());
        entries.filter_map(|entry| self.file(entry).transpose()).collect()
    }

    fn file(&self, entry: &str) -> Result<Option<Change>> {
        let (meta, path) = entry.split_once('\t').context("a path")?;
        let words: Vec<&str> = meta.split(' ').collect();
        let [mode, _, id] = words[..] else { anyhow::bail!("odd entry {entry}") };
        let after = mode.starts_with("100").then(|| self.after(path, id)).transpose()?;
        Ok(after.map(|after| Change { path: path.into(), after: Some(after) }))
    }

    /// What a commit changes of its first parent.
    pub fn changes(&self, commit: &str) -> Result<Vec<Change>> {
        let diff =
            ["diff-tree", "-r", "-z", "-m", "--first-parent", "--root", "--no-commit-id", "--no-renames", commit];
        let text = self.ask(&diff)?;
        let mut fields = text.split('\0').filter(|field| !field.is_empty());
        let mut changes = Vec::new();
        while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
            let words: Vec<&str> = meta.split(' ').collect();
            let [_, mode, _, id, _] = words[..] else { anyhow::bail!("odd entry {meta}") };
            let after = mode.starts_with("100").then(|| self.after(path, id)).transpose()?;
            changes.push(Change { path: path.into(), after });
        }
        Ok(changes)
    }

    fn after(&self, path: &str, id: &str) -> Result<(ObjectId, Option<Arc<FileFacts>>)> {
        let id = object(id)?;
        if !FileFacts::are_of(path) {
            return Ok((id, None));
        }
        let known = self.facts.borrow().get(&id).cloned();
        let facts = match known {
            Some(facts) => facts,
            None => {
                let facts = Arc::new(FileFacts::read(&self.blob(id)?, &Limits::default()));
                self.facts.borrow_mut().insert(id, Arc::clone(&facts));
                facts
            }
        };
        Ok((id, Some(facts.at_path(path))))
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        let (ask, answer) = &mut *self.pipes.borrow_mut();
        writeln!(ask, "{id}")?;
        let mut head = String::new();
        answer.read_line(&mut head)?;
        let size: usize = head.split_whitespace().nth(2).context("a size")?.parse()?;
        let mut blob = vec![0; size + 1];
        answer.read_exact(&mut blob)?;
        blob.pop();
        Ok(blob)
    }

    fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = git(self.folder.path(), arguments).output()?;
        ensure!(output.status.success(), "git {} failed", arguments[0]);
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // It ends by itself once nobody asks any more, unless it hangs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Blobs for Repository {
    fn read(&self, id: ObjectId) -> Option<Vec<u8>> {
        self.blob(id).ok()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn object(hex: &str) -> Result<ObjectId> {
    let mut bytes = [0; 20];
    ensure!(hex.len() == 40, "{hex} is no object");
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16)?;
    }
    Ok(ObjectId(bytes))
}
