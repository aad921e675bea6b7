//! `${NAME}` in values.

use std::collections::BTreeMap;

use entity::credential::without_credentials;

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

/// Shorter values are words that stand in many sentences.
const SHORTEST: usize = 4;
/// So much of a value in a row is told by no chance.
const IN_A_ROW: usize = 12;

/// A sentence about a value, in which no variable's value is said again, and no address' credentials: it is told to others than
/// those who set them.
pub fn untold(message: &str, variables: &BTreeMap<String, String>) -> String {
    let mut told = message.to_owned();
    for (name, value) in variables {
        let value = value.trim();
        if value.chars().count() < SHORTEST {
            continue;
        }
        let place = format!("${{{name}}}");
        let quoted = format!("{value:?}");
        told = told.replace(value, &place).replace(quoted.trim_matches('"'), &place);
        // Of long texts only the beginning may have been quoted.
        let letters: Vec<char> = value.chars().collect();
        if letters.windows(IN_A_ROW).any(|part| told.contains(&part.iter().collect::<String>())) {
            return format!("what {place} stands for can't be used here");
        }
    }
    without_credentials(&told).into_owned()
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
    fn what_variables_stand_for_is_not_said_again() {
        let token = "ghp_0123456789abcdefghijABCDEFGHIJ\"\\end";
        let variables = [("HOME_TOKEN".to_owned(), format!("{token}\n")), ("N".to_owned(), "80".to_owned())].into();
        let told = |message: &str| untold(message, &variables);
        assert_eq!(told(&format!("{token} is no word")), "${HOME_TOKEN} is no word");
        assert_eq!(told(&format!("{token:?} is no word, 80 is")), "\"${HOME_TOKEN}\" is no word, 80 is");
        assert_eq!(told("\"a-ghp_0123456789abcd\" is cut"), "what ${HOME_TOKEN} stands for can't be used here");
        assert_eq!(
            told("\"https://ada:pass@h/x\" is none"),
            "\"https://***@h/x\" is none".replace("***", entity::view::MASK)
        );
        assert_eq!(told("\"https://h/x\" is none"), "\"https://h/x\" is none");
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
