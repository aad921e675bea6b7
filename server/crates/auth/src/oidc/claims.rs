//! What an issuer tells of a person, in the ID token or when asked.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, StandardClaims, UserInfoClaims};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keys::Claims;
use crate::sign_in::{Identity, told};

/// Nobody is in more groups that mean something here.
const MOST_GROUPS: usize = 500;

/// Claims that the protocol does not define: groups are among them, under whatever name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Other {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Other {}

/// What one of the two sources tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// With whether it is known to be the person's: that of one source says nothing about the address of the other.
    email: Option<(String, bool)>,
    name: Option<String>,
    groups: Option<Vec<String>>,
}

impl Told {
    pub(super) fn of_token(claims: &Claims, groups_claim: &str) -> Self {
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let preferred = claims.preferred_username().map(|name| name.as_str());
        Self {
            email: claims
                .email()
                .and_then(|email| told(email))
                .map(|email| (email, claims.email_verified() == Some(true))),
            name: name.or(preferred).and_then(told),
            groups: groups(&claims.additional_claims().claims, groups_claim),
        }
    }

    pub(super) fn of_user_info(claims: &UserInfoClaims<Other, CoreGenderClaim>, groups_claim: &str) -> Self {
        let other = &claims.additional_claims().claims;
        let claims: &StandardClaims<CoreGenderClaim> = claims.standard_claims();
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let preferred = claims.preferred_username().map(|name| name.as_str());
        Self {
            email: claims
                .email()
                .and_then(|email| told(email))
                .map(|email| (email, claims.email_verified() == Some(true))),
            name: name.or(preferred).and_then(told),
            groups: groups(other, groups_claim),
        }
    }

    pub(super) fn lacks_something(&self) -> bool {
        self.email.is_none() || self.name.is_none() || self.groups.is_none()
    }

    /// The token is signed, so what it tells comes first.
    pub(super) fn fill_in(&mut self, more: Self) {
        self.email = self.email.take().or(more.email);
        self.name = self.name.take().or(more.name);
        self.groups = self.groups.take().or(more.groups);
    }

    pub(super) fn identity(self, issuer: String, subject: String) -> Identity {
        let (email, email_verified) = self.email.unzip();
        Identity {
            issuer,
            subject,
            email,
            email_verified: email_verified == Some(true),
            name: self.name,
            groups: self.groups.unwrap_or_default(),
        }
    }
}

/// The groups of a claim, which may lie deeper: `realm_access.roles`. A name with dots in it comes first: some issuers ask for
/// addresses as names. `None` where there is no such claim.
fn groups(claims: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let deeper = || {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
    };
    match claims.get(name).or_else(deeper)? {
        Value::Array(groups) => {
            let groups = groups.iter().filter_map(Value::as_str).filter_map(told);
            Some(groups.take(MOST_GROUPS).collect())
        }
        Value::String(group) => Some(told(group).into_iter().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Value, name: &str) -> Option<Vec<String>> {
        groups(claims.as_object().unwrap(), name)
    }

    #[test]
    fn groups_are_found_where_issuers_put_them() {
        let some = Some(vec!["platform".to_owned(), "ops".to_owned()]);
        assert_eq!(read(json!({"groups": ["platform", "ops"]}), "groups"), some);
        assert_eq!(read(json!({"realm_access": {"roles": ["platform", "ops"]}}), "realm_access.roles"), some);
        assert_eq!(read(json!({"https://id.example/groups": ["platform", "ops"]}), "https://id.example/groups"), some);
        assert_eq!(read(json!({"groups": "platform"}), "groups"), Some(vec!["platform".to_owned()]));
        assert_eq!(read(json!({"groups": [1, null, " ", "ops"]}), "groups"), Some(vec!["ops".to_owned()]));
        assert_eq!(read(json!({"groups": []}), "groups"), Some(Vec::new()));
        for none in [json!({}), json!({"groups": 1}), json!({"groups": {"a": "b"}})] {
            assert_eq!(read(none, "groups"), None);
        }
        assert_eq!(read(json!({"a": "b"}), "a.b.c"), None);
        assert_eq!(read(json!({"groups": vec!["g"; 10_000]}), "groups").unwrap().len(), MOST_GROUPS);
    }

    #[test]
    fn an_address_keeps_its_own_word_on_whose_it_is() {
        let mut told = Told { email: Some(("anna@clusterhof.example".to_owned(), false)), name: None, groups: None };
        assert!(told.lacks_something());
        told.fill_in(Told {
            email: Some(("anna@clusterhof.example".to_owned(), true)),
            name: Some("Anna".to_owned()),
            groups: Some(Vec::new()),
        });
        assert!(!told.lacks_something());
        let identity = told.identity("https://id.example".to_owned(), "1".to_owned());
        assert!(!identity.email_verified);
        assert_eq!(identity.name.as_deref(), Some("Anna"));
    }
}
