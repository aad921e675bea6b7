//! What detectors share: bounded reading of texts.

use entity::input::{ResourceKey, SourceRef};
use entity::view::MASK;
use yaml::{Node, Reading, Tag};

use super::Facts;

/// Images or charts kept of one manifest; real ones have a few dozen.
pub const MAX_FINDINGS: usize = 500;
/// Longest text kept as a version, address or name.
const MAX_TEXT: usize = 500;
/// What SOPS leaves in place of a value.
const ENCRYPTED: &str = "ENC[";

/// Any scalar but null, as written: versions such as `1.10` are meant as text. A boolean has one spelling. Nothing where it
/// is secret.
pub fn plain(node: Option<Node<'_>>) -> Option<String> {
    let node = node?;
    let text = match (node.tag(), node.reading()?) {
        (Tag::Null, _) => return None,
        (Tag::Bool, Reading::Bool(value)) if !node.is_hidden() => {
            if value {
                "true"
            } else {
                "false"
            }
        }
        _ => node.shown().filter(|text| *text != MASK)?.trim(),
    };
    (!text.is_empty() && text.len() <= MAX_TEXT && !text.starts_with(ENCRYPTED)).then(|| text.to_owned())
}

/// The scalar at a path.
pub fn plain_at(node: Node<'_>, path: &[&str]) -> Option<String> {
    plain(node.at(path))
}

/// A reference to a source, as `chartRef` and `sourceRef` write it; `kind` is meant where none is written.
pub fn source_ref(kind: &str, node: Option<Node<'_>>) -> Option<SourceRef> {
    let node = node?;
    Some(SourceRef {
        kind: plain(node.get("kind")).unwrap_or_else(|| kind.to_owned()),
        name: plain(node.get("name"))?,
        namespace: plain(node.get("namespace")),
    })
}

/// The items of a list, as many as are worth reading.
pub fn list(node: Option<Node<'_>>) -> impl Iterator<Item = Node<'_>> {
    node.into_iter().flat_map(Node::items).take(MAX_FINDINGS)
}

/// The last segment of an address or path: `oci://ghcr.io/org/charts/app` gives `app`. Slashes within templates such
/// as `${PATH:=a/b}` part nothing.
pub fn last_segment(url: &str) -> Option<String> {
    let url = url.trim_end_matches('/');
    let outside = outside_templates(url);
    let start = (0..url.len()).rev().find(|&at| url.as_bytes()[at] == b'/' && outside[at]).map_or(0, |at| at + 1);
    (start < url.len()).then(|| url[start..].to_owned())
}

/// Puts findings into an order that the text's formatting does not decide, and completes the source.
pub fn settle(facts: &mut Facts, key: &ResourceKey) {
    if let Some(source) = &mut facts.source
        && source.namespace.is_none()
        && !key.namespace.is_empty()
    {
        source.namespace = Some(key.namespace.clone());
    }
    facts.images.sort_unstable_by(|a, b| a.field_path.cmp(&b.field_path).then_with(|| a.image.cmp(&b.image)));
    facts.images.dedup();
}

/// Which bytes stand outside `${…}` and `{{…}}`, whose colons, slashes and spaces mean something else.
pub fn outside_templates(text: &str) -> Vec<bool> {
    let bytes = text.as_bytes();
    let mut outside = Vec::with_capacity(bytes.len());
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        let opens =
            *byte == b'{' && (depth > 0 || (at > 0 && bytes[at - 1] == b'$') || bytes.get(at + 1) == Some(&b'{'));
        if opens {
            depth += 1;
        }
        outside.push(depth == 0);
        if *byte == b'}' && depth > 0 {
            depth -= 1;
        }
    }
    outside
}
