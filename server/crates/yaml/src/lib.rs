//! YAML text to nodes with places, the way libyaml and YAML 1.1 read it, bounded in every direction.
//!
//! Whole-file rule: one error and the file has no documents.

mod build;
mod bytes;
mod canonical;
mod decode;
mod digest;
mod directives;
mod duplicates;
mod error;
mod hidden;
mod json;
mod limits;
mod node;
mod parser;
mod reading;
mod scalars;
mod scanner;
mod tag;
mod token;
mod tree;

use std::sync::Arc;

use entity::kind::ProblemClass;

pub use digest::Digest;
pub use error::YamlError;
pub use hidden::{Cover, Hidden};
pub use limits::Limits;
pub use node::{Node, SharedNode};
pub use reading::Reading;
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
    if text.len() > limits.bytes {
        return Err(YamlError {
            class: ProblemClass::Size,
            message: format!("the file has {} bytes, more than the limit of {}", text.len(), limits.bytes),
            line: None,
            column: None,
        });
    }
    let source = decode::decode(text)?;
    let (tree, raw) = parser::run(&source, limits, Escapes::Yaml)
        .or_else(|error| if is_json(&source) { parser::run(&source, limits, Escapes::Json) } else { Err(error) })
        .map_err(|error| name_template(error, text))?;
    let tree = Arc::new(tree);
    let document = |raw: parser::Raw| {
        let root = SharedNode { tree: Arc::clone(&tree), id: raw.root };
        Document {
            duplicate_keys: duplicates::find(root.node()),
            root,
            line_start: raw.line_start,
            line_end: raw.line_end,
            redefined_anchors: raw.redefined_anchors,
        }
    };
    Ok(raw.into_iter().map(document).collect())
}

/// Whose rules the escapes in quoted scalars follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    Yaml,
    /// Characters beyond U+FFFF are written as two halves, `\ud83d\ude00`.
    Json,
}

/// Whether the whole text is one JSON value, which kubectl reads as such and not as YAML.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// A file with template marks that is no YAML is a template, whatever exactly the parser stumbled over.
fn name_template(mut error: YamlError, text: &[u8]) -> YamlError {
    let is_template = || text.windows(2).any(|pair| pair == b"{{" || pair == b"{%");
    if matches!(error.class, ProblemClass::Syntax | ProblemClass::Tab | ProblemClass::Anchor) && is_template() {
        error.class = ProblemClass::Template;
    }
    error
}
