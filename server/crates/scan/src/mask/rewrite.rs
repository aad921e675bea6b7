//! A file's text with masks in the place of what is secret: line by line as long as before, and the same YAML.

use std::collections::HashMap;

use entity::view::MASK;

use yaml::{Cover, Hidden, Node, SharedNode, Style, Tag};

/// The text of the file that a node is of, secrets masked.
#[must_use]
pub fn masked(root: &SharedNode) -> String {
    match root.hidden() {
        Some(hidden) => masked_by(root, hidden),
        None => root.source().to_owned(),
    }
}

/// A piece of the text, and what comes in its place.
struct Edit<'h> {
    start: usize,
    end: usize,
    new: New<'h>,
}

enum New<'h> {
    /// What stands for a scalar.
    Scalar(u32, &'h Cover),
    Comment,
    Text(String),
}

/// The same by what was found, whether or not the file was told to hide it.
#[must_use]
pub fn masked_by(root: &SharedNode, hidden: &Hidden) -> String {
    let source = root.source();
    let mut edits: Vec<Edit<'_>> = hidden
        .covers()
        .map(|(id, cover)| {
            let span = root.numbered(id).span();
            Edit { start: span.start as usize, end: span.end as usize, new: New::Scalar(id, cover) }
        })
        .collect();
    edits.extend(hidden.comments().iter().map(|&(start, end)| Edit { start, end, new: New::Comment }));
    properties(root, hidden, &mut edits);
    edits.sort_by_key(|edit| edit.start);
    let mut masked = String::with_capacity(source.len());
    let mut from = 0;
    for edit in edits {
        if edit.start < from || edit.end <= edit.start {
            continue;
        }
        masked.push_str(source.get(from..edit.start).unwrap_or_default());
        from = edit.end;
        match edit.new {
            New::Text(text) => masked.push_str(&text),
            New::Comment => {
                masked.push_str("# ");
                masked.push_str(MASK);
            }
            New::Scalar(id, cover) => scalar(root.numbered(id), cover, source, &mut masked),
        }
    }
    masked.push_str(source.get(from..).unwrap_or_default());
    masked
}

/// Tags and names of anchors within secrets may be made of them: tags go, anchors are numbered.
fn properties(root: &SharedNode, hidden: &Hidden, edits: &mut Vec<Edit<'_>>) {
    if !hidden.has_within() {
        return;
    }
    let mut names = HashMap::new();
    for (node, anchor, tag) in root.properties().filter(|(node, _, _)| hidden.is_within(node.id())) {
        if let Some((start, end)) = anchor {
            let number = names.len() + 1;
            names.insert(node.id(), number);
            let new = New::Text(format!("&hidden-{number}"));
            edits.push(Edit { start: start as usize, end: end as usize, new });
        }
        if let Some((start, end)) = tag.filter(|_| node.tag() == Tag::Other) {
            edits.push(Edit { start: start as usize, end: end as usize, new: New::Text(String::new()) });
        }
    }
    for (id, (start, end)) in root.aliases() {
        if let Some(number) = names.get(&id) {
            let new = New::Text(format!("*hidden-{number}"));
            edits.push(Edit { start: start as usize, end: end as usize, new });
        }
    }
}

fn scalar(node: Node<'_>, cover: &Cover, source: &str, masked: &mut String) {
    let span = node.span();
    let (start, end) = (span.start as usize, span.end as usize);
    let raw = source.get(start..end).unwrap_or_default();
    let is_block = matches!(raw.as_bytes().first(), Some(b'|' | b'>'));
    if let Cover::Parts(shown) = cover {
        if node.style() == Style::Literal && literal(raw, node.scalar().unwrap_or_default(), shown, masked) {
            return;
        }
        if span.line == span.end_line
            && let Some(quote) = quote(node, raw)
        {
            masked.extend([quote, shown, quote]);
            return;
        }
    }
    // A plain value may follow its anchor at once (`&a:b`), a quoted one must not.
    if masked.ends_with(|last: char| !matches!(last, ' ' | '\t' | '\n' | '\r' | '[' | '{' | ',')) {
        masked.push(' ');
    }
    if is_block && masked.rsplit(['\n', '\r']).next().is_none_or(|line| line.trim().is_empty()) {
        // Alone on its line a block scalar may stand further out than a quoted one may.
        masked.push_str("|- # ");
        masked.push_str(MASK);
    } else {
        let text = match cover {
            Cover::Whole => MASK,
            Cover::Parts(shown) => shown,
        };
        // What JSON escapes, YAML understands.
        masked.push_str(&serde_json::Value::from(text).to_string());
    }
    let lines = span.end_line.saturating_sub(span.line) as usize;
    masked.extend(std::iter::repeat_n('\n', lines));
    if lines > 0 {
        let rest = source.get(end..).unwrap_or_default();
        let rest = rest.split(['\n', '\r']).next().unwrap_or_default();
        if !rest.trim().is_empty() {
            masked.push_str(indentation(source, end));
        }
    }
}

/// The quotes of a scalar on one line that stands in the text as it reads.
fn quote(node: Node<'_>, raw: &str) -> Option<&'static str> {
    let text = node.scalar()?;
    let quote = match node.style() {
        Style::Plain => "",
        Style::SingleQuoted => "'",
        Style::DoubleQuoted => "\"",
        _ => return None,
    };
    (raw.strip_prefix(quote)?.strip_suffix(quote)? == text).then_some(quote)
}

/// A literal block with masks in its lines. `false`, and nothing written, where the lines cannot be told.
fn literal(raw: &str, text: &str, shown: &str, masked: &mut String) -> bool {
    let Some((header, body)) = raw.split_once('\n') else { return false };
    let (mut old, mut new) = (text.split('\n'), shown.split('\n'));
    let header_end = header.trim_end_matches('\r');
    let mut block = header_end.split('#').next().unwrap_or_default().trim_end().to_owned();
    block.push_str(&header[header_end.len()..]);
    for line in body.split('\n') {
        block.push('\n');
        let bare = line.trim_end_matches('\r');
        match (old.next(), new.next()) {
            (Some(old), Some(new)) => {
                let Some(indent) = bare.strip_suffix(old.trim_end_matches('\r')) else { return false };
                if !indent.bytes().all(|byte| byte == b' ') {
                    return false;
                }
                block.push_str(if old == new { line } else { indent });
                if old != new {
                    block.push_str(new.trim_end_matches('\r'));
                    block.push_str(&line[bare.len()..]);
                }
            }
            (None, None) if bare.trim().is_empty() => block.push_str(line),
            _ => return false,
        }
    }
    if old.any(|line| !line.is_empty()) || new.any(|line| !line.is_empty()) {
        return false;
    }
    masked.push_str(&block);
    true
}

/// The blanks that the line of an offset starts with: what stands behind a masked value stays as far in as it was.
fn indentation(source: &str, at: usize) -> &str {
    let before = source.get(..at).unwrap_or_default();
    let line = &before[before.rfind(['\n', '\r']).map_or(0, |line| line + 1)..];
    &line[..line.len() - line.trim_start_matches(' ').len()]
}
