//! Where a document's comments are: the parser passes over them, so they are looked for between its scalars.

use std::collections::HashSet;

use yaml::{Document, Kind, Node};

use super::Commented;

/// The bytes of all comments that may tell secrets, each from its `#` to the end of its line.
pub(super) fn find(documents: &[Document], wanted: &Commented) -> Vec<(usize, usize)> {
    let Some(first) = documents.first() else { return Vec::new() };
    if wanted.documents.is_empty() && wanted.lines.is_empty() {
        return Vec::new();
    }
    let source = first.shared_root().source();
    let lines = line_starts(source);
    // A document reaches to where the next one begins; what stands before the first belongs to it.
    let begins = |number: usize| match documents.get(number) {
        Some(_) if number == 0 => 0,
        Some(document) => lines.get(document.line_start.saturating_sub(1) as usize).copied().unwrap_or(source.len()),
        None => source.len(),
    };
    let mut comments = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        let found_before = comments.len();
        let mut scalars = Vec::new();
        collect(document.root(), &mut HashSet::new(), &mut scalars);
        scalars.sort_unstable();
        let mut at = begins(number);
        let end = begins(number + 1);
        for (from, to) in scalars.into_iter().chain([(end, end)]) {
            if from > at {
                between(source, at, from, &mut comments);
            }
            at = at.max(to);
        }
        if wanted.documents.binary_search(&number).is_err() {
            let found = comments.split_off(found_before);
            near(source, &lines, &wanted.lines, found, &mut comments);
        }
    }
    comments
}

/// Comments on lines with something secret, and those that stand right above them.
fn near(
    source: &str,
    starts: &[usize],
    secret: &[(u32, u32)],
    found: Vec<(usize, usize)>,
    comments: &mut Vec<(usize, usize)>,
) {
    let line_of = |at: usize| starts.partition_point(|start| *start <= at);
    let alone = |at: usize| source[..at].rsplit(['\n', '\r']).next().is_none_or(|line| line.trim().is_empty());
    let mut kept: Vec<(usize, usize)> = Vec::new();
    let mut below = usize::MAX;
    for (start, end) in found.into_iter().rev() {
        let line = line_of(start);
        let within = |line: usize| {
            let at = secret.partition_point(|(first, _)| *first as usize <= line);
            at > 0 && secret[at - 1].1 as usize >= line
        };
        if within(line) || (alone(start) && (below == line + 1 || within(line + 1))) {
            below = line;
            kept.push((start, end));
        }
    }
    comments.extend(kept.into_iter().rev());
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
