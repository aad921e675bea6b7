//! Which paths differ between two commits: whatever Git would name, links, submodules and modes of files included.

use std::cmp::Ordering;

use entity::input::ObjectId;

use super::trees::{Trees, compare};
use crate::GitError;
use crate::repo::{Entry, EntryKind, PATH_BYTES, Repo, TREE_DEPTH, entries};

/// Tree entries that are looked at: a tree may unfold to more than anybody writes.
const MAX_ENTRIES: u64 = 1_000_000;

/// The paths in which two commits differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedPaths {
    /// In Git's order. Bytes that are no text are replaced.
    pub paths: Vec<String>,
    /// None was left out.
    pub is_complete: bool,
}

impl Repo {
    /// The paths in which `new` differs from `old`, at most `limit` of them. Without an old commit, as of a new branch, those
    /// in which it differs from its first parent; all of its files where it has none.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if a commit or tree cannot be read.
    pub fn changed_paths(&self, old: Option<ObjectId>, new: ObjectId, limit: usize) -> Result<ChangedPaths, GitError> {
        let objects = self.objects();
        let mut buffer = Vec::new();
        let commit = objects.commit(new, &mut buffer)?;
        let (after, parent) = (commit.tree, commit.parents.first().copied());
        let before = match old.or(parent) {
            Some(id) => Some(objects.commit(id, &mut buffer)?.tree),
            None => None,
        };
        let mut comparison = Comparison {
            trees: Trees::new(&objects),
            found: ChangedPaths { paths: Vec::new(), is_complete: true },
            path: Vec::new(),
            entries_left: MAX_ENTRIES,
            limit,
        };
        comparison.tree(before, Some(after), 0)?;
        Ok(comparison.found)
    }
}

struct Comparison<'o> {
    trees: Trees<'o>,
    found: ChangedPaths,
    path: Vec<u8>,
    entries_left: u64,
    limit: usize,
}

impl Comparison<'_> {
    /// Compares two folders until a bound is met.
    fn tree(&mut self, before: Option<ObjectId>, after: Option<ObjectId>, depth: usize) -> Result<(), GitError> {
        if before == after {
            return Ok(());
        }
        let before = before.map(|id| self.trees.get(id)).transpose()?;
        let after = after.map(|id| self.trees.get(id)).transpose()?;
        // Both were checked when they were read.
        let mut old = entries(before.as_deref().unwrap_or_default()).flatten().peekable();
        let mut new = entries(after.as_deref().unwrap_or_default()).flatten().peekable();
        while self.found.is_complete || self.found.paths.len() < self.limit {
            let order = match (old.peek(), new.peek()) {
                (Some(old), Some(new)) => compare(old, new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(()),
            };
            let Some(left) = self.entries_left.checked_sub(1) else {
                self.found.is_complete = false;
                return Ok(());
            };
            self.entries_left = left;
            let (old, new) = match order {
                Ordering::Less => (old.next(), None),
                Ordering::Greater => (None, new.next()),
                Ordering::Equal => (old.next(), new.next()),
            };
            if old != new {
                self.entry(old, new, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, old: Option<Entry<'_>>, new: Option<Entry<'_>>, depth: usize) -> Result<(), GitError> {
        // Names sort folders and files apart, so both sides are folders or none is.
        let Some(Entry { kind, name, .. }) = old.or(new) else { return Ok(()) };
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        let is_tree = kind == EntryKind::Tree;
        let result = if self.path.len() > PATH_BYTES || is_tree && depth >= TREE_DEPTH {
            self.found.is_complete = false;
            Ok(())
        } else if is_tree {
            self.tree(old.map(|entry| entry.id), new.map(|entry| entry.id), depth + 1)
        } else {
            if self.found.paths.len() < self.limit {
                self.found.paths.push(String::from_utf8_lossy(&self.path).into_owned());
            } else {
                self.found.is_complete = false;
            }
            Ok(())
        };
        self.path.truncate(length);
        result
    }
}
