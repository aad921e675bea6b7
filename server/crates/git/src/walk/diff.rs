//! Comparing two trees for changed YAML files. Own code instead of gix's tree diff: it reads raw bytes, reads a folder only
//! where both sides differ, and allocates for changed files alone.

use std::cmp::Ordering;

use entity::input::ObjectId;

use super::trees::{Trees, compare};
use super::{Change, WalkOptions};
use crate::GitError;
use crate::repo::{
    Entry, EntryKind, ODD_PATHS, OddPath, OddReason, PATH_BYTES, PathIssue, TREE_DEPTH, entries, is_read, join,
};

/// Bytes of changed paths that one commit may bring.
const CHANGED_PATH_BYTES: usize = 256 << 20;

/// What one comparison found.
#[derive(Default)]
pub(super) struct Found {
    pub changes: Vec<Change>,
    pub odd_paths: Vec<OddPath>,
}

/// Compares the trees of one commit.
pub(super) struct Differ<'t, 'o> {
    trees: &'t mut Trees<'o>,
    commit: ObjectId,
    found: Found,
    path: Vec<u8>,
    /// Entries that may still be visited, and the number at the start.
    left: u64,
    limit: u64,
    path_bytes: usize,
    all_files: bool,
}

impl<'t, 'o> Differ<'t, 'o> {
    pub(super) fn new(trees: &'t mut Trees<'o>, commit: ObjectId, options: &WalkOptions<'_>) -> Self {
        let (limit, all_files) = (options.entries, options.all_files);
        Self { trees, commit, found: Found::default(), path: Vec::new(), left: limit, limit, path_bytes: 0, all_files }
    }

    pub(super) fn run(mut self, before: Option<ObjectId>, after: ObjectId) -> Result<Found, GitError> {
        self.tree(before, Some(after), 0, None)?;
        Ok(self.found)
    }

    fn tree(
        &mut self,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
        depth: usize,
        issue: PathIssue,
    ) -> Result<(), GitError> {
        if before == after {
            return Ok(());
        }
        let before = before.map(|id| self.trees.get(id)).transpose()?;
        let after = after.map(|id| self.trees.get(id)).transpose()?;
        // Both were checked when they were read: what is broken has become an error there.
        let mut old = entries(before.as_deref().unwrap_or_default()).flatten().peekable();
        let mut new = entries(after.as_deref().unwrap_or_default()).flatten().peekable();
        loop {
            let order = match (old.peek(), new.peek()) {
                (Some(old), Some(new)) => compare(old, new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(()),
            };
            self.left =
                self.left.checked_sub(1).ok_or(GitError::TooManyFiles { commit: self.commit, limit: self.limit })?;
            match order {
                Ordering::Less => self.entry(old.next(), None, depth, issue)?,
                Ordering::Greater => self.entry(None, new.next(), depth, issue)?,
                Ordering::Equal => {
                    let (old, new) = (old.next(), new.next());
                    if old != new {
                        self.entry(old, new, depth, issue)?;
                    }
                }
            }
        }
    }

    /// Two entries of the same name, or one that has no counterpart.
    fn entry(
        &mut self,
        old: Option<Entry<'_>>,
        new: Option<Entry<'_>>,
        depth: usize,
        issue: PathIssue,
    ) -> Result<(), GitError> {
        let Some(Entry { kind, name, .. }) = old.or(new) else { return Ok(()) };
        // Names sort folders and files apart, so both sides are folders or none is.
        let is_tree = kind == EntryKind::Tree;
        if !is_tree && !self.all_files && !is_read(name) {
            return Ok(());
        }
        let is_told = is_tree || is_read(name);
        let length = self.path.len();
        let issue = join(&mut self.path, name, issue);
        let result = if is_tree {
            if depth >= TREE_DEPTH || self.path.len() > 2 * PATH_BYTES {
                self.odd(issue.unwrap_or(OddReason::TooLong));
                Ok(())
            } else {
                self.tree(old.map(|entry| entry.id), new.map(|entry| entry.id), depth + 1, issue)
            }
        } else {
            self.file(old, new, issue, is_told)
        };
        self.path.truncate(length);
        result
    }

    /// `told`: whether a path that is not read is told of.
    fn file(
        &mut self,
        old: Option<Entry<'_>>,
        new: Option<Entry<'_>>,
        issue: PathIssue,
        told: bool,
    ) -> Result<(), GitError> {
        let regular = |entry: Option<Entry<'_>>| entry.filter(|entry| entry.kind.is_regular()).map(|entry| entry.id);
        let (before, after) = (regular(old), regular(new));
        if before == after {
            return Ok(());
        }
        match (issue, std::str::from_utf8(&self.path)) {
            (None, Ok(path)) => {
                self.path_bytes += path.len();
                if self.path_bytes > CHANGED_PATH_BYTES {
                    return Err(GitError::TooManyFiles { commit: self.commit, limit: self.limit });
                }
                self.found.changes.push(Change { path: path.to_owned(), before, after });
            }
            (Some(reason), _) if told && after.is_some() => self.odd(reason),
            (None, Err(_)) if told && after.is_some() => self.odd(OddReason::NotUtf8),
            _ => {}
        }
        Ok(())
    }

    fn odd(&mut self, reason: OddReason) {
        if self.found.odd_paths.len() < ODD_PATHS {
            self.found.odd_paths.push(OddPath::new(&self.path, reason));
        }
    }
}
