//! Secrets within one text: addresses, assignments, options, and texts that are YAML themselves.

use entity::credential::{is_template, names_credential, without_credentials};
use entity::view::MASK;
use memchr::memchr2;
use yaml::{Cover, Document, Hidden, Limits, Node, parse};

use super::scope::Scope;
use super::{Rules, rewrite, signs};

/// Texts within texts are read this far.
pub(super) const MAX_NESTING: u8 = 4;
/// A text within a file is read within these bounds; what is over them is masked as a whole where it may hold secrets.
const LIMITS: Limits = Limits { bytes: 1 << 20, nodes: 100_000, depth: 64, expanded_nodes: 100_000 };

/// Finds what the documents in a text hide.
pub(super) type Find = fn(&[Document], &Rules, Scope) -> Hidden;

/// How a scalar's text is shown; `None` where nothing in it is secret.
pub(super) fn cover(text: &str, rules: &Rules, scope: Scope, find: Find) -> Option<Cover> {
    let bytes = text.as_bytes();
    // Most texts are words.
    if bytes.len() < 4 || (!scope.of_secret && memchr2(b':', b'=', bytes).is_none() && !text.contains("--")) {
        return None;
    }
    if !scope.of_secret && !signs::any(text, rules) {
        return None;
    }
    let is_structured = text.contains('\n') || text.trim_start().starts_with(['{', '[']);
    if is_structured {
        if let Some(found) = embedded(text, rules, scope, find) {
            return found;
        }
        // A manifest that is a template, or too large to be read.
        if may_be_secret(text) {
            return Some(Cover::Whole);
        }
    }
    let mut shown = String::new();
    if rules.credentials {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                shown.push('\n');
            }
            match is_structured.then(|| setting(line)).flatten() {
                Some(Setting::Block) => return Some(Cover::Whole),
                Some(Setting::Value(at)) => {
                    shown.push_str(&line[..at]);
                    shown.push_str(MASK);
                    shown.push_str(if line.ends_with('\r') { "\r" } else { "" });
                }
                None => options(line, &mut shown),
            }
        }
    } else {
        shown.push_str(text);
    }
    if rules.urls {
        shown = without_credentials(&shown).into_owned();
    }
    (shown != text).then(|| Cover::Parts(shown.into()))
}

/// A text that is YAML or JSON by itself. `None` where it is neither; the inner `None` where nothing in it is secret.
#[expect(clippy::option_option, reason = "not YAML, nothing secret, and what is secret are three answers")]
fn embedded(text: &str, rules: &Rules, scope: Scope, find: Find) -> Option<Option<Cover>> {
    if scope.nesting >= MAX_NESTING {
        return may_be_secret(text).then_some(Some(Cover::Whole));
    }
    let documents = parse(text.as_bytes(), &LIMITS).ok()?;
    let first = documents.first()?;
    let is_collection = |node: Node<'_>| node.is_mapping() || node.is_sequence();
    if !documents.iter().any(|document| is_collection(document.root())) {
        return None;
    }
    let hidden = find(&documents, rules, scope.within_text());
    if hidden.is_empty() {
        return Some(None);
    }
    let root = first.shared_root();
    let source_lines = text.bytes().filter(|byte| *byte == b'\n').count();
    let masked = rewrite::masked_by(root, &hidden);
    let same_lines = masked.bytes().filter(|byte| *byte == b'\n').count() == source_lines;
    Some(Some(if same_lines { Cover::Parts(masked.into()) } else { Cover::Whole }))
}

/// Whether a text that cannot be read looks like a Secret's manifest.
fn may_be_secret(text: &str) -> bool {
    let mut is_kind = false;
    let mut has_data = false;
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "-{\"',".contains(c)).to_ascii_lowercase();
        let value = |key: &str| {
            line.strip_prefix(key)
                .map(|rest| rest.trim_start_matches(['"', '\'', ' ']))
                .and_then(|rest| rest.strip_prefix(':'))
                .map(|rest| rest.trim_matches(|c: char| c.is_whitespace() || "\"',}".contains(c)))
        };
        is_kind |= value("kind").is_some_and(|kind| kind.starts_with("secret"));
        has_data |= value("data").or_else(|| value("stringdata")).is_some();
    }
    is_kind && has_data
}

enum Setting {
    /// Where the value begins.
    Value(usize),
    /// The value stands on the lines below.
    Block,
}

/// A line of settings whose name is a credential's: `password: x`, `"token" = "x",`, `export API_KEY=x`.
fn setting(line: &str) -> Option<Setting> {
    let body = line.trim_start_matches(|c: char| c.is_whitespace() || "-{,;#/".contains(c));
    let body = body.strip_prefix("export ").unwrap_or(body).trim_start_matches(['"', '\'', ' ']);
    let length = body.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))?;
    let (name, rest) = body.split_at(length);
    let rest = rest.trim_start_matches(['"', '\'', ' ', '\t']);
    let value = rest.strip_prefix(':').or_else(|| rest.strip_prefix('='))?;
    let value = value.strip_prefix('=').unwrap_or(value).trim_start();
    let bare = value.trim_matches(|c: char| c.is_whitespace() || "\"',;".contains(c));
    if !names_credential(name) || bare.is_empty() || is_template(bare) || bare.starts_with('$') || bare == "null" {
        return None;
    }
    if bare.starts_with(['|', '>']) && bare.len() < 4 {
        return Some(Setting::Block);
    }
    Some(Setting::Value(line.len() - value.len()))
}

/// Copies a line with masks in the place of what options of credentials are given: `--password x`, and what is assigned.
fn options(line: &str, shown: &mut String) {
    let mut from = 0;
    for (at, _) in line.match_indices("--") {
        let Some(rest) = line.get(at + 2..).filter(|_| at >= from) else { continue };
        let length = rest.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).unwrap_or(rest.len());
        let value = rest[length..].trim_start_matches([' ', '\t', '"', '\'']);
        if length == 0 || value.len() == rest[length..].len() || !names_credential(&rest[..length]) {
            continue;
        }
        let end = value.find(|c: char| c.is_whitespace() || "\"'`;,&|)}".contains(c)).unwrap_or(value.len());
        if end == 0 || value.starts_with(['-', '$', '\\']) || is_template(&value[..end]) {
            continue;
        }
        let start = line.len() - value.len();
        assignments(&line[from..start], shown);
        shown.push_str(MASK);
        from = start + end;
    }
    assignments(&line[from..], shown);
}

/// Copies a line with masks in the place of what is assigned to names of credentials: `--password=x`, `PGPASSWORD=x`.
fn assignments(line: &str, shown: &mut String) {
    let mut from = 0;
    while let Some(found) = line[from..].find('=') {
        let at = from + found;
        let start = line[..at]
            .rfind(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |place| place + line[place..].chars().next().map_or(1, char::len_utf8));
        let value = &line[at + 1..];
        let length = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].find(quote).map_or(value.len(), |end| end + 2),
            _ => value.find(|c: char| c.is_whitespace() || "\"'`;,&|)}".contains(c)).unwrap_or(value.len()),
        };
        let bare = value[..length].trim_matches(['"', '\'']);
        shown.push_str(&line[from..=at]);
        from = at + 1;
        let name = line[start.min(at)..at].trim_start_matches('-');
        // A label that queries of metrics ask for, not a secret.
        let is_label = name == "secret" && line[..start.min(at)].contains('{');
        if names_credential(name)
            && !is_label
            && !bare.is_empty()
            && bare != "="
            && !is_template(bare)
            && !bare.starts_with(['$', '='])
        {
            shown.push_str(MASK);
            from += length;
        }
    }
    shown.push_str(&line[from..]);
}

/// A literal of a generator, `key=value`: the whole of what follows the sign is the value.
pub(super) fn literal(text: &str, always: bool) -> Option<Cover> {
    let Some((name, value)) = text.split_once('=') else { return always.then_some(Cover::Whole) };
    let is_secret = always || (names_credential(name.trim()) && !is_template(value));
    (is_secret && !value.is_empty()).then(|| Cover::Parts(format!("{name}={MASK}").into()))
}
