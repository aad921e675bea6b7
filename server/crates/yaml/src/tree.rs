use std::sync::OnceLock;

use crate::Hidden;
use crate::Tag;

/// All nodes of one file in one place: no allocation per node, aliases are the node's number again.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<NodeData>,
    /// Children of collections, each collection's in one run; mappings hold key, value, key, value.
    pub(crate) links: Vec<u32>,
    /// The file's text, then the texts of scalars that do not stand in it as they read (escapes, folding).
    pub(crate) pool: String,
    /// How much of `pool` is the file's text.
    pub(crate) source_len: usize,
    /// URIs of tags that are not YAML's own.
    pub(crate) uris: Vec<Box<str>>,
    /// Where anchors and tags that are not YAML's own stand: few nodes have one.
    pub(crate) properties: Vec<Property>,
    /// Where aliases stand.
    pub(crate) aliases: Vec<Place>,
    /// What of it must not be shown, once somebody looked.
    pub(crate) hidden: OnceLock<Hidden>,
}

/// What stands before a node and belongs to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Property {
    pub(crate) id: u32,
    pub(crate) anchor: Option<(u32, u32)>,
    pub(crate) tag: Option<(u32, u32)>,
}

/// The bytes of an alias and the node that it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) id: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
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
pub(crate) struct NodeData {
    pub(crate) kind: Kind,
    pub(crate) tag: Tag,
    pub(crate) style: Style,
    /// Whether an anchor names it, so that aliases may stand for it.
    pub(crate) anchored: bool,
    /// Whether a tag is written before it.
    pub(crate) tagged: bool,
    /// Number in `uris`, where the tag is `Other`.
    pub(crate) uri: u32,
    /// Place in `pool` (scalar) or in `links` (collection).
    pub(crate) at: u32,
    pub(crate) len: u32,
    pub(crate) span: Span,
}
