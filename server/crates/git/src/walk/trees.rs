//! Raw trees by object id, kept for a while: a commit's trees are its parent's but for a few.

use std::rc::Rc;

use entity::input::ObjectId;
use gix::hashtable::HashMap;

use crate::GitError;
use crate::repo::{Entry, EntryKind, FileKind, Objects, entries, to_gix};

/// Bytes of trees in the younger of two generations; the older has as much.
const GENERATION_BYTES: usize = 4 << 20;

/// Reads trees through a memory of two generations: when the younger is full it becomes the older, whose trees are forgotten
/// unless they are asked for again.
pub(super) struct Trees<'a> {
    objects: &'a Objects,
    young: HashMap<gix::ObjectId, Rc<[u8]>>,
    young_bytes: usize,
    old: HashMap<gix::ObjectId, Rc<[u8]>>,
    buffer: Vec<u8>,
}

impl<'a> Trees<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self { objects, young: HashMap::default(), young_bytes: 0, old: HashMap::default(), buffer: Vec::new() }
    }

    /// The tree's bytes, well-formed, in Git's order, each name once.
    pub(super) fn get(&mut self, id: ObjectId) -> Result<Rc<[u8]>, GitError> {
        let key = to_gix(id);
        if let Some(tree) = self.young.get(&key) {
            return Ok(Rc::clone(tree));
        }
        let tree = match self.old.remove(&key) {
            Some(tree) => tree,
            None => {
                self.objects.tree(id, &mut self.buffer)?;
                match put_in_order(id, &self.buffer)? {
                    Some(ordered) => ordered.into(),
                    None => Rc::from(self.buffer.as_slice()),
                }
            }
        };
        if self.young_bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += tree.len();
        self.young.insert(key, Rc::clone(&tree));
        Ok(tree)
    }
}

/// Checks a tree once so that comparing it needs no care. A tree that Git would not have written is given back in order.
fn put_in_order(id: ObjectId, data: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
    let mut last: Option<Entry<'_>> = None;
    let mut in_order = true;
    for entry in entries(data) {
        let entry = entry.map_err(|_| GitError::corrupt(format!("tree {id} has a broken entry")))?;
        in_order &= last.is_none_or(|last| compare(&last, &entry).is_lt());
        last = Some(entry);
    }
    if in_order {
        return Ok(None);
    }
    let mut all = entries(data).flatten().collect::<Vec<_>>();
    all.sort_by(compare);
    all.dedup_by(|second, first| compare(first, second).is_eq());
    Ok(Some(all.iter().flat_map(write).collect()))
}

fn write(entry: &Entry<'_>) -> Vec<u8> {
    let mode: &[u8] = match entry.kind {
        EntryKind::Tree => b"40000 ",
        EntryKind::File(FileKind::Regular) => b"100644 ",
        EntryKind::File(FileKind::Executable) => b"100755 ",
        EntryKind::File(FileKind::Symlink) => b"120000 ",
        EntryKind::File(FileKind::Submodule) => b"160000 ",
    };
    [mode, entry.name, b"\0", &entry.id.0].concat()
}

/// Git's order: a folder's name counts as if it ended in `/`.
pub(super) fn compare(a: &Entry<'_>, b: &Entry<'_>) -> std::cmp::Ordering {
    let shared = a.name.len().min(b.name.len());
    a.name[..shared].cmp(&b.name[..shared]).then_with(|| {
        let next = |entry: &Entry<'_>| match entry.name.get(shared) {
            Some(byte) => *byte,
            None if entry.kind == EntryKind::Tree => b'/',
            None => 0,
        };
        next(a).cmp(&next(b)).then_with(|| a.name.len().cmp(&b.name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, name: &str, id: u8) -> Vec<u8> {
        write(&Entry { kind, name: name.as_bytes(), id: ObjectId([id; 20]) })
    }

    #[test]
    fn a_tree_in_order_is_kept_as_it_is() {
        let regular = EntryKind::File(FileKind::Regular);
        let tree = [
            entry(regular, "a", 1),
            entry(regular, "a.yaml", 2),
            entry(EntryKind::Tree, "a", 3),
            entry(regular, "b", 4),
        ];
        assert!(put_in_order(ObjectId([0; 20]), &tree.concat()).unwrap().is_none());
    }

    #[test]
    fn a_tree_out_of_order_or_with_a_name_twice_is_mended() {
        let regular = EntryKind::File(FileKind::Regular);
        let tree = [entry(regular, "b", 1), entry(regular, "a", 2), entry(regular, "b", 3)].concat();
        let mended = put_in_order(ObjectId([0; 20]), &tree).unwrap().unwrap();
        let names = entries(&mended).map(|entry| entry.unwrap().name.to_vec()).collect::<Vec<_>>();
        assert_eq!(names, [b"a".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn a_broken_tree_is_an_error() {
        for data in
            ["x", "100644 a", "100644 a\0short", "99 a\0aaaaaaaaaaaaaaaaaaaa", "777777777 a\0aaaaaaaaaaaaaaaaaaaa"]
        {
            assert!(put_in_order(ObjectId([0; 20]), data.as_bytes()).is_err(), "{data:?}");
        }
    }
}
