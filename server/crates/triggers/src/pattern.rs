//! Regular expressions that people write: bounded in what they take, and what is wrong with one is said in one line.

use regex::{Regex, RegexBuilder};

use crate::re2::from_re2;
use crate::text::cut;

/// Longest expression for names of branches, in characters; longer ones are a mistake.
const MAX_PATTERN: usize = 500;
/// What expressions may take once they are compiled, for a few characters can ask for gigabytes: room for some classes of
/// Unicode, none for thousands of repetitions.
pub(crate) const MAX_COMPILED: usize = 1 << 20;

/// Names of branches that are asked for, as they were written and compiled: a regular expression that may match anywhere in a
/// name, or all.
#[derive(Clone, Debug)]
pub struct BranchPattern(Option<(String, Regex)>);

impl BranchPattern {
    /// Of what somebody wrote; nothing, or nothing but spaces, stands for all branches.
    ///
    /// # Errors
    /// What is wrong with it and how to mend it, as a sentence without its full stop.
    pub fn new(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(Self(None)) };
        if text.chars().count() > MAX_PATTERN {
            return Err(format!(
                "the expression is too long: it may have {MAX_PATTERN} characters; name what the branches have in common, \
                 such as ^release/"
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(
                "the expression must be one line, without control characters; no branch's name holds any".to_owned()
            );
        }
        compile(text).map(|regex| Self(Some((text.to_owned(), regex))))
    }

    /// Whether a branch of that name is asked for.
    #[must_use]
    pub fn matches(&self, branch: &str) -> bool {
        self.0.as_ref().is_none_or(|(_, regex)| regex.is_match(branch))
    }

    /// What was written; nothing where all branches are asked for.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_ref().map(|(text, _)| text.as_str())
    }
}

/// Compiles an expression by RE2's rules, within what it may take.
///
/// # Errors
/// What is wrong with it and how to mend it, as [`BranchPattern::new`] says it.
pub(crate) fn compile(text: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(&from_re2(text)).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    compiled.map_err(|error| unreadable(text, &error))
}

/// Why an expression can't be used, in one line; what people write instead of expressions is recognised.
fn unreadable(text: &str, error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "the expression repeats too much; make the numbers in { } smaller".to_owned();
    }
    let said = error.to_string();
    // The reason stands below a picture of where it is.
    let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ").trim();
    let way = match text.starts_with('*') || text.starts_with('?') {
        true => "this is a pattern of file names; as an expression .* stands for anything",
        false => "characters such as ( [ * + ? mean something; one that is meant as itself has \\ before it",
    };
    format!("the expression can't be read: {}; {way}", cut(reason, 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        BranchPattern::new(Some(text)).unwrap_err()
    }

    #[test]
    fn expressions_match_anywhere_and_none_stands_for_all() {
        let matches = |text, name| BranchPattern::new(text).unwrap().matches(name);
        assert!(matches(None, "main") && matches(Some(""), "main") && matches(Some("  "), "main"));
        assert!(matches(Some("lease/"), "release/1.0") && !matches(Some("^lease/"), "release/1.0"));
        assert!(matches(Some("^(main|develop)$"), "develop") && !matches(Some("^(main|develop)$"), "main2"));
        assert!(matches(Some("ü"), "feature/ü"));
        // By RE2's rules, and told as it was written.
        let pattern = BranchPattern::new(Some(r"^feature/\w+$")).unwrap();
        assert!(pattern.matches("feature/x_1") && !pattern.matches("feature/ü"));
        assert_eq!(pattern.text(), Some(r"^feature/\w+$"));
    }

    #[test]
    fn what_can_t_be_used_says_why_and_how_to_mend_it_in_one_line() {
        assert!(why("(main").contains("unclosed group") && why("(main").contains("\\ before it"), "{}", why("(main"));
        assert!(why("*").contains("pattern of file names") && why("*/main").contains(".* stands for anything"));
        assert!(why("(?=main)").contains("look-around"), "{}", why("(?=main)"));
        assert!(why(&"a".repeat(MAX_PATTERN + 1)).contains("500 characters"));
        assert!(BranchPattern::new(Some(&"ü".repeat(MAX_PATTERN))).is_ok(), "characters are counted, and not bytes");
        assert!(why("a\0").contains("control") && why("a\nb").contains("one line"));
        assert!(why("(((a{100}){100}){100})").contains("repeats too much"));
        for text in ["(main", "*", "[z-a]", "\\", "a{2", "(((a{100}){100}){100})"] {
            let Err(why) = BranchPattern::new(Some(text)) else { continue };
            assert!(!why.contains('\n') && !why.ends_with('.'), "{why}");
        }
    }
}
