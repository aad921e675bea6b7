//! Where a document's comments are: the parser passes over them, so they are looked for between its scalars.

use std::collections::HashSet;

use crate::yaml::{Document, Kind, Node};

/// The bytes of all comments in the numbered documents, each from its `#` to the end of its line.
pub(super) fn find(documents: &[Document], wanted: &[usize]) -> Vec<(usize, usize)> {
    let (Some(first), false) = (documents.first(), wanted.is_empty()) else { return Vec::new() };
    let source = first.shared_root().source();
    let lines = line_starts(source);
    // A document reaches to where the next one begins; what stands before the first belongs to it.
    let begins = |number: usize| match documents.get(number) {
        Some(_) if number == 0 => 0,
        Some(document) => lines.get(document.line_start.saturating_sub(1) as usize).copied().unwrap_or(source.len()),
        None => source.len(),
    };
    let mut comments = Vec::new();
    for &number in wanted {
        let mut scalars = Vec::new();
        collect(documents[number].root(), &mut HashSet::new(), &mut scalars);
        scalars.sort_unstable();
        let mut at = begins(number);
        let end = begins(number + 1);
        for (from, to) in scalars.into_iter().chain([(end, end)]) {
            if from > at {
                between(source, at, from, &mut comments);
            }
            at = at.max(to);
        }
    }
    comments
}

/// Comments in a stretch without scalars: a `#` at its start or behind a blank, up to the end of the line.
fn between(source: &str, from: usize, to: usize, comments: &mut Vec<(usize, usize)>) {
    let bytes = source.as_bytes();
    let mut at = from;
    while at < to {
        let opens = bytes[at] == b'#' && (at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'\r'));
        if !opens {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len() - at);
        comments.push((at, at + length));
        at += length;
    }
}

fn collect(node: Node<'_>, seen: &mut HashSet<u32>, scalars: &mut Vec<(usize, usize)>) {
    if !seen.insert(node.id()) {
        return;
    }
    match node.kind() {
        Kind::Scalar => scalars.push((node.span().start as usize, node.span().end as usize)),
        Kind::Sequence => node.items().for_each(|item| collect(item, seen, scalars)),
        Kind::Mapping => node.entries().for_each(|(key, value)| {
            collect(key, seen, scalars);
            collect(value, seen, scalars);
        }),
    }
}

fn line_starts(source: &str) -> Vec<usize> {
    let bytes = source.as_bytes();
    let breaks = |at: &usize| match bytes[*at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    std::iter::once(0).chain((0..bytes.len()).filter(breaks).map(|at| at + 1)).collect()
}
