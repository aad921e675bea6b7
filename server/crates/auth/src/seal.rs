//! Secrets at rest: what must be kept in clear to be used, such as forges' tokens and secrets of second factors, is kept sealed.
//!
//! A sealed text is a byte for the version, four that name the key, a nonce of 24 bytes, and what XChaCha20-Poly1305 makes of
//! the plain text. Nonces are drawn at random; there are so many that none comes twice. What a text is for is sealed with it, so
//! that it opens nowhere else.

mod load;

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub use load::KeyError;

const VERSION: u8 = 1;
const ID: usize = 4;
const NONCE: usize = 24;
const TAG: usize = 16;
const HEAD: usize = 1 + ID;

/// Why a sealed text does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(
        "a secret was sealed with the key {id}, which is neither the current nor the previous one: give back that key, or enter the secret anew"
    )]
    UnknownKey { id: String },
    #[error("a sealed secret is damaged or belongs elsewhere: restore it from a backup, or enter it anew")]
    Damaged,
    #[error("a secret was sealed by a newer release (form {version}): start that release, or enter the secret anew")]
    Newer { version: u8 },
}

/// One key in its three uses, each derived for itself.
#[derive(Clone)]
struct OneKey {
    id: [u8; ID],
    root: Zeroizing<[u8; 32]>,
    sealing: Zeroizing<[u8; 32]>,
}

impl OneKey {
    fn new(root: [u8; 32]) -> Self {
        let root = Zeroizing::new(root);
        let mut id = [0; ID];
        id.copy_from_slice(&derive(&root, "id", "")[..ID]);
        Self { id, sealing: derive(&root, "seal", ""), root }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.sealing))
    }
}

/// Seals with the current key, opens with both: what the previous one sealed can be sealed anew while everything goes on.
#[derive(Clone)]
pub struct Keys {
    current: OneKey,
    previous: Option<OneKey>,
}

impl fmt::Debug for Keys {
    /// Names of keys are no secret: errors say them too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous = self.previous.as_ref().map(|key| hex::encode(key.id));
        f.debug_struct("Keys").field("current", &hex::encode(self.current.id)).field("previous", &previous).finish()
    }
}

impl Keys {
    #[must_use]
    pub fn new(current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self { current: OneKey::new(current), previous: previous.map(OneKey::new) }
    }

    /// Seals a text for one purpose, such as `totp:<account id>`.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        self.seal_with(&crate::random(), purpose, plain)
    }

    fn seal_with(&self, nonce: &[u8; NONCE], purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEAD + NONCE + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend(self.current.id);
        let about = about(&sealed, purpose);
        sealed.extend(nonce);
        let payload = Payload { msg: plain, aad: &about };
        let text = self.current.cipher().encrypt(&XNonce::from(*nonce), payload);
        sealed.extend(text.expect("nothing that fits into memory is too long for the cipher"));
        sealed
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (&version, _) = sealed.split_first().ok_or(SealError::Damaged)?;
        if version > VERSION {
            return Err(SealError::Newer { version });
        }
        let parts =
            sealed.split_at_checked(HEAD).and_then(|(head, rest)| Some((head, rest.split_first_chunk::<NONCE>()?)));
        let Some((head, (nonce, text))) = parts.filter(|_| version == VERSION) else { return Err(SealError::Damaged) };
        let known = [Some(&self.current), self.previous.as_ref()];
        let key = known.into_iter().flatten().find(|key| key.id == head[1..]);
        let key = key.ok_or_else(|| SealError::UnknownKey { id: hex::encode(&head[1..]) })?;
        let payload = Payload { msg: text, aad: &about(head, purpose) };
        key.cipher().decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }

    /// Whether a text was sealed with the current key and in the current form; else it is to be opened and sealed anew.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.split_first().is_some_and(|(version, rest)| *version == VERSION && rest.starts_with(&self.current.id))
    }

    /// A key for another use, such as signing, from the current one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        *derive(&self.current.root, "derive", purpose)
    }

    /// The same from the previous key, to believe what was signed with it.
    #[must_use]
    pub fn derive_previous(&self, purpose: &str) -> Option<[u8; 32]> {
        self.previous.as_ref().map(|key| *derive(&key.root, "derive", purpose))
    }

    /// Whether both were made from the same current key.
    #[must_use]
    pub fn same_current(&self, other: &Self) -> bool {
        self.current.root.ct_eq(other.current.root.as_slice()).into()
    }
}

/// HKDF with SHA-256 (RFC 5869). The kinds have no zero byte, so no two uses are the same text.
fn derive(root: &[u8; 32], kind: &str, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let parts: [&[u8]; 4] = [b"kubestats ", kind.as_bytes(), &[0], purpose.as_bytes()];
    Hkdf::<Sha256>::new(None, root)
        .expand_multi_info(&parts, key.as_mut())
        .expect("a key is far shorter than HKDF's most");
    key
}

/// What is sealed with a text without being hidden.
fn about(head: &[u8], purpose: &str) -> Vec<u8> {
    [head, purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
