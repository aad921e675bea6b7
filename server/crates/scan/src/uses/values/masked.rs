//! Which values are not shown.

use entity::credential::{is_email, is_template, names_credential};
use entity::kind::ValueType;

use crate::mask::Rules;

/// Whether a value is not shown: what comes from a Secret, an address of e-mail, and a text below a key that names a secret.
#[must_use]
pub fn is_masked(key: &str, kind: ValueType, text: &str, rules: &Rules) -> bool {
    match kind {
        ValueType::Secret => true,
        ValueType::String if !text.is_empty() && !is_template(text) => {
            rules.emails && is_email(text) || rules.credentials && names_credential(key)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_key_and_addresses_by_their_form() {
        let masked = |key, text| is_masked(key, ValueType::String, text, &Rules::default());
        for key in ["password", "adminPasswd", "API_KEY", "accesskeys", "github-token", "my-secret", "clientSecret"] {
            assert!(masked(key, "abc"), "{key}");
            assert!(!masked(key, "${VALUE}") && !masked(key, ""), "{key}");
        }
        for key in ["existingSecret", "tokenName", "passwordFrom", "monkey", "secretName"] {
            assert!(!masked(key, "abc"), "{key}");
        }
        assert!(masked("x", "me@example.org") && !masked("x", "git@example.org:a/b.git") && !masked("x", "me@host"));
        assert!(!is_masked("password", ValueType::Number, "12", &Rules::default()));
    }
}
