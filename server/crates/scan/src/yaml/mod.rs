//! YAML text to nodes with places, the way libyaml and YAML 1.1 read it, bounded in every direction.
//!
//! Whole-file rule: one error and the file has no documents.

mod build;
mod digest;
mod error;
mod events;
mod json;
mod limits;
mod node;
mod tag;
mod tree;

use std::sync::Arc;

pub use digest::Digest;
pub use error::YamlError;
pub use limits::Limits;
pub use node::{Node, SharedNode};
pub use tag::{Tag, resolve_plain};
pub use tree::{Kind, Span, Style};

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    root: SharedNode,
    /// First line of the document's text, from 1.
    pub line_start: u32,
    /// Last line of the document's text.
    pub line_end: u32,
    /// Keys that stand twice in one mapping: the line of the later one, and the key.
    pub duplicate_keys: Vec<(u32, String)>,
    /// Whether an anchor is defined twice: legal, though some parsers refuse it.
    pub redefined_anchors: bool,
}

impl Document {
    /// The document's root; null for an empty document.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.root.node()
    }

    /// The root, with its file kept alive.
    #[must_use]
    pub fn shared_root(&self) -> &SharedNode {
        &self.root
    }
}

/// Reads a file's documents.
///
/// # Errors
/// The first thing that is wrong with the file, or the first limit that it exceeds.
pub fn parse(text: &[u8], limits: &Limits) -> Result<Vec<Document>, YamlError> {
    let source = std::str::from_utf8(text)
        .map_err(|error| YamlError::new(entity::kind::ProblemClass::Encoding, error.to_string(), 1, 1))?;
    let (builder, raw) = events::build(source, limits)?;
    let tree = Arc::new(builder.finish(source));
    Ok(raw
        .into_iter()
        .map(|raw| Document {
            root: SharedNode { tree: Arc::clone(&tree), id: raw.root },
            line_start: raw.line_start,
            line_end: raw.line_end,
            duplicate_keys: Vec::new(),
            redefined_anchors: raw.redefined,
        })
        .collect())
}
