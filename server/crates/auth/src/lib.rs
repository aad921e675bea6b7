//! The cryptography and the protocols of accounts: passwords, tokens, second factors, secrets at rest, signing in elsewhere.
//!
//! Nothing here knows a database, a web framework or what an account is allowed: texts and bytes come in, and what they prove
//! goes out. What is secret is wiped when it is dropped and shows itself in no `Debug` output.

#![expect(clippy::missing_panics_doc, reason = "each `expect` says why it cannot happen")]

pub mod github;
mod http;
pub mod jwt;
pub mod oidc;
pub mod password;
pub mod seal;
mod sign_in;
pub mod token;
pub mod totp;

pub use crate::http::{Http, Limits, check_address};
pub use crate::sign_in::{Begun, Identity, SignInError};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes that nobody can foretell. A system without randomness can keep no secret: there is nothing to go on with.
fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).expect("the system gives random bytes");
    bytes
}

/// So many characters of an alphabet, each as likely as any other.
fn random_text(alphabet: &[u8], length: usize) -> Zeroizing<String> {
    // Bytes from here on would make the alphabet's first characters likelier than its last.
    let fair = 256 - 256 % alphabet.len();
    // In one piece from the start: text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        for byte in random::<32>().iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair) {
            if text.len() < length {
                text.push(char::from(alphabet[byte % alphabet.len()]));
            }
        }
    }
    text
}

/// A text of whatever length in little space; no secret is kept by it.
#[must_use]
pub fn fingerprint(text: &str) -> [u8; 32] {
    sha256(text)
}

/// How secrets with more randomness than anybody can try are kept.
fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_use_the_whole_alphabet_evenly() {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz01234";
        let text = random_text(alphabet, 31 * 1000);
        assert_eq!(text.len(), 31 * 1000);
        for letter in alphabet {
            let count = text.bytes().filter(|byte| byte == letter).count();
            // Six standard deviations.
            assert!((810..=1190).contains(&count), "{}: {count}", char::from(*letter));
        }
    }

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random::<32>(), random::<32>());
    }
}
