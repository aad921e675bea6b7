//! The branches of a repository, read from git for the forges' lists of them.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::{Error, bare};

/// A branch with what forges tell of its commit.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub name: String,
    pub commit: String,
    pub parents: Vec<String>,
    pub author: Signature,
    pub committer: Signature,
    pub title: String,
    pub message: String,
}

/// Who, and when.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub name: String,
    pub email: String,
    pub at: DateTime<Utc>,
}

/// All branches by name. Git is waited for, which must not hold up other requests.
///
/// # Errors
/// If git fails.
pub(crate) async fn list(git: &Path) -> Result<Vec<Branch>, Error> {
    let git = git.to_owned();
    let listed = tokio::task::spawn_blocking(move || read(&git)).await;
    listed.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
}

fn read(git: &Path) -> Result<Vec<Branch>, Error> {
    // Fields end in one byte and branches in another, neither of which names, addresses and messages have.
    const FIELDS: [&str; 10] = [
        "refname:lstrip=2",
        "objectname",
        "parent",
        "authorname",
        "authoremail:trim",
        "authordate:unix",
        "committername",
        "committeremail:trim",
        "committerdate:unix",
        "contents",
    ];
    let format: String = FIELDS.iter().map(|field| format!("%({field})%1f")).collect::<String>() + "%1e";
    let told =
        bare::git(git, &["for-each-ref", "--sort=refname", &format!("--format={format}"), "refs/heads"], None, &[])?;
    let branches = told.split('\u{1e}').map(|line| parsed(line.trim_start_matches('\n')));
    Ok(branches.filter(|branch| !branch.name.is_empty()).collect())
}

/// A commit, in the place of a branch that is called like it.
///
/// # Errors
/// If git fails.
pub(crate) fn at(git: &Path, commit: &str) -> Result<Branch, Error> {
    const FORMAT: &str = "--format=%H%x1f%H%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%cn%x1f%ce%x1f%ct%x1f%B%x1f";
    Ok(parsed(&bare::git(git, &["log", "-1", FORMAT, commit, "--"], None, &[])?))
}

/// Reads name, commit, parents, who wrote and who committed it, and its message.
fn parsed(line: &str) -> Branch {
    let mut fields = line.split('\u{1f}').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    let (name, commit, parents) = (next(), next(), next());
    let mut signature = || {
        let (name, email, at) = (next(), next(), next());
        let at = at.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default();
        Signature { name, email, at }
    };
    let (author, committer) = (signature(), signature());
    let message = next();
    let title = message.lines().next().unwrap_or_default().to_owned();
    let parents = parents.split_whitespace().map(str::to_owned).collect();
    Branch { name, commit, parents, author, committer, title, message }
}

/// One page of a list, and how many pages there are.
pub(crate) fn page<T>(all: &[T], page: u64, size: u64) -> (&[T], u64) {
    let from = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX).min(all.len());
    let to = from.saturating_add(usize::try_from(size).unwrap_or(usize::MAX)).min(all.len());
    (&all[from..to], (all.len() as u64).div_ceil(size).max(1))
}
