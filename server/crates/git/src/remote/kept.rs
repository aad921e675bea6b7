//! Branches beside the followed one, of which a clone keeps a commit each: `refs/kubestats/branches/<name>`.
//!
//! They stand in `packed-refs` with the followed branch, so that names such as `a` and `a/b` don't get into each other's way,
//! and are replaced with it in one go. A clone that is made anew begins without them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use entity::input::ObjectId;

use super::clone_dir::{self, CloneDir};
use crate::GitError;

/// Where they stand.
pub(super) const PREFIX: &str = "refs/kubestats/branches/";

/// The most that a clone keeps.
const MAX_KEPT: usize = 10_000;

/// Commits by the name of their branch.
pub(super) type Kept = BTreeMap<String, ObjectId>;

/// What a clone keeps. What cannot be read is not there: it is fetched again.
pub(super) fn read(git_dir: &Path) -> Kept {
    let text = fs::read(git_dir.join("packed-refs")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let read = text.lines().filter_map(|line| {
        let (id, name) = line.split_once(' ')?;
        let name = name.strip_prefix(PREFIX).filter(|name| clone_dir::is_branch_name(name))?;
        Some((name.to_owned(), id.parse().ok()?))
    });
    read.take(MAX_KEPT).collect()
}

/// Adds branches; of too many those go that are not among the added ones.
pub(super) fn add(kept: &mut Kept, added: &[(String, ObjectId)]) {
    for (name, id) in added.iter().filter(|(name, _)| clone_dir::is_branch_name(name)).take(MAX_KEPT) {
        kept.insert(name.clone(), *id);
    }
    let mut surplus = kept.len().saturating_sub(MAX_KEPT);
    let added: std::collections::HashSet<&str> = added.iter().map(|(name, _)| name.as_str()).collect();
    kept.retain(|name, _| {
        let goes = surplus > 0 && !added.contains(name.as_str());
        surplus -= usize::from(goes);
        !goes
    });
}

/// The branches of which a clone keeps a commit, by name. None where there is no clone.
#[must_use]
pub fn kept_branches(dir: &Path) -> BTreeMap<String, ObjectId> {
    read(dir)
}

/// Lets go of branches that are gone. Their objects stay until the clone is made anew.
///
/// # Errors
/// `Busy` if a fetch runs, `Io` if the clone's refs cannot be written.
pub fn forget_branches(dir: &Path, names: &[&str]) -> Result<(), GitError> {
    let mut kept = read(dir);
    if !names.iter().any(|name| kept.contains_key(*name)) {
        return Ok(());
    }
    let clone = CloneDir::lock_to_add(dir)?;
    let Some(existing) = clone.existing() else { return Ok(()) };
    kept = existing.kept;
    kept.retain(|name, _| !names.contains(&name.as_str()));
    clone_dir::write_refs(clone.path(), existing.followed.as_ref(), &kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_branches_make_room_for_the_newest() {
        let id = ObjectId([1; 20]);
        let mut kept: Kept = (0..MAX_KEPT).map(|n| (format!("b{n:05}"), id)).collect();
        add(&mut kept, &[("a".to_owned(), id), ("b00000".to_owned(), ObjectId([2; 20])), ("..".to_owned(), id)]);
        assert_eq!(kept.len(), MAX_KEPT);
        assert_eq!((kept.get("a"), kept.get("b00000")), (Some(&id), Some(&ObjectId([2; 20]))));
        assert!(!kept.contains_key("b00001") && !kept.contains_key(".."));
    }
}
