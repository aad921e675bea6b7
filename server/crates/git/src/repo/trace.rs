//! One path, followed back through a first-parent line: since when is it as it is?

use std::ops::ControlFlow;

use entity::input::ObjectId;

use super::{ChainCommit, EntryKind, Objects, Repo, entries};
use crate::GitError;

/// Commits next to each other in which a path is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first of them.
    pub first: ChainCommit,
    /// Whether anything is at the path.
    pub exists: bool,
    /// The regular file at the path; `None` where there is none.
    pub blob: Option<ObjectId>,
}

/// What a folder on the way to the path held in the commit looked at last.
pub(super) struct Level {
    tree: ObjectId,
    entry: Option<(EntryKind, ObjectId)>,
}

impl Repo {
    /// Follows a path back from the last commit of `line`. `seen` gets each stretch of commits in which the path is the
    /// same, newest first, until it breaks off. Commits that touch nothing on the way to the path cost one tree each.
    ///
    /// # Errors
    /// `MissingObject` or `Corrupt` if a tree cannot be read.
    pub fn trace_back(
        &self,
        line: &[ChainCommit],
        path: &[u8],
        mut seen: impl FnMut(Stretch) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let objects = self.objects();
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let mut levels: Vec<Level> = Vec::with_capacity(names.len());
        let mut stretch: Option<Stretch> = None;
        for commit in line.iter().rev() {
            let entry = entry_at(&objects, commit.tree, &names, &mut levels)?;
            let exists = entry.is_some();
            let blob = entry.filter(|(kind, _)| kind.is_regular()).map(|(_, id)| id);
            match &mut stretch {
                Some(stretch) if (stretch.exists, stretch.blob) == (exists, blob) => stretch.first = *commit,
                _ => {
                    let next = Stretch { first: *commit, exists, blob };
                    if let Some(done) = stretch.replace(next)
                        && seen(done).is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
        if let Some(last) = stretch {
            let _ = seen(last);
        }
        Ok(())
    }
}

/// What is at a path below a tree; levels that are as they were are not read again.
pub(super) fn entry_at(
    objects: &Objects,
    tree: ObjectId,
    names: &[&[u8]],
    levels: &mut Vec<Level>,
) -> Result<Option<(EntryKind, ObjectId)>, GitError> {
    let mut tree = tree;
    for (depth, name) in names.iter().enumerate() {
        if levels.get(depth).is_none_or(|level| level.tree != tree) {
            levels.truncate(depth);
            levels.push(Level { tree, entry: find(objects, tree, name)? });
        }
        let last = depth + 1 == names.len();
        match levels[depth].entry {
            Some((EntryKind::Tree, id)) if !last => tree = id,
            entry if last => return Ok(entry),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn find(objects: &Objects, tree: ObjectId, name: &[u8]) -> Result<Option<(EntryKind, ObjectId)>, GitError> {
    let mut buffer = Vec::new();
    objects.tree(tree, &mut buffer)?;
    // Hostile trees may name one thing twice; the first is what people see.
    for entry in entries(&buffer) {
        let entry = entry.map_err(|_| GitError::corrupt(format!("tree {tree} has a broken entry")))?;
        if entry.name == name {
            return Ok(Some((entry.kind, entry.id)));
        }
    }
    Ok(None)
}
