//! Flux' variables (`postBuild`): what stands for `${name}` in the names and namespaces of a build.

use std::collections::BTreeMap;

use yaml::{Node, Tag};

/// Variables kept of one map; real ones have a few dozen.
const MAX_VARIABLES: usize = 2_000;
/// Longest value kept, and longest text that comes of putting values in.
const MAX_TEXT: usize = 1_000;
/// What SOPS leaves in place of a value.
const ENCRYPTED: &str = "ENC[";

/// Values by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads a map of values, as `substitute` and a ConfigMap's `data` write it. What is encrypted stays unknown.
    pub(super) fn read(map: Option<Node<'_>>) -> Self {
        let Some(map) = map else { return Self::default() };
        // The last of duplicates counts, and is the one that stays.
        let known = map.entries().filter_map(|(name, value)| Some((name.text()?.to_owned(), scalar(value)?)));
        Self(known.take(MAX_VARIABLES).collect())
    }

    /// Puts others over these.
    pub(super) fn extend(&mut self, over: &Self) {
        self.0.extend(over.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// Whether a text may become another one.
    pub(super) fn may_change(text: &str) -> bool {
        text.contains('$') || text.len() > MAX_TEXT
    }

    /// Replaces `${name}` and its forms with a default; `$${name}` stands for a literal `${name}`, and a name that is not
    /// known stays as written. `None` where the result is too long for a name.
    #[must_use]
    pub fn put_into(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match Variable::read(rest) {
                Some(variable) => {
                    out.push_str(&self.value(&variable)?);
                    rest = &rest[variable.written.len()..];
                }
                None => {
                    out.push('$');
                    rest = &rest[1..];
                }
            }
            if out.len() > MAX_TEXT {
                return None;
            }
        }
        out.push_str(rest);
        (out.len() <= MAX_TEXT).then_some(out)
    }

    fn value(&self, variable: &Variable<'_>) -> Option<String> {
        if variable.escaped {
            return Some(variable.written[1..].to_owned());
        }
        match (self.0.get(variable.name), variable.default) {
            (Some(value), default) if !value.is_empty() || default.is_none_or(|(_, or_empty)| !or_empty) => {
                Some(value.clone())
            }
            (_, Some((default, _))) => self.put_into(default),
            (_, None) => Some(variable.written.to_owned()),
        }
    }
}

/// A variable as a text writes it.
struct Variable<'t> {
    written: &'t str,
    escaped: bool,
    name: &'t str,
    /// The default, and whether an empty value takes it too (written with a colon).
    default: Option<(&'t str, bool)>,
}

impl<'t> Variable<'t> {
    /// The variable that a text begins with.
    fn read(text: &'t str) -> Option<Self> {
        let rest = text.strip_prefix('$')?;
        let (escaped, rest) = rest.strip_prefix('$').map_or((false, rest), |rest| (true, rest));
        let rest = rest.strip_prefix('{')?;
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = rest.split_at(length);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let written = |rest: &str| &text[..text.len() - rest.len()];
        if let Some(rest) = rest.strip_prefix('}') {
            return Some(Self { written: written(rest), escaped, name, default: None });
        }
        let (or_empty, rest) = rest.strip_prefix(':').map_or((false, rest), |rest| (true, rest));
        let rest = rest.strip_prefix(['=', '-'])?;
        let (default, rest) = rest.split_at(end_of_default(rest)?);
        Some(Self { written: written(&rest[1..]), escaped, name, default: Some((default, or_empty)) })
    }
}

/// Where the brace stands that closes a default, which may hold variables of its own.
fn end_of_default(text: &str) -> Option<usize> {
    let mut inner = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' if !inner && text[..at].ends_with('$') => inner = true,
            '{' => return None,
            '}' if inner => inner = false,
            '}' => return Some(at),
            _ => {}
        }
    }
    None
}

/// A scalar's text; YAML 1.1's words for truth in the form that they are put in.
fn scalar(node: Node<'_>) -> Option<String> {
    let text = node.scalar()?;
    match node.tag() {
        Tag::Null => None,
        Tag::Bool => Some(is_true(node).to_string()),
        _ => (text.len() <= MAX_TEXT && !text.starts_with(ENCRYPTED)).then(|| text.to_owned()),
    }
}

/// Whether a scalar is true, or the text `true`.
pub(crate) fn is_true(node: Node<'_>) -> bool {
    let Some(text) = node.scalar() else { return false };
    match node.tag() {
        Tag::Bool => ["true", "yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => text == "true",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml::{Limits, parse};

    fn variables(text: &str) -> Variables {
        let documents = parse(text.as_bytes(), &Limits::default()).unwrap();
        Variables::read(Some(documents[0].root()))
    }

    #[test]
    fn values_and_defaults_are_put_in_as_flux_does() {
        let known = variables("{app: web, empty: '', number: 8080, yes_: yes, sealed: 'ENC[abc]', nothing: null}");
        for (written, right) in [
            ("${app}", "web"),
            ("ns-${app}-${number}", "ns-web-8080"),
            ("${yes_}", "true"),
            ("${empty}x", "x"),
            ("${empty:=full}", "full"),
            ("${empty:-full}", "full"),
            ("${empty=full}", ""),
            ("${other:=full}", "full"),
            ("${other-full}", "full"),
            ("${other:=${app}-x}", "web-x"),
            ("${other:=}", ""),
            ("${other}", "${other}"),
            ("${sealed}${nothing}", "${sealed}${nothing}"),
            ("$${app}", "${app}"),
            ("$app ${1a} ${app", "$app ${1a} ${app"),
            ("${other:={x}}", "${other:={x}}"),
        ] {
            assert_eq!(known.put_into(written).as_deref(), Some(right), "{written}");
        }
    }

    #[test]
    fn later_values_go_over_earlier_ones_and_nothing_grows_without_bound() {
        let mut known = variables("{a: one, b: two}");
        known.extend(&variables("{b: three}"));
        assert_eq!(known.put_into("${a} ${b}").as_deref(), Some("one three"));
        let long = variables(&format!("{{a: {}}}", "x".repeat(900)));
        assert_eq!(long.put_into("${a}${a}"), None);
    }
}
