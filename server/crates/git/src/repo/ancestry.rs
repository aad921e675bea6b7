//! Whether a branch moved forward or was rewritten: is the commit that it stood at still behind the one that it stands at?

use std::collections::{BinaryHeap, HashMap};

use chrono::{DateTime, Utc};
use entity::input::ObjectId;

use super::{Objects, Repo};
use crate::GitError;

/// Commits that are looked at before the question is given up: a few seconds of reading at most.
const MAX_COMMITS: usize = 100_000;

/// From which of the two commits another was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sides {
    new: bool,
    old: bool,
}

impl Sides {
    /// Only what is not itself behind the old commit may still lead to it.
    fn is_open(self) -> bool {
        self.new && !self.old
    }
}

struct Node {
    sides: Sides,
    parents: Vec<ObjectId>,
    is_waiting: bool,
}

/// The walk from both sides, newest commits first.
struct Walk<'o> {
    objects: &'o Objects,
    shallow: Vec<ObjectId>,
    nodes: HashMap<ObjectId, Node>,
    waiting: BinaryHeap<(DateTime<Utc>, ObjectId)>,
    /// How many of those that wait are open.
    open: usize,
    /// History ends where it should not, on the side of the new commit: not finding the old one says nothing then.
    is_cut: bool,
    buffer: Vec<u8>,
}

impl Repo {
    /// Whether `old` is `new` or an ancestor of it, by whichever parent. `None` where that cannot be told: a commit is not
    /// here, history was cut off, or the way is longer than anybody should wait for.
    ///
    /// # Errors
    /// `Corrupt` if a commit cannot be read.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<Option<bool>, GitError> {
        self.is_ancestor_within(old, new, MAX_COMMITS)
    }

    /// The same with a bound of one's own, in commits.
    ///
    /// # Errors
    /// As [`Self::is_ancestor`].
    pub fn is_ancestor_within(
        &self,
        old: ObjectId,
        new: ObjectId,
        max_commits: usize,
    ) -> Result<Option<bool>, GitError> {
        let objects = self.objects();
        if !objects.contains(old) || !objects.contains(new) {
            return Ok(None);
        }
        if old == new {
            return Ok(Some(true));
        }
        let mut walk = Walk {
            objects: &objects,
            shallow: self.shallow_commits()?,
            nodes: HashMap::new(),
            waiting: BinaryHeap::new(),
            open: 0,
            is_cut: false,
            buffer: Vec::new(),
        };
        walk.meet(new, Sides { new: true, old: false })?;
        walk.meet(old, Sides { new: false, old: true })?;
        // What is behind the old commit cannot lead to it: with nothing else left, it is not reached.
        while walk.open > 0 {
            if walk.nodes.len() > max_commits {
                return Ok(None);
            }
            let Some((sides, parents)) = walk.next() else { break };
            if sides.new && parents.contains(&old) {
                return Ok(Some(true));
            }
            for parent in parents {
                walk.meet(parent, sides)?;
            }
        }
        Ok(if walk.is_cut { None } else { Some(false) })
    }
}

impl Walk<'_> {
    /// The newest commit that waits.
    fn next(&mut self) -> Option<(Sides, Vec<ObjectId>)> {
        let (_, id) = self.waiting.pop()?;
        let node = self.nodes.get_mut(&id)?;
        node.is_waiting = false;
        self.open -= usize::from(node.sides.is_open());
        self.is_cut |= node.sides.is_open() && self.shallow.contains(&id);
        Some((node.sides, std::mem::take(&mut node.parents)))
    }

    /// A commit is reached.
    fn meet(&mut self, id: ObjectId, from: Sides) -> Result<(), GitError> {
        if let Some(node) = self.nodes.get_mut(&id) {
            let sides = Sides { new: node.sides.new || from.new, old: node.sides.old || from.old };
            // One that was walked from already is not walked from again: clocks that go wrong cost time, not the answer.
            if node.is_waiting {
                self.open -= usize::from(node.sides.is_open() && !sides.is_open());
            }
            node.sides = sides;
            return Ok(());
        }
        let mut node = Node { sides: from, parents: Vec::new(), is_waiting: false };
        match self.objects.commit(id, &mut self.buffer) {
            Ok(commit) => {
                if !self.shallow.contains(&id) {
                    node.parents = commit.parents;
                }
                node.is_waiting = true;
                self.waiting.push((commit.committed_at, id));
                self.open += usize::from(from.is_open());
            }
            Err(GitError::MissingObject { .. }) => self.is_cut |= from.is_open(),
            Err(error) => return Err(error),
        }
        self.nodes.insert(id, node);
        Ok(())
    }
}
