use std::sync::OnceLock;

use super::Tag;
use crate::mask::Hidden;

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
    /// Where anchors and tags that are not YAML's own stand: few nodes have one.
    pub(super) properties: Vec<Property>,
    /// Where aliases stand.
    pub(super) aliases: Vec<Place>,
    /// What of it must not be shown, once somebody looked.
    pub(super) hidden: OnceLock<Hidden>,
}

/// What stands before a node and belongs to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Property {
    pub(super) id: u32,
    pub(super) anchor: Option<(u32, u32)>,
    pub(super) tag: Option<(u32, u32)>,
}

/// The bytes of an alias and the node that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) id: u32,
    pub(super) start: u32,
    pub(super) end: u32,
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
