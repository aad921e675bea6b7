//! What the values of a release say otherwise than those of before.

use std::sync::Arc;

use super::super::values::{Leaf, Values};

/// Whether values differ in nothing but where they stand.
pub fn is_same(left: &Arc<Values>, right: &Arc<Values>) -> bool {
    let same = |(a, b): (&Leaf, &Leaf)| a.path == b.path && says_same(a, b);
    Arc::ptr_eq(left, right)
        || left.leaves.len() == right.leaves.len()
            && left.leaves.iter().zip(&right.leaves).all(same)
            && left.images == right.images
}

/// Whether leaves of one path are stored as the same.
fn says_same(left: &Leaf, right: &Leaf) -> bool {
    let facts = |leaf: &Leaf| (leaf.kind, leaf.masked, leaf.hidden.is_some());
    left.text == right.text && facts(left) == facts(right)
}

/// The leaves of each path, in the order of paths.
pub fn by_path(values: &Values) -> impl Iterator<Item = &[Leaf]> {
    values.leaves.chunk_by(|left, right| left.path == right.path)
}

/// The leaves of those paths where they are others than before, and the paths that are no more: of hundreds mostly one or two.
pub fn changes<'v>(before: &'v Values, now: &'v Values) -> (Vec<&'v [Leaf]>, Vec<&'v str>) {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    let mut before = by_path(before).peekable();
    for leaves in by_path(now) {
        let path = &leaves[0].path;
        while let Some(old) = before.next_if(|old| old[0].path < *path) {
            gone.push(&*old[0].path);
        }
        let old = before.next_if(|old| old[0].path == *path);
        let is_same =
            |old: &[Leaf]| old.len() == leaves.len() && old.iter().zip(leaves).all(|(old, new)| says_same(old, new));
        if !old.is_some_and(is_same) {
            changed.push(leaves);
        }
    }
    gone.extend(before.map(|old| &*old[0].path));
    (changed, gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::kind::ValueType;

    fn values(leaves: &[(&str, &str, u32)]) -> Values {
        let leaf = |(path, text, line): &(&str, &str, u32)| Leaf {
            path: (*path).into(),
            kind: ValueType::String,
            text: (*text).into(),
            masked: false,
            hidden: None,
            file: None,
            line: *line,
        };
        Values { leaves: leaves.iter().map(leaf).collect(), ..Values::default() }
    }

    #[test]
    fn only_paths_whose_leaves_differ_are_told() {
        let before = values(&[("a", "1", 1), ("b[]", "1", 2), ("b[]", "2", 3), ("d", "1", 4), ("e", "1", 5)]);
        let now = values(&[("a", "1", 9), ("b[]", "1", 10), ("c", "1", 11), ("d", "2", 12)]);
        let (changed, gone) = changes(&before, &now);
        let changed: Vec<&str> = changed.iter().map(|leaves| &*leaves[0].path).collect();
        assert_eq!((changed, gone), (vec!["b[]", "c", "d"], vec!["e"]));
        assert_eq!(changes(&now, &now), (vec![], vec![]));
        assert_eq!(changes(&now, &values(&[])).1, ["a", "b[]", "c", "d"]);
        assert_eq!(changes(&values(&[]), &now).0.len(), 4);
    }
}
