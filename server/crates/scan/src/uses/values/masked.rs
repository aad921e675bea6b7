//! Which values are not shown.

use entity::kind::ValueType;
use std::sync::LazyLock;

use regex::Regex;

use super::super::text::is_template;

/// Keys that name a secret.
static SECRET_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi) (?:^|[^a-z])secret$
        | (?: pass(?:word|wd|phrase)? | pwd | token | api[_-]?key | (?:access|secret|private|encryption|signing)[_-]?key
            | client[_-]?secret | credential )s?$",
    )
    .ok()
});

/// Whether a value is not shown: what comes from a Secret, an address of e-mail, and a text below a key that names a secret.
#[must_use]
pub fn is_masked(key: &str, kind: ValueType, text: &str) -> bool {
    match kind {
        ValueType::Secret => true,
        ValueType::String if !text.is_empty() && !is_template(text) => is_email(text) || names_secret(key),
        _ => false,
    }
}

fn names_secret(key: &str) -> bool {
    // Without its expression nothing would be hidden: everything is, then.
    SECRET_KEY.as_ref().is_none_or(|expression| expression.is_match(key))
}

fn is_email(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let is_word = |part: &str| {
        !part.is_empty() && !part.contains(|character: char| character.is_whitespace() || "@:/".contains(character))
    };
    let names = host.rsplit_once('.');
    is_word(user) && names.is_some_and(|(before, last)| is_word(before) && is_word(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_key_and_addresses_by_their_form() {
        let masked = |key, text| is_masked(key, ValueType::String, text);
        for key in ["password", "adminPasswd", "API_KEY", "accesskeys", "github-token", "my-secret", "clientSecret"] {
            assert!(masked(key, "abc"), "{key}");
            assert!(!masked(key, "${VALUE}") && !masked(key, ""), "{key}");
        }
        for key in ["existingSecret", "tokenName", "passwordFrom", "monkey", "secretName"] {
            assert!(!masked(key, "abc"), "{key}");
        }
        assert!(masked("x", "me@example.org") && !masked("x", "git@example.org:a/b.git") && !masked("x", "me@host"));
        assert!(!is_masked("password", ValueType::Number, "12"));
    }
}
