//! Patterns of paths, as regular expressions: these take no longer than the text is long, whatever the pattern.

use regex::{RegexSet, RegexSetBuilder};

use super::{ConditionError, check_count, check_pattern};
use crate::pattern::MAX_COMPILED;

/// Patterns of which one has to match a whole path.
#[derive(Debug)]
pub(super) struct PathPatterns {
    pub(super) patterns: Vec<String>,
    set: RegexSet,
}

impl PathPatterns {
    /// Nothing where there are none.
    pub(super) fn new(patterns: &[String]) -> Result<Option<Self>, ConditionError> {
        if patterns.is_empty() {
            return Ok(None);
        }
        check_count("paths", patterns.len())?;
        let mut own = Vec::with_capacity(patterns.len());
        for (at, pattern) in patterns.iter().enumerate() {
            let field = format!("paths[{at}]");
            check_pattern(&field, pattern, "clusters/**")?;
            let pattern = pattern.trim();
            if pattern.starts_with('!') {
                let message =
                    "nothing is left out by `!`; an expression can: paths.exists(p, !p.startsWith(\"docs/\"))";
                return Err(ConditionError::new(field, message));
            }
            if let Some(rest) = pattern.strip_prefix("./").or_else(|| pattern.strip_prefix('/')) {
                let message = format!("paths begin at the root of the repository without a slash; write {rest}");
                return Err(ConditionError::new(field, message));
            }
            own.push(pattern.to_owned());
        }
        let set = RegexSetBuilder::new(own.iter().map(|pattern| regex_of(pattern)))
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .dot_matches_new_line(true)
            .build()
            .map_err(|_| ConditionError::new("paths", "take too much memory together; write fewer or shorter ones"))?;
        Ok(Some(Self { patterns: own, set }))
    }

    /// The first of the patterns that matches.
    pub(super) fn matching(&self, path: &str) -> Option<&str> {
        self.set.matches(path).iter().next().map(|at| self.patterns[at].as_str())
    }
}

/// `*` and `?` stay within a folder, `**` does not; `a/` is all that is in `a`.
fn regex_of(pattern: &str) -> String {
    let mut regex = String::from("^");
    let folder = pattern.strip_suffix('/').map(|folder| format!("{folder}/**"));
    let pattern = folder.as_deref().unwrap_or(pattern);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let at_start = rest.len() == pattern.len() || pattern[..pattern.len() - rest.len()].ends_with('/');
        if at_start && rest.starts_with("**/") {
            regex.push_str("(?:.*/)?");
            rest = &rest[3..];
        } else if rest.starts_with("**") {
            regex.push_str(".*");
            rest = rest.trim_start_matches('*');
        } else {
            match c {
                '*' => regex.push_str("[^/]*"),
                '?' => regex.push_str("[^/]"),
                c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPatterns::new(&[pattern.to_owned()]).unwrap().unwrap().matching(path).is_some()
    }

    #[test]
    fn patterns_match_whole_paths_and_stars_stay_within_a_folder() {
        for (pattern, path, expected) in [
            ("clusters/**", "clusters/prod/app.yaml", true),
            ("clusters/**", "clusters/a", true),
            ("clusters/**", "clusters", false),
            ("clusters/**", "old/clusters/a", false),
            ("clusters/", "clusters/prod/app.yaml", true),
            ("clusters/*", "clusters/a.yaml", true),
            ("clusters/*", "clusters/prod/a.yaml", false),
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "b/a.yaml", false),
            ("**/*.yaml", "a.yaml", true),
            ("**/*.yaml", "b/c/a.yaml", true),
            ("**/*.yaml", "b/c/a.yml", false),
            ("**", "anything/at/all", true),
            ("apps/**/values.yaml", "apps/values.yaml", true),
            ("apps/**/values.yaml", "apps/a/b/values.yaml", true),
            ("apps/**/values.yaml", "apps/a/other.yaml", false),
            ("apps/??.yaml", "apps/ab.yaml", true),
            ("apps/??.yaml", "apps/a/.yaml", false),
            ("a+(b)[c].yaml", "a+(b)[c].yaml", true),
            ("größe/*", "größe/ä.yaml", true),
            ("a/b", "a/b\n", false),
            ("a/**", "a/b\nc", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path:?}");
        }
    }

    #[test]
    fn patterns_that_cannot_match_are_refused_with_what_to_write() {
        let refused =
            |pattern: &str| PathPatterns::new(&["ok".to_owned(), pattern.to_owned()]).unwrap_err().to_string();
        assert_eq!(
            refused("/apps/*"),
            "paths[1]: paths begin at the root of the repository without a slash; write apps/*"
        );
        assert_eq!(refused(" "), "paths[1]: is empty; remove it, or write a pattern such as clusters/**");
        assert!(refused("!docs/**").contains("expression"), "{}", refused("!docs/**"));
        assert!(refused(&"a".repeat(501)).contains("at most 500"));
        let many = vec!["a".to_owned(); 101];
        assert!(PathPatterns::new(&many).unwrap_err().to_string().contains("at most 100"));
        assert!(PathPatterns::new(&[]).unwrap().is_none());
    }

    #[test]
    fn stars_without_end_take_no_time() {
        let patterns =
            ["*a/**/".repeat(40), "**/".repeat(160), format!("{}b", "*a*".repeat(80))].map(|text| text + "b");
        let set = PathPatterns::new(&patterns).unwrap().unwrap();
        let path = "aaaaaaaaaaaaaaaaaaaa/".repeat(190);
        let started = std::time::Instant::now();
        assert_eq!(set.matching(&path), None);
        assert!(started.elapsed() < std::time::Duration::from_mins(1));
    }
}
