//! The first-parent line: what a branch's history is, commit by commit, for the people who push to it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::input::ObjectId;

use super::Repo;
use crate::GitError;

/// Longer histories are refused: nobody writes that many commits on one line.
const MAX_COMMITS: usize = 5_000_000;

/// A commit whose place on the line the caller already knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCommit {
    pub id: ObjectId,
    /// Place on the first-parent line, 0 for the first commit.
    pub sequence: i64,
}

/// A commit of the line, with what walking it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainCommit {
    pub id: ObjectId,
    pub sequence: i64,
    /// `None` for the first commit of the history.
    pub parent: Option<ObjectId>,
    pub committed_at: DateTime<Utc>,
    pub(crate) tree: ObjectId,
}

/// The first-parent line, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The commits after the known one; all of them if there is none or it was not met.
    pub commits: Vec<ChainCommit>,
    /// A known commit was given and is not on the line: history was rewritten.
    pub rewritten: bool,
}

impl Repo {
    /// The first-parent line from `head` back to `known` (left out) or to the first commit. With one new commit it reads two.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if a commit cannot be read.
    pub fn first_parent_chain(&self, head: ObjectId, known: Option<KnownCommit>) -> Result<Chain, GitError> {
        let shallow = self.shallow_commits()?;
        let objects = self.objects();
        let mut buffer = Vec::new();
        let mut commits = Vec::new();
        let mut cursor = Some(head);
        let mut found = None;
        while let Some(id) = cursor {
            if let Some(known) = known.filter(|known| known.id == id) {
                found = Some(known);
                break;
            }
            if commits.len() >= MAX_COMMITS {
                return Err(GitError::TooManyObjects { limit: MAX_COMMITS as u64 });
            }
            let parts = objects.commit(id, &mut buffer)?;
            let parent = parts.parents.first().copied().filter(|_| !shallow.contains(&id));
            commits.push(ChainCommit { id, sequence: 0, parent, committed_at: parts.committed_at, tree: parts.tree });
            cursor = parent;
        }
        commits.reverse();
        let first = found.map_or(0, |known| known.sequence + 1);
        for (sequence, commit) in (first..).zip(&mut commits) {
            commit.sequence = sequence;
        }
        Ok(Chain { commits, rewritten: known.is_some() && found.is_none() })
    }

    /// Whether `ancestor` is on the first-parent line of `head`.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if a commit cannot be read.
    pub fn is_first_parent_ancestor(&self, ancestor: ObjectId, head: ObjectId) -> Result<bool, GitError> {
        Ok(!self.first_parent_chain(head, Some(KnownCommit { id: ancestor, sequence: 0 }))?.rewritten)
    }
}

impl Chain {
    /// The newest commit of the line that is in `kept`: where a rewritten history left the one that was scanned.
    #[must_use]
    pub fn newest_in(&self, kept: &HashSet<ObjectId>) -> Option<&ChainCommit> {
        self.commits.iter().rev().find(|commit| kept.contains(&commit.id))
    }
}
