//! Repositories made by the real `git`, and HTTP servers to fetch them from.

pub mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use entity::input::ObjectId;
use git::{Auth, FetchProgress, Fetched, GitError, Limits, RemoteUrl, UrlPolicy};

/// For servers that answer as soon as a busy machine lets them: no limit in time is ever reached but by what hangs.
pub fn limits() -> Limits {
    Limits { total_timeout: Duration::from_mins(2), ..Limits::default() }
}

/// Limits with which a hanging remote costs a test a second.
pub fn hasty() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_millis(700),
        total_timeout: Duration::from_secs(20),
        slow_window: Duration::from_millis(1_200),
        ..Limits::default()
    }
}

/// A folder with a repository that tests write to.
pub struct Work {
    pub dir: tempfile::TempDir,
    pub path: PathBuf,
}

impl Work {
    /// An empty repository with `main` as its branch.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cluster");
        std::fs::create_dir(&path).unwrap();
        let work = Self { dir, path };
        work.git(&["init", "-q", "-b", "main"]);
        work
    }

    /// With one commit of one file.
    pub fn with_commit() -> Self {
        let work = Self::empty();
        work.commit("apps/a.yaml", "a: 1\n", "first");
        work
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments, b"")
    }

    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        git(&self.path, arguments, input)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn commit(&self, path: &str, text: &str, message: &str) -> ObjectId {
        self.write(path, text);
        self.commit_all(message)
    }

    pub fn commit_all(&self, message: &str) -> ObjectId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Makes a tree of `git mktree` lines the next commit on `main`.
    pub fn commit_tree(&self, tree: &str) -> ObjectId {
        let parent = self.git(&["rev-parse", "-q", "--verify", "main^{commit}"]);
        let commit = self.git(&["commit-tree", tree, "-p", &parent, "-m", "made by hand"]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
        commit.parse().unwrap()
    }

    /// Writes a tree object with exactly these entries, however wrong.
    pub fn raw_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut data = Vec::new();
        for (mode, name, id) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(&id.parse::<ObjectId>().unwrap().0);
        }
        self.git_with(&["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &data)
    }

    pub fn blob(&self, text: &str) -> String {
        self.git_with(&["hash-object", "-w", "--stdin"], text.as_bytes())
    }

    pub fn head(&self) -> ObjectId {
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// Where a test's clone goes.
    pub fn clone_dir(&self) -> PathBuf {
        self.dir.path().join("clones/one")
    }
}

/// Runs git without anybody's configuration and with a fixed author.
pub fn git(dir: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let quiet = arguments.contains(&"--verify");
    assert!(output.status.success() || quiet, "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub fn url(text: &str) -> RemoteUrl {
    RemoteUrl::parse(text, UrlPolicy { allow_local: true }).unwrap()
}

pub fn list(address: &str) -> Result<git::ListedRefs, GitError> {
    git::list_refs(&url(address), &Auth::None, &limits(), &AtomicBool::new(false))
}

pub fn list_head(address: &str) -> Result<git::ListedRefs, GitError> {
    git::list_head(&url(address), &Auth::None, &limits(), &AtomicBool::new(false))
}

pub fn fetch(dir: &Path, address: &str) -> Result<Fetched, GitError> {
    fetch_with(dir, address, None, &Auth::None, &limits())
}

pub fn fetch_with(
    dir: &Path,
    address: &str,
    branch: Option<&str>,
    auth: &Auth,
    limits: &Limits,
) -> Result<Fetched, GitError> {
    git::fetch(dir, &url(address), branch, auth, limits, &AtomicBool::new(false), &mut |_: FetchProgress| {})
}

/// Nothing half-made lies beside the clone.
pub fn assert_tidy(dir: &Path) {
    for entry in std::fs::read_dir(dir.parent().unwrap()).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(!name.contains(".tmp-"), "{name} was left behind");
    }
    for entry in std::fs::read_dir(dir.join("objects/pack")).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(name.ends_with(".pack") || name.ends_with(".idx"), "{name} was left behind");
    }
}
