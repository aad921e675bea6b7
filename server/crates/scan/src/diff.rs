//! Which fields differ between two versions of a manifest, as exact paths with old and new values.
//!
//! Pure and bounded: so many changes are kept, all are counted, values are cut, and the work has a budget.
//! What kubectl reads as the same is no difference: formatting, comments, the order of keys, anchors and merge keys.

mod path;

use std::collections::HashMap;

use entity::view::FieldChange;

use yaml::{Digest, Kind, Node, Reading, Tag};

pub use path::FieldPath;

/// Changes kept of one event; the rest is only counted.
pub const MAX_CHANGES: usize = 200;
/// Longest value kept, in characters.
pub const MAX_VALUE: usize = 500;
/// Pairs of nodes compared before the comparison settles for coarser paths.
const WORK: usize = 500_000;
/// Deeper values are compared as a whole.
const MAX_DEPTH: usize = 256;
/// Mappings and lists longer than this are matched through a table.
const SMALL: usize = 12;
/// What tells the items of a list apart.
const IDENTITIES: [&str; 2] = ["name", "key"];

/// The difference of two manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The first [`MAX_CHANGES`], in the order of the new manifest.
    pub kept: Vec<FieldChange>,
    /// All of them.
    pub total: i64,
}

/// Compares two versions of a manifest. That a secret changed is told, by its path and a mask on both sides.
#[must_use]
pub fn diff(old: Node<'_>, new: Node<'_>) -> Changes {
    run(old, new, false)
}

/// The same, with scalars compared by their texts: what `1.10` became that is now `1.1`, to kubectl the same number.
#[must_use]
pub fn diff_as_written(old: Node<'_>, new: Node<'_>) -> Changes {
    run(old, new, true)
}

fn run(old: Node<'_>, new: Node<'_>, as_written: bool) -> Changes {
    let mut diff = Diff { changes: Changes::default(), path: FieldPath::default(), as_written, work: WORK };
    diff.nodes(old, new);
    diff.changes
}

struct Diff {
    changes: Changes,
    path: FieldPath,
    as_written: bool,
    work: usize,
}

impl Diff {
    fn nodes(&mut self, old: Node<'_>, new: Node<'_>) {
        if self.work == 0 || self.path.depth() > MAX_DEPTH {
            if old.digest() != new.digest() {
                self.report(None, None);
            }
            return;
        }
        self.work -= 1;
        match (old.kind(), new.kind()) {
            (Kind::Mapping, Kind::Mapping) => self.mappings(old, new),
            (Kind::Sequence, Kind::Sequence) => self.lists(old, new),
            (Kind::Scalar, Kind::Scalar) => self.scalars(old, new),
            _ => {
                self.leaves(old, false);
                self.leaves(new, true);
            }
        }
    }

    fn scalars(&mut self, old: Node<'_>, new: Node<'_>) {
        if self.same_scalar(old, new) {
            return;
        }
        // `"1"` became `1`: without the quotes nobody would see what changed.
        let quoted = old.scalar() == new.scalar();
        self.report(Some(shown(old, quoted)), Some(shown(new, quoted)));
    }

    fn mappings(&mut self, old: Node<'_>, new: Node<'_>) {
        let mut left = Entries::new(old);
        for (key, value) in new.fields() {
            self.path.push_key(&shown_key(key));
            match left.take(key) {
                Some(before) => self.nodes(before, value),
                None => self.leaves(value, true),
            }
            self.path.pop();
        }
        for (key, value) in left.rest() {
            self.path.push_key(&shown_key(key));
            self.leaves(value, false);
            self.path.pop();
        }
    }

    fn lists(&mut self, old: Node<'_>, new: Node<'_>) {
        if let Some(key) = IDENTITIES.into_iter().find(|key| identifies(key, old) && identifies(key, new)) {
            return self.identified(key, old, new);
        }
        let (old, new): (Vec<_>, Vec<_>) = (old.items().collect(), new.items().collect());
        let head = old.iter().zip(&new).take_while(|(old, new)| self.equal(**old, **new)).count();
        let rest = old.len().min(new.len()) - head;
        let tail =
            old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| self.equal(**old, **new)).count();
        let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
        for at in 0..old.len().max(new.len()) {
            self.path.push_index(head + at);
            match (old.get(at), new.get(at)) {
                (Some(old), Some(new)) => self.nodes(*old, *new),
                (Some(old), None) => self.leaves(*old, false),
                (None, Some(new)) => self.leaves(*new, true),
                (None, None) => {}
            }
            self.path.pop();
        }
    }

    /// Lists whose items have names: matched by name, so that an insertion is one change.
    fn identified(&mut self, key: &str, old: Node<'_>, new: Node<'_>) {
        let name = |item: Node<'_>| item.get(key).and_then(Node::scalar).unwrap_or_default().to_owned();
        let before: HashMap<String, (usize, Node<'_>)> =
            old.items().enumerate().map(|(at, item)| (name(item), (at, item))).collect();
        let mut seen = vec![false; before.len()];
        let total = self.changes.total;
        let (mut last, mut in_order) = (0, true);
        for item in new.items() {
            let name = name(item);
            self.path.push_identity(key, &name);
            match before.get(&name) {
                Some(&(at, before)) => {
                    in_order &= last <= at;
                    last = at;
                    seen[at] = true;
                    self.nodes(before, item);
                }
                None => self.leaves(item, true),
            }
            self.path.pop();
        }
        for (at, item) in old.items().enumerate().filter(|(at, _)| !seen[*at]) {
            debug_assert!(at < seen.len(), "names are unique");
            self.path.push_identity(key, &name(item));
            self.leaves(item, false);
            self.path.pop();
        }
        if !in_order && self.changes.total == total {
            let names = |list: Node<'_>| list.items().map(name).collect::<Vec<_>>().join(", ");
            self.report(Some(names(old)), Some(names(new)));
        }
    }

    /// Every scalar of a value that is only on one side.
    fn leaves(&mut self, node: Node<'_>, added: bool) {
        if self.work == 0 || self.path.depth() > MAX_DEPTH {
            return self.report(None, None);
        }
        self.work -= 1;
        if node.kind() == Kind::Mapping && node.entries().len() > 0 {
            for (key, value) in node.fields() {
                self.path.push_key(&shown_key(key));
                self.leaves(value, added);
                self.path.pop();
                if self.work == 0 {
                    return;
                }
            }
        } else if node.kind() == Kind::Sequence && node.items().len() > 0 {
            let key = IDENTITIES.into_iter().find(|key| identifies(key, node));
            for (at, item) in node.items().enumerate() {
                match key.and_then(|key| Some((key, item.get(key)?.scalar()?))) {
                    Some((key, name)) => self.path.push_identity(key, name),
                    None => self.path.push_index(at),
                }
                self.leaves(item, added);
                self.path.pop();
                if self.work == 0 {
                    return;
                }
            }
        } else {
            let value = shown(node, false);
            if added { self.report(None, Some(value)) } else { self.report(Some(value), None) }
        }
    }

    fn report(&mut self, old: Option<String>, new: Option<String>) {
        self.changes.total += 1;
        if self.changes.kept.len() < MAX_CHANGES {
            self.changes.kept.push(FieldChange { path: self.path.to_string(), old, new });
        }
    }

    fn equal(&mut self, old: Node<'_>, new: Node<'_>) -> bool {
        if self.work == 0 || old.kind() != new.kind() || old.items().len() != new.items().len() {
            return false;
        }
        self.work -= 1;
        match old.kind() {
            Kind::Scalar => self.same_scalar(old, new),
            Kind::Sequence => old.items().zip(new.items()).all(|(old, new)| self.equal(old, new)),
            Kind::Mapping => {
                let mut left = Entries::new(old);
                let new = new.fields();
                left.entries.len() == new.len()
                    && new.iter().all(|(key, value)| left.take(*key).is_some_and(|before| self.equal(before, *value)))
            }
        }
    }

    fn same_scalar(&self, old: Node<'_>, new: Node<'_>) -> bool {
        old.reading() == new.reading() && (!self.as_written || old.scalar() == new.scalar())
    }
}

/// A mapping's fields, each given out once.
struct Entries<'t> {
    entries: Vec<Option<(Digest, Node<'t>, Node<'t>)>>,
    /// Where each key stands, for large mappings.
    places: Option<HashMap<Digest, usize>>,
}

impl<'t> Entries<'t> {
    fn new(node: Node<'t>) -> Self {
        let fields = node.fields().into_iter();
        let entries: Vec<_> = fields.map(|(key, value)| Some((key.key_digest(), key, value))).collect();
        let places = (entries.len() > SMALL).then(|| {
            let place = |(at, entry): (usize, &Option<(Digest, _, _)>)| Some((entry.as_ref()?.0, at));
            entries.iter().enumerate().filter_map(place).collect()
        });
        Self { entries, places }
    }

    fn take(&mut self, key: Node<'_>) -> Option<Node<'t>> {
        let key = key.key_digest();
        let at = match &self.places {
            Some(places) => *places.get(&key)?,
            None => self.entries.iter().position(|entry| entry.is_some_and(|(other, ..)| other == key))?,
        };
        self.entries[at].take().map(|(_, _, value)| value)
    }

    fn rest(self) -> impl Iterator<Item = (Node<'t>, Node<'t>)> {
        self.entries.into_iter().flatten().map(|(_, key, value)| (key, value))
    }
}

/// A key as it may be shown.
fn shown_key(key: Node<'_>) -> std::borrow::Cow<'_, str> {
    match key.shown() {
        Some(text) => text.into(),
        // Only what may be shown decides: a digest of a short secret would tell it.
        None => blake3::hash(&key.canonical()).to_hex()[..32].to_owned().into(),
    }
}

/// Whether every item of a list is a mapping with a different scalar under the key, none of them secret.
fn identifies(key: &str, list: Node<'_>) -> bool {
    let mut names: Vec<&str> = Vec::with_capacity(list.items().len());
    for item in list.items() {
        let Some(name) = item.get(key).filter(|name| !name.is_hidden()).and_then(Node::scalar) else { return false };
        if name.is_empty() {
            return false;
        }
        names.push(name);
    }
    if names.len() > SMALL {
        names.sort_unstable();
        return names.windows(2).all(|pair| pair[0] != pair[1]);
    }
    names.iter().enumerate().all(|(at, name)| !names[..at].contains(name))
}

/// A value as text, cut; strings in quotes where only the type tells two values apart.
fn shown(node: Node<'_>, quoted: bool) -> String {
    let quoted = quoted && !node.is_hidden();
    let text = match node.kind() {
        Kind::Mapping => "{}",
        Kind::Sequence => "[]",
        Kind::Scalar if node.is_null() && !quoted && !node.is_hidden() => "null",
        Kind::Scalar => node.shown().unwrap_or_default(),
    };
    let cut = match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    match (node.tag(), node.reading()) {
        (Tag::Other, _) if quoted => format!("{} {cut}", node.tag_uri().unwrap_or("!")),
        (_, Some(Reading::Text(_))) if quoted => format!("{cut:?}"),
        _ => cut.to_owned(),
    }
}
