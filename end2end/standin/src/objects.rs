//! Commits, trees and blobs of a repository, read from git for the forges' answers.

use std::path::{Path, PathBuf};

use crate::branches::{self, Branch};
use crate::{Error, bare};

/// An entry of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// From the root of what was listed.
    pub path: String,
    /// Six octal digits.
    pub mode: String,
    /// `blob`, `tree` or `commit`.
    pub kind: String,
    pub id: String,
    /// Of blobs alone.
    pub size: Option<u64>,
}

/// A tree and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub id: String,
    pub entries: Vec<Entry>,
}

/// Whether it is an object's whole name: nothing else is handed to git.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What git says of an object, unless it knows none of that name. Git is waited for, which must not hold up other requests.
pub(crate) async fn asked<T: Send + 'static>(
    git: &Path,
    id: &str,
    ask: impl FnOnce(PathBuf, String) -> Result<T, Error> + Send + 'static,
) -> Result<Option<T>, Error> {
    if !is_id(id) {
        return Ok(None);
    }
    let (git, id) = (git.to_owned(), id.to_owned());
    match tokio::task::spawn_blocking(move || ask(git, id)).await {
        Ok(Ok(told)) => Ok(Some(told)),
        Ok(Err(Error::Git { .. })) => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}

/// The tree of this name, or that of the commit of this name: all of it, or the entries right in it.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn tree(git: &Path, id: &str, recursive: bool) -> Result<Option<Tree>, Error> {
    asked(git, id, move |git, id| {
        let id = bare::git(&git, &["rev-parse", "--verify", "--quiet", &format!("{id}^{{tree}}")], None, &[])?;
        let entries = list(&git, &id, None, recursive)?;
        Ok(Tree { id, entries })
    })
    .await
}

/// What is below a folder of a commit, by paths from the root.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn below(
    git: &Path,
    commit: &str,
    folder: &str,
    recursive: bool,
) -> Result<Option<Vec<Entry>>, Error> {
    let folder = folder.trim_matches('/').to_owned();
    asked(git, commit, move |git, commit| {
        let inside = (!folder.is_empty()).then(|| format!("{folder}/"));
        let mut entries = list(&git, &commit, inside.as_deref(), recursive)?;
        entries.retain(|entry| inside.as_deref().is_none_or(|inside| entry.path.starts_with(inside)));
        Ok(entries)
    })
    .await
}

fn list(git: &Path, tree: &str, inside: Option<&str>, recursive: bool) -> Result<Vec<Entry>, Error> {
    let mut arguments = vec!["ls-tree", "-z", "-l"];
    if recursive {
        arguments.extend(["-r", "-t"]);
    }
    arguments.extend([tree, "--"]);
    arguments.extend(inside);
    let told = bare::git(git, &arguments, None, &[])?;
    let entries = told.split('\0').filter_map(|line| {
        let (about, path) = line.split_once('\t')?;
        let mut words = about.split_whitespace().map(str::to_owned);
        let (mode, kind, id) = (words.next()?, words.next()?, words.next()?);
        let size = words.next().and_then(|size| size.parse().ok());
        Some(Entry { path: path.to_owned(), mode, kind, id, size })
    });
    Ok(entries.collect())
}

/// What is in a blob.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn blob(git: &Path, id: &str) -> Result<Option<Vec<u8>>, Error> {
    asked(git, id, |git, id| bare::git_bytes(&git, &["cat-file", "blob", &id], None, &[])).await
}

/// A commit, told as forges tell of the one that a branch stands at, and its tree.
///
/// # Errors
/// If git cannot be asked.
pub(crate) async fn commit(git: &Path, id: &str) -> Result<Option<(Branch, String)>, Error> {
    asked(git, id, |git, id| {
        let tree =
            bare::git(&git, &["rev-parse", "--verify", "--quiet", &format!("{id}^{{commit}}^{{tree}}")], None, &[])?;
        Ok((branches::at(&git, &id)?, tree))
    })
    .await
}
