use super::YamlHtml;
use super::fold::folds;
use super::link::{NamedResource, href_of};

/// Lines beyond this are counted, not shown: a page must stay a page.
const MOST_LINES: usize = 5_000;
/// Longer lines are shown plain: colouring them helps nobody.
const LONGEST_LINE: usize = 2_000;
/// And cut here.
const MOST_OF_LINE: usize = 20_000;

/// Colours a manifest line by line; names of the resources in `links` lead to them. This is for reading, not for
/// parsing: wrong YAML is shown as it stands.
#[must_use]
pub fn highlight(text: &str, first_line: i32, links: &[NamedResource]) -> YamlHtml {
    let all_lines: Vec<&str> = text.lines().collect();
    let folds = folds(&all_lines[..all_lines.len().min(MOST_LINES)]);
    let mut html = String::with_capacity(text.len() * 3);
    let mut block: Option<usize> = None;
    let mut lines = 0;
    let mut all = 0;
    for (at, line) in all_lines.iter().copied().enumerate() {
        all += 1;
        if at >= MOST_LINES {
            continue;
        }
        lines += 1;
        let number = i64::from(first_line) + i64::try_from(at).unwrap_or(0);
        html.push_str(&format!(
            r##"<span class="line" id="L{number}"><a class="ln" href="#L{number}" data-n="{number}" aria-label="Line {number}"></a>"##
        ));
        if let Some(end) = folds[at] {
            let last = i64::from(first_line) + i64::try_from(end).unwrap_or(0);
            html.push_str(&format!(
                r#"<button type="button" class="line-fold" aria-expanded="true" data-to="{last}" aria-label="Lines {} to {last}"></button>"#,
                number + 1
            ));
        }
        let shown: &str = match line.char_indices().nth(MOST_OF_LINE) {
            Some((end, _)) => &line[..end],
            None => line,
        };
        if shown.len() > LONGEST_LINE {
            escape(shown, &mut html);
        } else {
            let href = if block.is_none() { href_of(&all_lines, at, links) } else { None };
            line_html(shown, href, &mut block, &mut html);
        }
        if shown.len() < line.len() {
            html.push('…');
        }
        html.push_str("\n</span>");
    }
    YamlHtml { html, text: text.to_owned(), lines, cut: all - lines }
}

/// Escapes text for HTML.
pub(crate) fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            // Characters that turn the direction of text around can make a line read as what it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                html.push_str(&format!(r#"<span class="y-odd" title="direction mark">U+{:04X}</span>"#, u32::from(c)));
            }
            c if c.is_control() && c != '\t' => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
}

fn span(class: &str, text: &str, html: &mut String) {
    if text.is_empty() {
        return;
    }
    html.push_str("<span class=\"y-");
    html.push_str(class);
    html.push_str("\">");
    escape(text, html);
    html.push_str("</span>");
}

/// One line; `href` is where its value leads, `block` is the indent of the key whose block scalar is open.
fn line_html(line: &str, href: Option<&str>, block: &mut Option<usize>, html: &mut String) {
    let body = line.trim_start_matches(' ');
    let indent = line.len() - body.len();
    if let Some(parent) = *block {
        if body.is_empty() || indent > parent {
            return span("s", line, html);
        }
        *block = None;
    }
    html.push_str(&line[..indent]);
    if body.starts_with('#') {
        return span("c", body, html);
    }
    if body == "---" || body == "..." || body.starts_with("--- ") || body.starts_with('%') {
        return span("d", body, html);
    }
    let mut rest = body;
    while let Some(after) = rest.strip_prefix("- ") {
        span("p", "-", html);
        html.push(' ');
        rest = after;
    }
    if rest == "-" {
        return span("p", rest, html);
    }
    // Where the innermost key starts is what a block scalar below has to be deeper than; a list item's dash counts.
    if let Some(colon) = key_end(rest) {
        span("k", &rest[..colon], html);
        span("p", ":", html);
        rest = &rest[colon + 1..];
    }
    if value_html(rest, href, html) {
        *block = Some(indent);
    }
}

/// Where the colon after a key is.
fn key_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    if let Some(quote @ (b'"' | b'\'')) = bytes.first().copied() {
        at = 1 + bytes[1..].iter().position(|b| *b == quote)? + 1;
        return (bytes.get(at) == Some(&b':')).then_some(at);
    }
    if matches!(bytes.first(), Some(b'{' | b'[' | b'|' | b'>' | b'&' | b'*' | b'!')) {
        return None;
    }
    while at < bytes.len() {
        match bytes[at] {
            b':' if bytes.get(at + 1).is_none_or(|b| *b == b' ') => return Some(at),
            b'#' if at > 0 && bytes[at - 1] == b' ' => return None,
            _ => at += 1,
        }
    }
    None
}

/// A value with what may follow it; says whether a block scalar starts.
fn value_html(text: &str, href: Option<&str>, html: &mut String) -> bool {
    let body = text.trim_start();
    html.push_str(&text[..text.len() - body.len()]);
    let (value, comment) = split_comment(body);
    let mut rest = value.trim_end();
    let gap = &value[rest.len()..];
    while let Some(first) = rest.chars().next().filter(|c| matches!(c, '&' | '*' | '!')) {
        let end = rest.find(' ').unwrap_or(rest.len());
        span(if first == '!' { "t" } else { "a" }, &rest[..end], html);
        let after = rest[end..].trim_start();
        html.push_str(&rest[end..rest.len() - after.len()]);
        rest = after;
    }
    let opens_block = matches!(rest.as_bytes().first(), Some(b'|' | b'>'))
        && rest[1..].bytes().all(|b| matches!(b, b'+' | b'-' | b'0'..=b'9'));
    if opens_block {
        span("p", rest, html);
    } else if let Some(href) = href.filter(|_| !rest.is_empty()) {
        html.push_str("<a class=\"y-ref\" href=\"");
        escape(href, html);
        html.push_str("\">");
        escape(rest, html);
        html.push_str("</a>");
    } else {
        scalar_html(rest, html);
    }
    html.push_str(gap);
    span("c", comment, html);
    opens_block
}

/// A comment starts with a space and `#` outside quotes.
fn split_comment(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut quote = None;
    for (at, byte) in bytes.iter().copied().enumerate() {
        match (quote, byte) {
            (None, b'#') if at == 0 || bytes[at - 1] == b' ' => return text.split_at(at),
            (None, b'"' | b'\'') if at == 0 || matches!(bytes[at - 1], b' ' | b'[' | b'{' | b',') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    (text, "")
}

fn scalar_html(text: &str, html: &mut String) {
    let first = text.as_bytes().first().copied();
    let class = match first {
        None => return,
        Some(b'"' | b'\'') => "s",
        Some(b'{' | b'[' | b'}' | b']') => return escape(text, html),
        _ if matches!(
            text,
            "true" | "false" | "yes" | "no" | "on" | "off" | "True" | "False" | "Yes" | "No" | "null" | "~" | "Null"
        ) =>
        {
            "b"
        }
        _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'_' | b'e' | b'E'))
            && text.bytes().any(|b| b.is_ascii_digit())
            && text.bytes().filter(|b| *b == b'.').count() <= 1 =>
        {
            "n"
        }
        _ => "v",
    };
    span(class, text, html);
}

#[cfg(test)]
mod tests {
    use super::{NamedResource, highlight};

    #[test]
    fn markup_in_a_manifest_stays_text() {
        let html = highlight("a: <script>alert(1)</script> # <b>\n", 1, &[]).html;
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;"));
    }

    #[test]
    fn block_scalars_are_text_until_the_indent_ends() {
        let html = highlight("run: |\n  key: value\n  # no comment\nnext: 1\n", 10, &[]).html;
        assert!(html.contains(r#"<span class="y-s">  key: value</span>"#), "{html}");
        assert!(html.contains(r#"<span class="y-s">  # no comment</span>"#));
        assert!(html.contains(r#"<span class="y-k">next</span>"#));
        assert!(html.contains(r#"id="L13""#));
    }

    #[test]
    fn a_name_leads_to_the_resource_it_names() {
        let link = NamedResource { kind: "Secret".into(), name: "tls".into(), href: "/resources/1?a&b".into() };
        let html = highlight("spec:\n  secretName: tls # <x>\n", 1, &[link]).html;
        assert!(html.contains(r#"<a class="y-ref" href="/resources/1?a&amp;b">tls</a>"#), "{html}");
    }

    #[test]
    fn a_line_that_others_are_under_can_be_folded() {
        let html = highlight("spec:\n  a: 1\n  b: 2\nc: 3\n", 10, &[]).html;
        assert_eq!(html.matches("class=\"line-fold\"").count(), 1, "{html}");
        assert!(html.contains(r#"data-to="12" aria-label="Lines 11 to 12""#), "{html}");
    }

    #[test]
    fn a_huge_text_is_cut_and_says_so() {
        let text = "a: 1\n".repeat(6_000);
        let yaml = highlight(&text, 1, &[]);
        assert_eq!((yaml.lines, yaml.cut), (5_000, 1_000));
    }

    #[test]
    fn text_keeps_every_character_that_can_be_seen() {
        let text = "- name: \"x # y\" # z\n  image: ghcr.io/a/b:1.2@sha256:00 \n  q: &a {x: 1}\n";
        let html = highlight(text, 1, &[]).html;
        let mut plain = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => plain.push(c),
                _ => {}
            }
        }
        assert_eq!(plain.replace("&quot;", "\"").replace("&amp;", "&"), text);
    }
}
