use std::collections::HashSet;
use std::sync::Arc;

use crate::Hidden;
use crate::tree::{Kind, NodeData, Span, Style, Tree};
use crate::{Digest, Tag};

/// Where something stands in the text: its first byte and the one behind its last.
type Bytes = (u32, u32);

/// A node of a parsed file: a cheap handle that can be copied. Trees hold no cycles and are bounded in depth and
/// in expanded size (see [`Limits`](crate::Limits)), so plain recursion over them always ends soon.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) id: u32,
}

/// A node that keeps its file alive; for what outlives the parse.
#[derive(Clone)]
pub struct SharedNode {
    pub(crate) tree: Arc<Tree>,
    pub(crate) id: u32,
}

impl SharedNode {
    /// The node itself.
    #[must_use]
    pub fn node(&self) -> Node<'_> {
        Node { tree: &self.tree, id: self.id }
    }

    /// The decoded text of the whole file.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.tree.pool[..self.tree.source_len]
    }

    /// What of the file must not be shown; nothing before somebody looked for it.
    #[must_use]
    pub fn hidden(&self) -> Option<&Hidden> {
        self.tree.hidden.get()
    }

    /// Decides what of the file must not be shown, once and for all of its nodes.
    pub fn hide(&self, hidden: Hidden) {
        // A second look finds the same.
        let _ = self.tree.hidden.set(hidden);
    }

    /// Node, anchor and tag of everything that has one, in the order of the text.
    pub fn properties(&self) -> impl Iterator<Item = (Node<'_>, Option<Bytes>, Option<Bytes>)> {
        let node = |id| Node { tree: &self.tree, id };
        self.tree.properties.iter().map(move |property| (node(property.id), property.anchor, property.tag))
    }

    /// The bytes of every alias, and the number of the node that it stands for.
    pub fn aliases(&self) -> impl Iterator<Item = (u32, (u32, u32))> {
        self.tree.aliases.iter().map(|alias| (alias.id, (alias.start, alias.end)))
    }

    /// A node of the file by its number.
    #[must_use]
    pub fn numbered(&self, id: u32) -> Node<'_> {
        Node { tree: &self.tree, id }
    }

    /// All texts of the file: its own, then those that do not stand in it as they read.
    #[must_use]
    pub fn texts(&self) -> &str {
        &self.tree.pool
    }

    /// A node of the same file, kept alive as well.
    #[must_use]
    pub fn share(&self, node: Node<'_>) -> Self {
        debug_assert!(std::ptr::eq(node.tree, &raw const *self.tree), "a node of another file");
        Self { tree: Arc::clone(&self.tree), id: node.id }
    }
}

impl std::fmt::Debug for SharedNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.node().fmt(f)
    }
}

impl<'t> Node<'t> {
    pub(crate) fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.id as usize]
    }

    fn links(self) -> &'t [u32] {
        let data = self.data();
        &self.tree.links[data.at as usize..][..data.len as usize]
    }

    /// The node's number in its file: equal for a node and its aliases.
    #[must_use]
    pub fn id(self) -> u32 {
        self.id
    }

    /// Scalar, sequence or mapping.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.data().kind
    }

    /// What it resolves to.
    #[must_use]
    pub fn tag(self) -> Tag {
        self.data().tag
    }

    /// The URI of a tag that is not YAML's own.
    #[must_use]
    pub fn tag_uri(self) -> Option<&'t str> {
        let data = self.data();
        (data.tag == Tag::Other).then(|| &*self.tree.uris[data.uri as usize])
    }

    /// How it is written.
    #[must_use]
    pub fn style(self) -> Style {
        self.data().style
    }

    /// Whether an anchor names it.
    #[must_use]
    pub fn is_anchored(self) -> bool {
        self.data().anchored
    }

    /// Where it stands; for an alias, where what it stands for stands.
    #[must_use]
    pub fn span(self) -> Span {
        self.data().span
    }

    /// The text of any scalar, as read (escapes resolved).
    #[must_use]
    pub fn scalar(self) -> Option<&'t str> {
        let data = self.data();
        (data.kind == Kind::Scalar).then(|| &self.tree.pool[data.at as usize..][..data.len as usize])
    }

    /// The text of any scalar as it may be shown: a mask, or a mask in parts, where it is secret.
    #[must_use]
    pub fn shown(self) -> Option<&'t str> {
        let text = self.scalar()?;
        Some(self.tree.hidden.get().and_then(|hidden| hidden.shown(self.id)).unwrap_or(text))
    }

    /// Whether any part of a scalar must not be shown.
    #[must_use]
    pub fn is_hidden(self) -> bool {
        self.tree.hidden.get().is_some_and(|hidden| hidden.shown(self.id).is_some())
    }

    /// Whether it is a scalar with this text. Most differ in length, which costs no look at the text.
    pub(crate) fn is_text(self, text: &str) -> bool {
        let data = self.data();
        data.kind == Kind::Scalar && data.len as usize == text.len() && self.bytes() == text.as_bytes()
    }

    /// Whether both are scalars with the same text.
    pub(crate) fn has_text_of(self, other: Self) -> bool {
        let (data, others) = (self.data(), other.data());
        data.len == others.len
            && data.kind == Kind::Scalar
            && others.kind == Kind::Scalar
            && self.bytes() == other.bytes()
    }

    /// A scalar's text without looking where its characters begin.
    pub(crate) fn bytes(self) -> &'t [u8] {
        let data = self.data();
        &self.tree.pool.as_bytes()[data.at as usize..][..data.len as usize]
    }

    /// The text of a scalar that resolves to a string and is not empty.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        if self.data().tag != Tag::Str {
            return None;
        }
        self.scalar().filter(|text| !text.is_empty())
    }

    /// The text of a scalar that tools take for a string, and that is not empty: dates and what carries an unknown tag too,
    /// which resolve to something else.
    #[must_use]
    pub fn string(self) -> Option<&'t str> {
        let is_string = !matches!(self.tag(), Tag::Null | Tag::Cycle | Tag::Bool | Tag::Int | Tag::Float);
        self.scalar().filter(|text| is_string && !text.is_empty())
    }

    /// Whether it is a mapping, whatever its tag.
    #[must_use]
    pub fn is_mapping(self) -> bool {
        self.kind() == Kind::Mapping
    }

    /// Whether it is a sequence, whatever its tag.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        self.kind() == Kind::Sequence
    }

    /// Whether it resolves to null.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.tag() == Tag::Null
    }

    /// The items of a sequence; nothing for other nodes.
    #[must_use]
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'t>> + DoubleEndedIterator + Clone {
        let links = if self.is_sequence() { self.links() } else { &[] };
        links.iter().map(move |&id| Node { tree: self.tree, id })
    }

    /// The entries of a mapping as written; nothing for other nodes.
    #[must_use]
    pub fn entries(self) -> impl ExactSizeIterator<Item = (Node<'t>, Node<'t>)> + DoubleEndedIterator + Clone {
        let links = if self.is_mapping() { self.links() } else { &[] };
        let node = move |id| Node { tree: self.tree, id };
        links.chunks_exact(2).map(move |pair| (node(pair[0]), node(pair[1])))
    }

    /// The fields of a mapping as they are read: a key once, the last of its duplicates; then what merge keys add. Of
    /// two merge keys the later one wins, within a list of merges the first, and what is written in the mapping itself
    /// over both.
    #[must_use]
    pub fn fields(self) -> Vec<(Node<'t>, Node<'t>)> {
        let mut fields = Vec::with_capacity(self.entries().len());
        self.collect_fields(&mut fields, &mut Seen::default());
        fields
    }

    fn collect_fields(self, fields: &mut Vec<(Node<'t>, Node<'t>)>, seen: &mut Seen) {
        let start = fields.len();
        for (key, value) in self.entries().rev() {
            if !merges(key, value) && seen.insert(key.key_digest()) {
                fields.push((key, value));
            }
        }
        fields[start..].reverse();
        self.merged().for_each(|source| source.collect_fields(fields, seen));
    }

    /// The value of a key, by the same precedence.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        let mut merges = false;
        for (name, value) in self.entries().rev() {
            match name.tag() {
                Tag::Str if name.is_text(key) => return Some(value),
                Tag::Merge => merges = true,
                _ => {}
            }
        }
        if !merges {
            return None;
        }
        self.merged().find_map(|source| source.get(key))
    }

    /// The mappings that merge keys bring in, in the order in which they are asked. In a list with other things too they are
    /// brought in as well, while the list as a whole stays a field.
    fn merged(self) -> impl Iterator<Item = Node<'t>> {
        self.entries().rev().filter(|(name, _)| is_merge(*name)).flat_map(|(_, value)| {
            let single = value.is_mapping().then_some(value);
            value.items().filter(|item| item.is_mapping()).chain(single)
        })
    }

    /// The node at the end of a path of keys.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Option<Node<'t>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }
}

/// Keys that were met, by their digests. Nearly all mappings have few: those are looked through one by one, as digests need no
/// hashing and a set has to be made anew for every mapping.
#[derive(Default)]
struct Seen {
    few: [Digest; 16],
    count: usize,
    more: HashSet<Digest>,
}

impl Seen {
    /// Whether a key was not met before.
    fn insert(&mut self, key: Digest) -> bool {
        if self.few[..self.count].contains(&key) {
            return false;
        }
        if let Some(place) = self.few.get_mut(self.count) {
            *place = key;
            self.count += 1;
            return true;
        }
        self.more.insert(key)
    }
}

fn is_merge(key: Node<'_>) -> bool {
    key.tag() == Tag::Merge && key.kind() == Kind::Scalar
}

/// Whether an entry is a merge key over a mapping or a list of mappings. Over anything else it is a field that is
/// called `<<`, so that a change of it is seen.
pub(crate) fn merges(key: Node<'_>, value: Node<'_>) -> bool {
    is_merge(key) && (value.is_mapping() || (value.is_sequence() && value.items().all(Node::is_mapping)))
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            Kind::Scalar => write!(f, "{:?} {:?}", self.tag(), self.shown().unwrap_or_default()),
            Kind::Sequence => f.debug_list().entries(self.items()).finish(),
            Kind::Mapping => f.debug_map().entries(self.entries()).finish(),
        }
    }
}
