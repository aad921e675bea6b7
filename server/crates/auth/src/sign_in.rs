//! What signing in elsewhere has in common, whoever knows the person.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::token::mint_opaque;

/// A sign-in that was begun. It belongs into the session of the browser that began it, and is good for one answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// Comes back with the answer: see [`Begun::is_state`].
    pub state: String,
    /// Comes back within the ID token; empty where there is none.
    pub nonce: String,
    /// Proves to the provider that who asks for the code's worth is who began.
    pub pkce_verifier: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(***)")
    }
}

impl Begun {
    /// Whether an answer belongs to this sign-in. One that does not is to be refused before anything else is done with it.
    #[must_use]
    pub fn is_state(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// 32 random bytes: for `state` and `nonce`.
pub(crate) fn unguessable() -> String {
    mint_opaque().text.to_string()
}

/// Who somebody is elsewhere. An account is tied to issuer and subject: addresses change hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    /// The issuer has seen that the address is the person's.
    pub email_verified: bool,
    pub name: Option<String>,
    pub groups: Vec<String>,
}

/// Why nobody is signed in, in words for the person or, where only the operator can mend it, for both.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    #[error("{host} cannot be reached ({reason}): try again in a while, or sign in another way")]
    Unreachable { host: String, reason: String },
    #[error("{0}")]
    Refused(net::Refused),
    #[error("the answer of {host} has more than {limit} bytes: it is not one that belongs to a sign-in")]
    TooLarge { host: String, limit: usize },
    #[error("{url:?} is no address to send secrets to: it must begin with https:// (http:// only on this machine)")]
    Insecure { url: String },
    #[error("{provider} does not answer as its protocol asks ({reason}): check its address and its own settings")]
    Provider { provider: String, reason: String },
    #[error("{provider} does not accept our client id and secret: check both in its settings and in ours")]
    Client { provider: String },
    #[error("the sign-in took too long, or was finished already: start again")]
    Code,
    #[error("{provider} refuses the sign-in: {reason}")]
    Denied { provider: String, reason: String },
    #[error("the answer came from {found} and not from {expected}: start again")]
    Issuer { expected: String, found: String },
    #[error("what {provider} says about you cannot be trusted ({reason}): start again")]
    Untrusted { provider: String, reason: String },
}

/// Others' words in our sentences: bounded, and in one line.
pub(crate) fn tidy(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// Names, addresses and groups as others write them: bounded, and nothing where nothing is left.
pub(crate) fn told(text: &str) -> Option<String> {
    let text = tidy(text.trim());
    (!text.is_empty()).then_some(text)
}

/// A code that no provider would write is not even asked about.
pub(crate) fn check_code(code: &str) -> Result<(), SignInError> {
    let sound = !code.is_empty() && code.len() <= 4096 && code.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if sound { Ok(()) } else { Err(SignInError::Code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_answer_belongs_to_a_sign_in() {
        let begun = Begun {
            url: "https://id.example/?state=s".to_owned(),
            state: unguessable(),
            nonce: unguessable(),
            pkce_verifier: unguessable(),
        };
        assert!(begun.is_state(&begun.state));
        for other in ["", &begun.state[1..], &unguessable(), &begun.nonce] {
            assert!(!begun.is_state(other), "{other}");
        }
        assert_eq!(format!("{begun:?}"), "Begun(***)");
    }

    #[test]
    fn words_of_others_are_bounded() {
        assert_eq!(tidy("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(tidy(&"ä".repeat(1000)).chars().count(), 200);
        assert_eq!(told(" \n "), None);
        assert_eq!(told(" Anna "), Some("Anna".to_owned()));
        assert!(check_code("4/0Ab-c_d.e~f").is_ok());
        for bad in ["", "a\nb", "ä", &"a".repeat(5000)] {
            assert!(matches!(check_code(bad), Err(SignInError::Code)), "{bad:.10}");
        }
    }
}
