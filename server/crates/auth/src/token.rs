//! API tokens, and the opaque texts of links and refresh tokens. Only their hashes are kept: both have far more randomness than
//! anybody can try, so a fast hash is enough.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{random, random_text, sha256};

/// What a text begins with that is one of our tokens: scanners for leaked secrets find them by it.
pub const PREFIX: &str = "kst_";

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 178 bits.
const RANDOM: usize = 30;
const CHECKSUM: usize = 6;

/// A new secret: its text is shown once, its hash is kept.
pub struct Minted {
    pub text: Zeroizing<String>,
    pub hash: [u8; 32],
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh(***)")
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Minted(***)")
    }
}

/// A new API token: `kst_`, 30 random characters, `_`, and a checksum of all before it.
#[must_use]
pub fn mint() -> Minted {
    let secret = random_text(BASE62, RANDOM);
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM + 1 + CHECKSUM));
    text.push_str(PREFIX);
    text.push_str(&secret);
    let checksum = checksum(&text);
    text.push('_');
    text.push_str(&checksum);
    let hash = sha256(&text);
    Minted { text, hash }
}

/// The hash that an API token is known by; `None` for what was never one of ours, which saves asking for it.
#[must_use]
pub fn read(text: &str) -> Option<[u8; 32]> {
    let (body, sum) = text.rsplit_once('_')?;
    let secret = body.strip_prefix(PREFIX)?;
    let sound = secret.len() == RANDOM && secret.bytes().all(|byte| BASE62.contains(&byte));
    (sound && bool::from(checksum(body).as_bytes().ct_eq(sum.as_bytes()))).then(|| sha256(text))
}

/// Whether somebody means one of our tokens, right or wrong.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// A new text for a link or a refresh: 32 random bytes in base64url, 43 characters.
#[must_use]
pub fn mint_opaque() -> Minted {
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>().as_slice()));
    let hash = sha256(&text);
    Minted { text, hash }
}

/// What all refresh tokens of a session have in common: whoever brings it with another rest than the last had a token of that
/// session once.
const FAMILY: usize = 16;

/// A refresh token and the hashes that it is known by.
pub struct Refresh {
    pub text: Zeroizing<String>,
    pub hash: [u8; 32],
    /// Of what it shares with those before and after it.
    pub family: [u8; 32],
}

/// A session's first refresh token, or the one after another: 16 random bytes that all of them begin with, and 16 of its own.
/// What was given before is never stored, and none of it can be guessed by who never had one.
#[must_use]
pub fn mint_refresh(before: Option<&str>) -> Refresh {
    let known = before.and_then(bytes_of).map(|bytes| Zeroizing::new(bytes[..FAMILY].to_vec()));
    let family = known.unwrap_or_else(|| Zeroizing::new(random::<FAMILY>().to_vec()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * FAMILY));
    bytes.extend_from_slice(&family);
    bytes.extend_from_slice(random::<FAMILY>().as_slice());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    Refresh { hash: sha256(&text), family: family_of(&family), text }
}

/// The hash of what a refresh token shares with its session's others; `None` for what cannot be one.
#[must_use]
pub fn family_of_refresh(text: &str) -> Option<[u8; 32]> {
    bytes_of(text).map(|bytes| family_of(&bytes[..FAMILY]))
}

fn family_of(bytes: &[u8]) -> [u8; 32] {
    sha256(&Zeroizing::new(hex::encode(bytes)))
}

fn bytes_of(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // What is too long is not even decoded.
    let bytes = (text.len() == 43).then(|| URL_SAFE_NO_PAD.decode(text).ok().map(Zeroizing::new))??;
    (bytes.len() == 32).then_some(bytes)
}

/// The hash that such a text is known by; `None` for what cannot be one.
#[must_use]
pub fn hash_opaque(text: &str) -> Option<[u8; 32]> {
    bytes_of(text).map(|_| sha256(text))
}

/// Whether such a text is the one that a hash was kept of; how long that takes tells nothing.
#[must_use]
pub fn is_opaque(text: &str, hash: &[u8]) -> bool {
    hash_opaque(text).is_some_and(|given| bool::from(given.as_slice().ct_eq(hash)))
}

/// CRC-32 in base 62, filled up with zeros.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % BASE62.len()];
        rest /= BASE62.len();
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checksum by another implementation of CRC-32: bit by bit, as its polynomial says.
    fn crc(text: &str) -> u32 {
        !text.bytes().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }

    #[test]
    fn a_fixed_token_reads_as_it_always_did() {
        // The check value of CRC-32, 0xCBF43926.
        assert_eq!(checksum("123456789"), "3jZRME");
        let body = format!("{PREFIX}{}", "0Az".repeat(10));
        let text = format!("{body}_{}", checksum(&body));
        assert_eq!(text.len(), 41);
        assert_eq!(read(&text), Some(sha256(&text)));
        // SHA-256 by FIPS 180-4's example.
        assert_eq!(hex::encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn minted_tokens_read_back_and_damaged_ones_do_not() {
        for _ in 0..200 {
            let minted = mint();
            assert!(looks_like(&minted.text));
            assert_eq!(read(&minted.text), Some(minted.hash));
            let (body, sum) = minted.text.rsplit_once('_').unwrap();
            let digits = sum
                .bytes()
                .fold(0_u64, |sum, byte| sum * 62 + BASE62.iter().position(|digit| *digit == byte).unwrap() as u64);
            assert_eq!(digits, u64::from(crc(body)));
            for place in 0..minted.text.len() {
                let mut bytes = minted.text.as_bytes().to_vec();
                bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
                assert_eq!(read(std::str::from_utf8(&bytes).unwrap()), None, "place {place}");
            }
        }
    }

    #[test]
    fn what_has_not_the_form_is_no_token() {
        let minted = mint();
        let long = format!("{PREFIX}{}", "a".repeat(100_000));
        let wrong = ["", "kst_", "_", "kst__", "ghp_", &long, &minted.text[1..], &minted.text[..40]];
        for text in wrong {
            assert_eq!(read(text), None, "{text:.60}");
        }
        for text in [format!(" {}", *minted.text), format!("{}\n", *minted.text), minted.text.to_lowercase()] {
            assert_eq!(read(&text), None, "{text}");
        }
        // The right checksum of a body with a character that no token has.
        let body = format!("{PREFIX}{}é", "a".repeat(28));
        assert_eq!(read(&format!("{body}_{}", checksum(&body))), None);
    }

    #[test]
    fn opaque_texts_are_hashed_only_where_they_have_the_form() {
        let minted = mint_opaque();
        assert_eq!(minted.text.len(), 43);
        assert_eq!(hash_opaque(&minted.text), Some(minted.hash));
        assert_ne!(minted.hash, mint_opaque().hash);
        assert!(is_opaque(&minted.text, &minted.hash));
        for hash in [&minted.hash[..31], &mint_opaque().hash, &[]] {
            assert!(!is_opaque(&minted.text, hash));
        }
        let padded = format!("{}=", *minted.text);
        // The last character carries two bits that must be zero.
        let slack = format!("{}B", "A".repeat(42));
        let other = format!("{}+", "A".repeat(42));
        for text in ["", &minted.text[1..], &padded, &slack, &other, &"A".repeat(44)] {
            assert_eq!(hash_opaque(text), None, "{text}");
            assert!(!is_opaque(text, &minted.hash), "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let minted = mint();
        assert_eq!(format!("{minted:?}"), "Minted(***)");
    }

    #[test]
    fn refresh_tokens_of_a_session_are_known_by_their_family_and_no_others() {
        let first = mint_refresh(None);
        let next = mint_refresh(Some(&first.text));
        assert_eq!((first.family, family_of_refresh(&first.text)), (next.family, Some(next.family)));
        assert!(first.hash != next.hash && first.text != next.text);
        assert_eq!(hash_opaque(&next.text), Some(next.hash));
        assert_ne!(mint_refresh(None).family, first.family);
        assert_eq!((family_of_refresh("a"), format!("{next:?}")), (None, "Refresh(***)".to_owned()));
    }
}
