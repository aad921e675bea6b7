//! Regular expressions as RE2 reads them, which is what RepoSentry and CEL have: `\w`, `\d`, `\s` and `\b` are about ASCII there, while
//! letters, `.`, `\pL` and upper and lower case are Unicode's. Where our syntax takes more than RE2's it keeps its meaning.

use std::borrow::Cow;
use std::convert::Infallible;

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, Span, Visitor};

/// An expression that means to our engine what this one means to RE2. One that can't be read is given back as it is: whoever
/// compiles it says why.
pub(crate) fn from_re2(text: &str) -> Cow<'_, str> {
    let Ok(read) = Parser::new().parse(text) else { return Cow::Borrowed(text) };
    let Ok(edits) = ast::visit(&read, Edits::default());
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for (span, meant) in edits {
        written.push_str(&text[from..span.start.offset]);
        written.push_str(meant);
        from = span.end.offset;
    }
    written.push_str(&text[from..]);
    Cow::Owned(written)
}

/// What stands in the place of parts that mean something else.
#[derive(Default)]
struct Edits(Vec<(Span, &'static str)>);

impl Visitor for Edits {
    type Output = Vec<(Span, &'static str)>;
    type Err = Infallible;

    fn finish(mut self) -> Result<Self::Output, Infallible> {
        self.0.sort_by_key(|(span, _)| span.start.offset);
        Ok(self.0)
    }

    fn visit_pre(&mut self, part: &Ast) -> Result<(), Infallible> {
        match part {
            Ast::ClassPerl(class) => self.0.push((class.span, ascii(class))),
            Ast::Assertion(assertion) => {
                self.0.extend(boundary(&assertion.kind).map(|meant| (assertion.span, meant)));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        // Classes may stand within others.
        if let ClassSetItem::Perl(class) = item {
            self.0.push((class.span, ascii(class)));
        }
        Ok(())
    }
}

/// The characters by their codes where `(?x)` would take them for nothing. Without upper and lower case they are as written, and
/// with `(?i)` those are added that differ from them in case only, as RE2 does.
const fn ascii(class: &ClassPerl) -> &'static str {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Digit, false) => "[0-9]",
        (ClassPerlKind::Digit, true) => "[^0-9]",
        (ClassPerlKind::Space, false) => r"[\t\n\f\r\x20]",
        (ClassPerlKind::Space, true) => r"[^\t\n\f\r\x20]",
        (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
    }
}

/// What is written otherwise of what stands between characters. RE2 knows `\b` and `\B` alone: of the others only the
/// beginning means something to it.
const fn boundary(kind: &AssertionKind) -> Option<&'static str> {
    match kind {
        AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText | AssertionKind::EndText => None,
        AssertionKind::WordBoundary => Some(r"(?-u:\b)"),
        AssertionKind::NotWordBoundary => Some(r"(?-u:\B)"),
        AssertionKind::WordBoundaryStart => Some(r"(?-u:\b)\{start\}"),
        AssertionKind::WordBoundaryEnd => Some(r"(?-u:\b)\{end\}"),
        AssertionKind::WordBoundaryStartHalf => Some(r"(?-u:\b)\{start-half\}"),
        AssertionKind::WordBoundaryEndHalf => Some(r"(?-u:\b)\{end-half\}"),
        AssertionKind::WordBoundaryStartAngle => Some("<"),
        AssertionKind::WordBoundaryEndAngle => Some(">"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::compile;

    fn is_match(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}")).is_match(text)
    }

    /// As <https://github.com/google/re2/wiki/Syntax> has it.
    #[test]
    fn perl_classes_and_boundaries_are_about_ascii() {
        for (pattern, text, expected) in [
            (r"^\w+$", "release_1", true),
            (r"^\w+$", "café", false),
            (r"^\W$", "é", true),
            (r"^\d+$", "42", true),
            (r"^\d$", "٣", false),
            (r"^\D$", "٣", true),
            (r"^a\sb$", "a b", true),
            (r"^a\sb$", "a\u{a0}b", false),
            (r"^a\Sb$", "a\u{a0}b", true),
            // The vertical tab is in `[[:space:]]` and not in `\s`.
            (r"^\s$", "\u{b}", false),
            (r"^\S$", "\u{b}", true),
            (r"^[[:space:]]$", "\u{b}", true),
            (r"^[\w.-]+$", "v1.2-rc", true),
            (r"^[\w.-]+$", "v1.2-é", false),
            (r"^[^\w/]$", "é", true),
            (r"^[\Wx]$", "é", true),
            (r"^[\d\s]+$", "4 2", true),
            (r"^[^\D]$", "٣", false),
            (r"a\bü", "aü", true),
            (r"a\Bü", "aü", false),
            (r"é\Bü", "éü", true),
            (r"\bü", "ü", false),
            (r"\bmain\b", "été-main-1", true),
            (r"\bmain\b", "_main", false),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn letters_dots_scripts_and_cases_are_unicodes() {
        for (pattern, text, expected) in [
            ("^.$", "é", true),
            ("^.$", "漢", true),
            ("^..$", "é", false),
            ("^[^a]$", "é", true),
            ("^é+$", "éé", true),
            ("^[é-ü]$", "ö", true),
            (r"^\pL+$", "caféпривет", true),
            (r"^\PL$", "é", false),
            (r"^\p{Greek}$", "β", true),
            ("^[[:word:]]$", "é", false),
            ("^[[:alpha:]]$", "é", false),
            ("^[[:^alpha:]]$", "é", true),
            ("(?i)^straße/ü$", "STRAßE/Ü", true),
            ("^ü$", "Ü", false),
            // What differs in case only from a letter of ASCII.
            (r"(?i)^k$", "\u{212a}", true),
            (r"(?i)^\w$", "\u{212a}", true),
            (r"(?i)^\W$", "\u{17f}", false),
            (r"^\w$", "\u{212a}", false),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_only_our_syntax_knows_is_what_is_written() {
        for (pattern, text, expected) in [
            (r"^\<a\>$", "<a>", true),
            (r"\<a", "a", false),
            (r"^a\b{start}$", "a{start}", true),
            (r"^\\w$", r"\w", true),
            (r"(?x) ^ \d \s \w $ # \W", "1 a", true),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
        for plain in ["^main$", "^(main|release/.*)$", "", "ü", r"\\d", r"[[:word:]]", r"\pL"] {
            assert!(matches!(from_re2(plain), Cow::Borrowed(same) if same == plain), "{plain}");
        }
        // Why it can't be read is for another to say.
        for wrong in ["(main", r"\d(", "[z-a]", "\\"] {
            assert_eq!(from_re2(wrong), wrong);
        }
    }

    #[test]
    fn names_in_ascii_match_as_ever() {
        let plain = |pattern: &str| regex::Regex::new(pattern).unwrap();
        let names = ["main", "release/1.2", "feature/x_y-Z", "a b", "", "v1.2.3-rc.1", "-", "_", "UPPER/lower", "1"];
        for pattern in [
            r"^\w+$",
            r"\W",
            r"^[\w/.-]+$",
            r"\brelease\b",
            r"\B-",
            r"\d+\.\d+",
            r"(?i)^[\WU]",
            r"\s",
            r"^[^\d\s]*$",
            r"(?-u)\w",
        ] {
            for name in names {
                assert_eq!(is_match(pattern, name), plain(pattern).is_match(name), "{pattern} {name}");
            }
        }
    }
}
