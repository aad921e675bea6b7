use std::collections::HashSet;

use crate::{Kind, Node, Tag};

/// Mappings up to this size are compared pair by pair: cheaper than hashing for nearly all of them.
const FEW: usize = 12;
/// More than this many of one document are not listed.
const MOST: usize = 100;

/// Keys that stand twice in one mapping (`<<` may): the line of the later one, and the key.
pub(crate) fn find(root: Node<'_>) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    collect(root, &mut found);
    found
}

fn collect(node: Node<'_>, found: &mut Vec<(u32, String)>) {
    match node.kind() {
        Kind::Scalar => {}
        Kind::Sequence => node.items().for_each(|item| collect(item, found)),
        Kind::Mapping => {
            let keys = || node.entries().map(|(key, _)| key).filter(|key| key.tag() != Tag::Merge);
            if node.entries().len() <= FEW {
                for (index, key) in keys().enumerate() {
                    if keys().take(index).any(|earlier| is_same(earlier, key)) {
                        note(key, found);
                    }
                }
            } else {
                let mut seen = HashSet::with_capacity(node.entries().len());
                for key in keys() {
                    if let Some(text) = key.scalar()
                        && !seen.insert((key.tag(), key.tag_uri(), text))
                    {
                        note(key, found);
                    }
                }
            }
            for (key, value) in node.entries() {
                if key.kind() != Kind::Scalar {
                    collect(key, found);
                }
                collect(value, found);
            }
        }
    }
}

fn is_same(left: Node<'_>, right: Node<'_>) -> bool {
    left.has_text_of(right) && left.tag() == right.tag() && left.tag_uri() == right.tag_uri()
}

fn note(key: Node<'_>, found: &mut Vec<(u32, String)>) {
    if found.len() < MOST {
        found.push((key.span().line, key.scalar().unwrap_or_default().chars().take(200).collect()));
    }
}
