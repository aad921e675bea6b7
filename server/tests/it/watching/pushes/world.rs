//! Repositories that are pushed to, and processes that watch them.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use standin::Port;

use super::{BRANCHES, KEY, LOOSE, Sizes};
use crate::jobs::processes::stop;

const NOWHERE: &str = "0000000000000000000000000000000000000000";
/// What every second commit brings.
const PIPELINE: &str = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: build\nspec:\n  tasks: []\n";

/// Whether the commit at this place of the line brings something for Tekton.
pub(super) const fn brings_pipeline(place: usize) -> bool {
    place % 2 == 1
}

/// Bare repositories whose commits are there before any branch moves to them.
pub(super) struct Remotes {
    folder: tempfile::TempDir,
    /// Commits of each, the first one first.
    pub(super) commits: Vec<Vec<String>>,
}

fn git(folder: &std::path::Path, args: &[&str], input: Option<&[u8]>) -> String {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Remotes {
    pub(super) fn new(repositories: usize, length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut commits = Vec::new();
        for number in 0..repositories {
            let path = folder.path().join(number.to_string());
            std::fs::create_dir(&path).unwrap();
            git(&path, &["init", "--quiet", "--bare", "--initial-branch=main"], None);
            let mut stream = String::new();
            for commit in 0..length {
                let text = format!("a: {number}-{commit}\n");
                stream.push_str(&format!(
                    "commit refs/heads/line\nmark :{}\ncommitter Ada <ada@example.org> {} +0000\ndata 1\nx\n",
                    commit + 1,
                    1_700_000_000 + commit
                ));
                stream.push_str(&format!("M 100644 inline app.yaml\ndata {}\n{text}\n", text.len()));
                if brings_pipeline(commit) {
                    let file = format!("M 100644 inline .tekton/build.yaml\ndata {}\n{PIPELINE}\n", PIPELINE.len());
                    stream.push_str(&file);
                } else if commit.checked_sub(1).is_some_and(brings_pipeline) {
                    stream.push_str("D .tekton/build.yaml\n");
                }
            }
            git(&path, &["fast-import", "--quiet"], Some(stream.as_bytes()));
            let line = git(&path, &["rev-list", "--reverse", "line"], None);
            let line: Vec<String> = line.lines().map(str::to_owned).collect();
            for branch in &BRANCHES[..LOOSE] {
                git(&path, &["update-ref", &format!("refs/heads/{branch}"), &line[0]], None);
            }
            // What no branch has can't be fetched from everywhere; from here it can.
            git(&path, &["update-ref", "refs/keep/line", "refs/heads/line"], None);
            git(&path, &["update-ref", "-d", "refs/heads/line"], None);
            git(&path, &["config", "uploadpack.allowAnySHA1InWant", "true"], None);
            commits.push(line);
        }
        Self { folder, commits }
    }

    /// Moves a branch to a commit of the line, or takes it away; commits that are named never come back to it.
    pub(super) fn push(&self, repository: usize, branch: usize, new: Option<usize>) {
        let path = self.folder.path().join(repository.to_string());
        let name = format!("refs/heads/{}", BRANCHES[branch]);
        match new {
            Some(new) => git(&path, &["update-ref", &name, &self.commits[repository][new]], None),
            None => git(&path, &["update-ref", "-d", &name], None),
        };
    }

    /// Where a branch stands.
    pub(super) fn head(&self, repository: usize, branch: usize) -> Option<String> {
        let path = self.folder.path().join(repository.to_string());
        let name = format!("refs/heads/{}", BRANCHES[branch]);
        let head = git(&path, &["for-each-ref", "--format=%(objectname)", &name], None);
        (!head.is_empty()).then(|| head.trim().to_owned())
    }

    /// What a webhook tells of a push.
    pub(super) fn told(
        &self,
        repository: usize,
        branch: usize,
        old: Option<usize>,
        new: Option<usize>,
    ) -> serde_json::Value {
        let line = &self.commits[repository];
        let commit = |at: Option<usize>| at.map_or(NOWHERE, |at| line[at].as_str());
        json!({
            "ref": format!("refs/heads/{}", BRANCHES[branch]), "before": commit(old), "after": commit(new),
            "created": old.is_none(), "deleted": new.is_none(), "forced": old > new && new.is_some(),
        })
    }
}

/// A process with a data directory of its own.
pub(super) struct Process {
    pub(super) folder: tempfile::TempDir,
    pub(super) database: Option<String>,
    pub(super) port: Port,
    child: Option<Child>,
}

impl Process {
    pub(super) fn new(remotes: &Remotes, database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::take().unwrap();
        let mut text = format!(
            "app:\n  data_dir: {}\n  listen: 127.0.0.1:{}\n  log_level: warn\nsecurity:\n  \
             allow_local_repositories: true\n  require_https: false\n  allowed_networks: [127.0.0.0/8]\npolling:\n  \
             max_workers: 3\nrepositories:\n",
            folder.path().join("data").display(),
            port.number
        );
        for number in 0..remotes.commits.len() {
            let path = remotes.folder.path().join(number.to_string());
            text.push_str(&format!("  - url: {}\n    name: ada/r{number}\n    branch_regex: .*\n", path.display()));
        }
        std::fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
        Self { folder, database: database.map(str::to_owned), port, child: None }
    }

    pub(super) fn url(&self) -> String {
        let file = self.folder.path().join("data/kubestats.db");
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()))
    }

    pub(super) fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_kubestats"))
            .args(["serve", "--config"])
            .arg(self.folder.path().join("kubestats.yaml"))
            .env("DATABASE_URL", self.url())
            .env("KUBESTATS_SECRET_KEY", KEY)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            stop(&mut child);
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) async fn until(what: &str, processes: &[Process], is: impl AsyncFn() -> bool) {
    let (began, patience) = (Instant::now(), Sizes::patience());
    while !is().await {
        if began.elapsed() > patience {
            let logs: Vec<String> = processes.iter().map(Process::log).collect();
            panic!("not within {patience:?}: {what}\n{}", logs.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
