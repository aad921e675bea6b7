//! `${NAME}` in values.

use std::collections::BTreeMap;

/// The process' environment, or a test's.
pub type Environment = BTreeMap<String, String>;

/// A `${NAME}` of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedVariable {
    pub name: String,
    pub state: VariableState,
    pub file: String,
    /// From 1.
    pub line: Option<u32>,
    /// Where it stands, such as `repositories[0].token`.
    pub key: String,
}

/// Whether a variable can be put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableState {
    Set,
    /// Not in the environment, or empty there.
    Unset,
    /// `security.allowed_env_vars` does not name it.
    NotAllowed,
}

/// The names of the variables in a value.
pub fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|name| is_name(name))
}

/// Whether a name is among those that may be used.
pub fn is_allowed(allowed: &[String], name: &str) -> bool {
    allowed.iter().any(|pattern| matches(pattern, name))
}

/// Replaces every `${NAME}` in a value by the environment's, for allowed names only.
///
/// # Errors
/// A sentence that names the variable and how to mend it: not allowed, unset, or an unfinished `${`.
pub fn expand(value: &str, environment: &Environment, allowed: &[String]) -> Result<String, String> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        text.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find('}').ok_or_else(|| format!("`${{` without its `}}` in {value:?}"))?;
        let name = &after[..end];
        if !is_name(name) {
            return Err(format!("`${{{name}}}` names no environment variable; letters, digits and `_` are allowed"));
        }
        if !is_allowed(allowed, name) {
            return Err(format!(
                "environment variable {name} may not be used here; add it to security.allowed_env_vars (allowed now: {})",
                allowed.join(", ")
            ));
        }
        match environment.get(name) {
            Some(found) if !found.is_empty() => text.push_str(found),
            _ => return Err(format!("environment variable {name} is not set")),
        }
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Exact names, `PREFIX*`, `*SUFFIX`, or `*` for all.
fn matches(pattern: &str, name: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix('*') {
        name.starts_with(prefix)
    } else if let Some(suffix) = pattern.strip_prefix('*') {
        name.ends_with(suffix)
    } else {
        pattern == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("GITHUB_TOKEN", "abc"), ("MY_TOKEN", "x"), ("EMPTY_TOKEN", ""), ("HOME", "/root")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn run(value: &str) -> Result<String, String> {
        expand(value, &environment(), &["GITHUB_TOKEN".to_owned(), "*_TOKEN".to_owned(), "CI_*".to_owned()])
    }

    #[test]
    fn allowed_variables_are_put_in_place() {
        assert_eq!(run("a-${GITHUB_TOKEN}-${MY_TOKEN}").unwrap(), "a-abc-x");
        assert_eq!(run("no $HOME, no variable").unwrap(), "no $HOME, no variable");
    }

    #[test]
    fn forbidden_unset_empty_and_unfinished_variables_are_errors() {
        assert!(run("${HOME}").unwrap_err().contains("security.allowed_env_vars"));
        assert!(run("${OTHER_TOKEN}").unwrap_err().contains("OTHER_TOKEN is not set"));
        assert!(run("${EMPTY_TOKEN}").unwrap_err().contains("is not set"));
        assert!(run("${GITHUB_TOKEN").unwrap_err().contains("without its"));
        assert!(run("${GITHUB_TOKEN:-x}").unwrap_err().contains("names no environment variable"));
    }
}
