//! Bare repositories on disk, made and changed by the git program, as a forge's own are.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};

use crate::Error;

/// Runs git in a bare repository with nothing of the user's configuration; gives what it printed, as text.
pub(crate) fn git(
    path: &Path,
    arguments: &[&str],
    stdin: Option<&str>,
    environment: &[(&str, &str)],
) -> Result<String, Error> {
    let printed = git_bytes(path, arguments, stdin, environment)?;
    Ok(String::from_utf8_lossy(&printed).trim().to_owned())
}

/// The same to the byte.
pub(crate) fn git_bytes(
    path: &Path,
    arguments: &[&str],
    stdin: Option<&str>,
    environment: &[(&str, &str)],
) -> Result<Vec<u8>, Error> {
    let failed = |detail: String| Error::Git { command: arguments.join(" "), path: path.to_owned(), detail };
    let mut child = Command::new("git")
        .args(["-c", "safe.directory=*", "-c", "init.defaultBranch=main", "-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(path)
        .env("GIT_DIR", ".")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .envs([("GIT_AUTHOR_NAME", "Stand-in"), ("GIT_AUTHOR_EMAIL", "standin@example.org")])
        .envs([("GIT_COMMITTER_NAME", "Stand-in"), ("GIT_COMMITTER_EMAIL", "standin@example.org")])
        .envs(environment.iter().copied())
        .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("git cannot be started: {error}")))?;
    if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
        pipe.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(output.stdout)
}

/// What a commit puts at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// A file with this text.
    File(&'a str),
    /// A link to this path.
    Link(&'a str),
    /// Another repository at this commit, which is nobody's to give out.
    Submodule(&'a str),
    /// Nothing: what is there is deleted.
    Gone,
}

/// A new bare repository whose history is the given commits, a day between each, the last one now.
///
/// # Errors
/// If the place cannot be written or git fails.
pub fn create(path: &Path, commits: &[&[(&str, Option<&str>)]]) -> Result<(), Error> {
    std::fs::create_dir_all(path)?;
    git(path, &["init", "--quiet", "--bare", "."], None, &[])?;
    let now = Utc::now();
    for (place, files) in commits.iter().enumerate() {
        let days = i64::try_from(commits.len() - 1 - place).unwrap_or_default();
        commit(path, "main", files, &format!("Commit {}", place + 1), now - chrono::Duration::days(days))?;
    }
    Ok(())
}

/// Commits files (`None` deletes one) onto a branch, which is made if there is none; gives the commit.
///
/// # Errors
/// If git fails.
pub fn commit(
    path: &Path,
    branch: &str,
    files: &[(&str, Option<&str>)],
    message: &str,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let contents = files.iter().map(|(file, text)| (*file, text.map_or(Content::Gone, Content::File)));
    put(path, branch, &contents.collect::<Vec<_>>(), message, at)
}

/// The same for whatever a tree may hold.
///
/// # Errors
/// If git fails.
pub fn put<'a>(
    path: &Path,
    branch: &str,
    contents: &[(&str, Content<'a>)],
    message: &str,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let reference = format!("refs/heads/{branch}");
    let parent = git(path, &["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")], None, &[]).ok();
    let index = tempfile::Builder::new().prefix("index-").tempdir_in(path)?;
    let index_file = index.path().join("index").display().to_string();
    let index = [("GIT_INDEX_FILE", index_file.as_str())];
    if let Some(parent) = &parent {
        git(path, &["read-tree", parent], None, &index)?;
    }
    // One line for each file; mode 0 takes it away. Nothing else works without a work tree.
    let mut lines = String::new();
    let mut blobs: HashMap<&'a str, String> = HashMap::new();
    let mut blob = |text: &'a str| -> Result<String, Error> {
        if let Some(known) = blobs.get(text) {
            return Ok(known.clone());
        }
        let id = git(path, &["hash-object", "-w", "--stdin"], Some(text), &[])?;
        blobs.insert(text, id.clone());
        Ok(id)
    };
    for &(file, content) in contents {
        let (mode, id) = match content {
            Content::File(text) => ("100644", blob(text)?),
            Content::Link(target) => ("120000", blob(target)?),
            Content::Submodule(commit) => ("160000", commit.to_owned()),
            Content::Gone => ("0", "0".repeat(40)),
        };
        lines.push_str(&format!("{mode} {id}\t{file}\n"));
    }
    git(path, &["update-index", "--index-info"], Some(&lines), &index)?;
    let tree = git(path, &["write-tree"], None, &index)?;
    let date = at.to_rfc3339();
    let dates = [("GIT_AUTHOR_DATE", date.as_str()), ("GIT_COMMITTER_DATE", date.as_str())];
    let mut arguments = vec!["commit-tree", &tree, "-m", message];
    if let Some(parent) = &parent {
        arguments.extend(["-p", parent]);
    }
    let commit = git(path, &arguments, None, &dates)?;
    git(path, &["update-ref", &reference, &commit], None, &[])?;
    Ok(commit)
}

/// Replaces a branch's last commit by another of the same content and another message.
///
/// # Errors
/// If the branch has no commit or git fails.
pub fn rewrite(path: &Path, branch: &str) -> Result<String, Error> {
    let reference = format!("refs/heads/{branch}");
    let told = git(path, &["log", "-1", "--format=%T %P", &reference], None, &[])?;
    let mut words = told.split_whitespace();
    let mut arguments = vec!["commit-tree", words.next().unwrap_or_default(), "-m", "Written anew"];
    for parent in words {
        arguments.extend(["-p", parent]);
    }
    let commit = git(path, &arguments, None, &[])?;
    git(path, &["update-ref", &reference, &commit], None, &[])?;
    Ok(commit)
}

/// Makes branches where another stands, all in one go; those that are there are moved.
///
/// # Errors
/// If the other has no commit or git fails.
pub fn make_branches(path: &Path, names: &[&str], at: &str) -> Result<String, Error> {
    let commit = git(path, &["rev-parse", "--verify", &format!("refs/heads/{at}^{{commit}}")], None, &[])?;
    let lines: String = names.iter().map(|name| format!("update refs/heads/{name} {commit}\n")).collect();
    git(path, &["update-ref", "--stdin"], Some(&lines), &[])?;
    Ok(commit)
}

/// Deletes a branch.
///
/// # Errors
/// If git fails.
pub fn delete_branch(path: &Path, name: &str) -> Result<(), Error> {
    git(path, &["update-ref", "-d", &format!("refs/heads/{name}")], None, &[]).map(drop)
}

/// Deletes every reference.
///
/// # Errors
/// If git fails.
pub fn empty(path: &Path) -> Result<(), Error> {
    let references = git(path, &["for-each-ref", "--format=delete %(refname)"], None, &[])?;
    git(path, &["update-ref", "--stdin"], Some(&format!("{references}\n")), &[]).map(drop)
}

/// A copy of a bare repository; objects, which never change, are linked where the file system can.
///
/// # Errors
/// If a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else if !source.components().any(|part| part.as_os_str() == "objects")
            || std::fs::hard_link(&source, &target).is_err()
        {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
