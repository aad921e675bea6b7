use super::Tag;

/// All nodes of one file in one place: no allocation per node, aliases are the node's number again.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<NodeData>,
    /// Children of collections, each collection's in one run; mappings hold key, value, key, value.
    pub(super) links: Vec<u32>,
    /// The file's text, then the texts of scalars that do not stand in it as they read (escapes, folding).
    pub(super) pool: String,
    /// How much of `pool` is the file's text.
    pub(super) source_len: usize,
    /// URIs of tags that are not YAML's own.
    pub(super) uris: Vec<Box<str>>,
}

/// What a node is made of; `Tag` says what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    Sequence,
    Mapping,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
    Block,
    Flow,
}

/// Where a node stands in the decoded text: bytes from 0, lines from 1, the end exclusive in bytes and inclusive in lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub line: u32,
    pub end_line: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct NodeData {
    pub(super) kind: Kind,
    pub(super) tag: Tag,
    pub(super) style: Style,
    /// Whether an anchor names it, so that aliases may stand for it.
    pub(super) anchored: bool,
    /// Whether a tag is written before it.
    pub(super) tagged: bool,
    /// Number in `uris`, where the tag is `Other`.
    pub(super) uri: u32,
    /// Place in `pool` (scalar) or in `links` (collection).
    pub(super) at: u32,
    pub(super) len: u32,
    pub(super) span: Span,
}
