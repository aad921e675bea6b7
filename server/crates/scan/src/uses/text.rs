//! Scalars of documents as texts, bounded.

use std::collections::HashMap;

use entity::kind::ValueType;
use yaml::{Node, Tag};

/// Longest name, address or version that is read.
pub const MAX_TEXT: usize = 4_000;
/// Items of one list that are read.
pub const MAX_LISTED: usize = 10_000;
/// What SOPS leaves in place of a value.
pub const ENCRYPTED: &str = "ENC[";

/// Whether something is left to be filled in.
pub use entity::credential::is_template;

/// A scalar's text as written, booleans with one spelling, and its type; `None` for collections.
pub fn scalar(node: Node<'_>) -> Option<(&str, ValueType)> {
    let text = node.scalar()?;
    Some(match node.tag() {
        Tag::Null | Tag::Cycle => ("null", ValueType::Null),
        Tag::Bool => (if crate::build::is_true(node) { "true" } else { "false" }, ValueType::Boolean),
        Tag::Int | Tag::Float => (text, ValueType::Number),
        _ => (text, ValueType::String),
    })
}

/// The text of a scalar that is a string and not empty.
pub fn string(node: Option<Node<'_>>) -> Option<&str> {
    node?.string().filter(|text| text.len() <= MAX_TEXT)
}

/// The trimmed text of any scalar but null; `None` where it is empty.
pub fn word(node: Option<Node<'_>>) -> Option<&str> {
    let (text, kind) = scalar(node?)?;
    let text = text.trim();
    (kind != ValueType::Null && !text.is_empty() && text.len() <= MAX_TEXT).then_some(text)
}

/// The trimmed text at a path.
pub fn word_at<'t>(node: Node<'t>, path: &[&str]) -> Option<&'t str> {
    word(node.at(path))
}

/// The same, to keep.
pub fn owned(node: Option<Node<'_>>) -> Option<Box<str>> {
    word(node).map(Into::into)
}

/// The items of a list, as many as are worth reading.
pub fn items(node: Option<Node<'_>>) -> impl Iterator<Item = Node<'_>> {
    node.into_iter().flat_map(Node::items).take(MAX_LISTED)
}

/// The entries of a mapping by the texts of their keys, in the order of those, each once: the last of duplicates, and what
/// merge keys add.
pub fn entries(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let merges = node.entries().any(|(key, _)| key.tag() == Tag::Merge);
    let mut entries: Vec<(&str, Node<'_>)> = match merges {
        true => node.fields().into_iter().filter_map(named).collect(),
        false => node.entries().filter_map(named).collect(),
    };
    if merges {
        entries.reverse();
    }
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            *kept = *next;
        }
        is_same
    });
    entries
}

/// The same entries in the order in which they are written; those that merge keys add come last.
pub fn in_order(node: Node<'_>) -> Vec<(&str, Node<'_>)> {
    let mut left: HashMap<&str, Node<'_>> = entries(node).into_iter().collect();
    let written = node.entries().filter_map(named).chain(node.fields().into_iter().filter_map(named));
    written.filter_map(|(key, _)| left.remove_entry(key)).collect()
}

fn named<'t>((key, value): (Node<'t>, Node<'t>)) -> Option<(&'t str, Node<'t>)> {
    (key.tag() != Tag::Merge).then_some(())?;
    Some((key.scalar()?, value))
}
