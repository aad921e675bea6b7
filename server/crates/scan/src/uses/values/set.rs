//! Helm's `--set`: paths such as `a.b[0].c`, and what type a text gets.

use entity::kind::ValueType;

/// Steps of one path.
const MAX_STEPS: usize = 60;
/// Highest index of a list; Helm allows more, and nobody needs it.
const MAX_INDEX: usize = 999;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// Reads a path; a dot behind a backslash belongs to the key. Empty where it leads nowhere.
#[must_use]
pub fn parse_path(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut key = String::new();
    let mut rest = path.chars();
    let end = |steps: &mut Vec<Step>, key: &mut String| {
        if !key.is_empty() {
            steps.push(Step::Key(std::mem::take(key)));
        }
    };
    while let Some(character) = rest.next() {
        match character {
            '\\' => key.push(rest.next().unwrap_or('\\')),
            '.' => end(&mut steps, &mut key),
            '[' if rest.as_str().contains(']') => {
                end(&mut steps, &mut key);
                let (index, behind) = rest.as_str().split_once(']').unwrap_or_default();
                match index.parse() {
                    Ok(index) if index <= MAX_INDEX => steps.push(Step::Index(index)),
                    Ok(_) => return Vec::new(),
                    Err(_) => {}
                }
                rest = behind.chars();
            }
            character => key.push(character),
        }
        if steps.len() > MAX_STEPS {
            return Vec::new();
        }
    }
    end(&mut steps, &mut key);
    steps
}

/// The type that a text gets.
#[must_use]
pub fn typed(text: &str, as_string: bool) -> ValueType {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number =
        digits == "0" || !digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match text {
        _ if as_string => ValueType::String,
        "true" | "false" => ValueType::Boolean,
        "null" => ValueType::Null,
        _ if is_number => ValueType::Number,
        _ => ValueType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_set_have_keys_and_indexes() {
        let path = |text: &str| {
            let step = |step| match step {
                Step::Key(key) => key,
                Step::Index(index) => format!("#{index}"),
            };
            parse_path(text).into_iter().map(step).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(path("a.b[2].c"), "a b #2 c");
        assert_eq!(path(r"nodeSelector.kubernetes\.io/os"), "nodeSelector kubernetes.io/os");
        assert_eq!(path("a..b."), "a b");
        assert_eq!(path("a[x]"), "a");
        assert_eq!(path("a[1000].b"), "");
        assert_eq!(path("a[1"), "a[1");
        assert!(parse_path(&"a.".repeat(1_000)).is_empty());
        assert!(parse_path(&"[".repeat(100_000)).len() <= 1);
    }

    #[test]
    fn texts_get_the_type_that_helm_gives_them() {
        let types = ["true", "null", "-12", "0", "007", "-", "1.5", ""].map(|text| typed(text, false));
        use ValueType::{Boolean, Null, Number, String};
        assert_eq!(types, [Boolean, Null, Number, Number, String, String, String, String]);
        assert_eq!(typed("true", true), String);
    }
}
