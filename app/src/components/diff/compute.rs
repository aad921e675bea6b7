use std::time::{Duration, Instant};

use similar::{ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

use super::{DiffHtml, DiffMode};
use crate::components::yaml_escape as escape;

/// Unchanged lines around a change that stay in sight.
const CONTEXT: usize = 3;
/// Fewer hidden lines than this are not worth a fold.
const LEAST_FOLD: usize = 4;
/// Texts come from outside; comparing them must end.
const LONGEST: Duration = Duration::from_millis(400);
/// Bytes of each side that are compared.
const MOST_BYTES: usize = 1 << 20;

/// Compares two texts line by line, marks words within changed lines and folds what is the same.
/// Line numbers start where each text starts in its file.
#[must_use]
pub fn compare(old: &str, new: &str, old_start: i32, new_start: i32, mode: DiffMode) -> DiffHtml {
    if mode == DiffMode::Fields {
        let diff = TextDiff::configure().timeout(LONGEST).diff_lines(cut(old), cut(new));
        let (added, removed) = stat(&diff);
        return DiffHtml { mode, added, removed, ..DiffHtml::default() };
    }
    let coarse = old.len() > MOST_BYTES || new.len() > MOST_BYTES;
    let (old, new) = (cut(old), cut(new));
    let deadline = Instant::now() + LONGEST;
    let diff = TextDiff::configure().deadline(deadline).diff_lines(old, new);
    let (added, removed) = stat(&diff);
    let mut page = Page { html: String::new(), mode, old_start, new_start, deadline };
    let last = diff.ops().len().saturating_sub(1);
    for (place, op) in diff.ops().iter().enumerate() {
        match *op {
            DiffOp::Equal { old_index, new_index, len } => {
                let before = if place == 0 { 0 } else { CONTEXT };
                let after = if place == last { 0 } else { CONTEXT };
                page.equal(&diff, old_index, new_index, len, before, after);
            }
            _ => page.changed(&diff, op),
        }
    }
    DiffHtml { mode, html: page.html, added, removed, coarse: coarse || Instant::now() >= deadline }
}

fn cut(text: &str) -> &str {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let mut end = MOST_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn stat(diff: &TextDiff<'_, '_, str>) -> (usize, usize) {
    diff.ops().iter().fold((0, 0), |(added, removed), op| match *op {
        DiffOp::Equal { .. } => (added, removed),
        DiffOp::Delete { old_len, .. } => (added, removed + old_len),
        DiffOp::Insert { new_len, .. } => (added + new_len, removed),
        DiffOp::Replace { old_len, new_len, .. } => (added + new_len, removed + old_len),
    })
}

/// A changed line: its number and its text with marked words, as HTML.
struct Line {
    number: i64,
    html: String,
}

struct Page {
    html: String,
    mode: DiffMode,
    old_start: i32,
    new_start: i32,
    /// From then on words are not looked at any more, lines still are.
    deadline: Instant,
}

impl Page {
    fn old_number(&self, index: usize) -> i64 {
        i64::from(self.old_start) + i64::try_from(index).unwrap_or(0)
    }

    fn new_number(&self, index: usize) -> i64 {
        i64::from(self.new_start) + i64::try_from(index).unwrap_or(0)
    }

    fn equal(
        &mut self,
        diff: &TextDiff<'_, '_, str>,
        old_index: usize,
        new_index: usize,
        len: usize,
        before: usize,
        after: usize,
    ) {
        let hidden = len.saturating_sub(before + after);
        let fold = if hidden >= LEAST_FOLD { before..len - after } else { len..len };
        for at in 0..len {
            if at == fold.start {
                self.html
                    .push_str(&format!(r#"<details class="diff-fold"><summary>{hidden} unchanged lines</summary>"#));
            }
            let mut text = String::new();
            escape(trim_end(diff.old_slice(old_index + at).unwrap_or_default()), &mut text);
            let (old, new) = (self.old_number(old_index + at), self.new_number(new_index + at));
            let line = |number| Line { number, html: text.clone() };
            match self.mode {
                DiffMode::Split => self.pair("eq", Some(&line(old)), Some(&line(new))),
                _ => self.single("eq", " ", Some(old), Some(new), &text),
            }
            if at + 1 == fold.end && !fold.is_empty() {
                self.html.push_str("</details>");
            }
        }
    }

    fn changed(&mut self, diff: &TextDiff<'_, '_, str>, op: &DiffOp) {
        let mut removed = Vec::new();
        let mut added = Vec::new();
        // Lines of manifests are short: a changed value is most of its line, and yet worth marking.
        let mut options = InlineChangeOptions::new();
        options.min_ratio(0.25).semantic_cleanup(true);
        for change in diff.iter_inline_changes_with_options_deadline(op, options, Some(self.deadline)) {
            let mut html = String::new();
            for (marked, text) in change.iter_strings_lossy() {
                let text = trim_end(&text);
                if marked && !text.is_empty() {
                    html.push_str("<mark>");
                    escape(text, &mut html);
                    html.push_str("</mark>");
                } else {
                    escape(text, &mut html);
                }
            }
            match change.tag() {
                ChangeTag::Delete => {
                    removed.push(Line { number: self.old_number(change.old_index().unwrap_or(0)), html });
                }
                ChangeTag::Insert => {
                    added.push(Line { number: self.new_number(change.new_index().unwrap_or(0)), html });
                }
                ChangeTag::Equal => {}
            }
        }
        if self.mode == DiffMode::Split {
            for at in 0..removed.len().max(added.len()) {
                self.pair("ch", removed.get(at), added.get(at));
            }
        } else {
            for line in &removed {
                self.single("del", "−", Some(line.number), None, &line.html);
            }
            for line in &added {
                self.single("add", "+", None, Some(line.number), &line.html);
            }
        }
    }

    fn single(&mut self, class: &str, sign: &str, old: Option<i64>, new: Option<i64>, text: &str) {
        let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        self.html.push_str(&format!(
            r#"<div class="dl {class}"><span class="dn" data-n="{}"></span><span class="dn" data-n="{}"></span><span class="ds">{sign}</span><span class="dt">{text}</span></div>"#,
            number(old),
            number(new),
        ));
    }

    fn pair(&mut self, class: &str, old: Option<&Line>, new: Option<&Line>) {
        self.html.push_str(r#"<div class="dl">"#);
        for (side, line) in [("del", old), ("add", new)] {
            match line {
                Some(line) => {
                    let tone = if class == "eq" { "eq" } else { side };
                    let sign = match tone {
                        "eq" => " ",
                        "del" => "−",
                        _ => "+",
                    };
                    self.html.push_str(&format!(
                        r#"<span class="dh {tone}"><span class="dn" data-n="{}"></span><span class="ds">{sign}</span><span class="dt">{}</span></span>"#,
                        line.number, line.html
                    ));
                }
                None => self.html.push_str(r#"<span class="dh none"></span>"#),
            }
        }
        self.html.push_str("</div>");
    }
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::{DiffMode, compare};

    #[test]
    fn changed_words_are_marked_and_the_far_rest_is_folded() {
        let old: String = (0..30).map(|n| format!("key{n}: value\n")).collect();
        let new = old.replace("key15: value", "key15: other");
        let diff = compare(&old, &new, 1, 1, DiffMode::Unified);
        assert_eq!((diff.added, diff.removed), (1, 1));
        assert!(diff.html.contains("<mark>other</mark>"), "{}", diff.html);
        assert_eq!(diff.html.matches("<details").count(), 2);
        assert_eq!(diff.html.matches("</details>").count(), 2);
        assert!(diff.html.contains("12 unchanged lines"));
    }

    #[test]
    fn markup_stays_text_on_both_sides() {
        let diff = compare("a: <i>\n", "a: <b>\n", 1, 1, DiffMode::Split);
        assert!(!diff.html.contains("<i>") && !diff.html.contains("<b>"), "{}", diff.html);
    }

    #[test]
    fn equal_texts_have_no_change() {
        assert_eq!(compare("a\n", "a\n", 1, 1, DiffMode::Unified).added, 0);
    }
}
