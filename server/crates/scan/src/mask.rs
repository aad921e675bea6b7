//! Which values of a file are secret, and its text without them.
//!
//! Secret are all values under `data` and `stringData` of a core `Secret` (and what `kubectl apply` notes about them
//! in an annotation), and in a document that SOPS encrypted the encrypted values and SOPS' own block. Masking works
//! on the places of values: the text keeps its lines and its structure. Comments of such documents are masked as well.

mod comments;

use entity::view::MASK;

use crate::identity::is_sops;
use crate::yaml::{Document, Kind, Node, Span, Tag};

/// `kubectl apply` keeps the whole object here, values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Merges and lists within lists are followed this far.
const NESTING: usize = 8;

/// The secret scalars of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Numbers of the nodes, ascending.
    ids: Vec<u32>,
    spans: Vec<Span>,
    /// Comments of documents with secret values, by their bytes: people note passwords there too.
    comments: Vec<(usize, usize)>,
}

impl Hidden {
    /// Finds the secret values of all documents. An anchored value is secret wherever it stands.
    #[must_use]
    pub fn find(documents: &[Document]) -> Self {
        let mut found = Vec::new();
        let mut commented = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            let before = found.len();
            hide_object(document.root(), false, 0, &mut found);
            if is_sops(document.root()) {
                hide_sops(document.root(), &mut found);
            }
            if found.len() > before {
                commented.push(number);
            }
        }
        let comments = comments::find(documents, &commented);
        found.sort_unstable_by_key(|(id, _)| *id);
        found.dedup_by_key(|(id, _)| *id);
        let (ids, spans) = found.into_iter().unzip();
        Self { ids, spans, comments }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether a scalar's text must not be shown.
    #[must_use]
    pub fn contains(&self, node: Node<'_>) -> bool {
        self.ids.binary_search(&node.id()).is_ok()
    }

    /// The text with a mask in place of every secret value, line by line as long as before.
    #[must_use]
    pub fn mask(&self, source: &str) -> String {
        let value = |span: &Span| (span.start as usize, span.end as usize, Some(*span));
        let comment = |(start, end): &(usize, usize)| (*start, *end, None);
        let mut places: Vec<_> = self.spans.iter().map(value).chain(self.comments.iter().map(comment)).collect();
        places.sort_unstable_by_key(|(start, _, _)| *start);
        let mut masked = String::with_capacity(source.len());
        let mut from = 0;
        for (start, end, span) in places {
            if start < from || end <= start {
                continue;
            }
            masked.push_str(source.get(from..start).unwrap_or_default());
            let Some(span) = span else {
                masked.push_str("# ");
                masked.push_str(MASK);
                from = end;
                continue;
            };
            // A plain value may follow its anchor at once (`&a:b`), a quoted one must not.
            if masked.ends_with(|last: char| !matches!(last, ' ' | '\t' | '\n' | '\r' | '[' | '{' | ',')) {
                masked.push(' ');
            }
            if source.as_bytes().get(start).is_some_and(|byte| matches!(byte, b'|' | b'>'))
                && masked.rsplit(['\n', '\r']).next().is_none_or(|line| line.trim().is_empty())
            {
                // Alone on its line a block scalar may stand further out than a quoted one may.
                masked.push_str("|- # ");
                masked.push_str(MASK);
            } else {
                masked.push('"');
                masked.push_str(MASK);
                masked.push('"');
            }
            from = end;
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
        masked.push_str(source.get(from..).unwrap_or_default());
        masked
    }
}

/// The blanks that the line of an offset starts with: what stands behind a masked value stays as far in as it was.
fn indentation(source: &str, at: usize) -> &str {
    let before = source.get(..at).unwrap_or_default();
    let line = &before[before.rfind(['\n', '\r']).map_or(0, |line| line + 1)..];
    &line[..line.len() - line.trim_start_matches(' ').len()]
}

/// Whether a document is, or may be meant as, a core Secret.
#[must_use]
pub fn is_secret(root: Node<'_>) -> bool {
    let text = |key| root.get(key).and_then(Node::text);
    text("kind") == Some("Secret") && text("apiVersion").is_none_or(|version| !version.contains('/'))
}

fn hide_object(root: Node<'_>, in_secret_list: bool, depth: usize, found: &mut Vec<(u32, Span)>) {
    if !root.is_mapping() || depth > NESTING {
        return;
    }
    let kind = root.get("kind").and_then(Node::text);
    if is_secret(root) || (in_secret_list && kind.is_none()) {
        hide_secret(root, 0, found);
    }
    // Lists of any kind may hold Secrets; those of a SecretList need not say so.
    if kind.is_some_and(|kind| kind.ends_with("List")) {
        let of_secrets = kind == Some("SecretList");
        for item in root.get("items").into_iter().flat_map(Node::items) {
            hide_object(item, of_secrets, depth + 1, found);
        }
    }
}

/// All keys count here, duplicates and merged ones too: what `get` would not find is secret all the same.
fn hide_secret(root: Node<'_>, depth: usize, found: &mut Vec<(u32, Span)>) {
    for (key, value) in root.entries() {
        match key.scalar() {
            Some("data" | "stringData") => hide_values(value, found),
            Some("metadata" | "annotations") => hide_secret(value, depth, found),
            Some(LAST_APPLIED) => hide_values(value, found),
            _ if key.tag() == Tag::Merge && depth < NESTING => {
                if value.is_sequence() {
                    value.items().for_each(|source| hide_secret(source, depth + 1, found));
                } else {
                    hide_secret(value, depth + 1, found);
                }
            }
            _ => {}
        }
    }
}

fn hide_values(node: Node<'_>, found: &mut Vec<(u32, Span)>) {
    match node.kind() {
        Kind::Scalar => hide(node, found),
        Kind::Sequence => node.items().for_each(|item| hide_values(item, found)),
        Kind::Mapping => node.entries().for_each(|(_, value)| hide_values(value, found)),
    }
}

fn hide(node: Node<'_>, found: &mut Vec<(u32, Span)>) {
    if node.span().end > node.span().start {
        found.push((node.id(), node.span()));
    }
}

fn hide_sops(root: Node<'_>, found: &mut Vec<(u32, Span)>) {
    for (key, value) in root.entries() {
        if key.scalar() == Some("sops") {
            hide_values(value, found);
        } else {
            hide_encrypted(value, found);
        }
    }
}

fn hide_encrypted(node: Node<'_>, found: &mut Vec<(u32, Span)>) {
    match node.kind() {
        Kind::Scalar if node.scalar().is_some_and(|text| text.starts_with("ENC[")) => hide(node, found),
        Kind::Scalar => {}
        Kind::Sequence => node.items().for_each(|item| hide_encrypted(item, found)),
        Kind::Mapping => node.entries().for_each(|(_, value)| hide_encrypted(value, found)),
    }
}
