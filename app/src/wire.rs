//! How a page's data travels to the browser: packed by position instead of by field name.
//!
//! Reading JSON by name costs the WebAssembly a quarter of its size, since every type brings code for every order
//! its fields may come in. Both ends are built from one source, so names say nothing here.

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Data of a page, one string on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed<T>(pub T);

impl<T: Serialize> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = postcard::to_allocvec(&self.0).map_err(S::Error::custom)?;
        serializer.serialize_str(&to_text(&bytes))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_str(Text)?;
        postcard::from_bytes(&bytes).map(Self).map_err(D::Error::custom)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("packed data")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        from_text(text).ok_or_else(|| E::custom("not base64"))
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 for addresses, without padding: nothing in it needs an escape in JSON or HTML.
fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().enumerate().fold(0, |sum, (at, byte)| sum | u32::from(*byte) << (16 - 8 * at));
        for at in 0..=chunk.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

fn from_text(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut number = 0;
        for (at, digit) in chunk.iter().enumerate() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            number |= u32::from(value) << (18 - 6 * at);
        }
        bytes.extend_from_slice(number.to_be_bytes().get(1..chunk.len())?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_as_it_went() {
        for length in 0..300_usize {
            let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n * 7 % 256).unwrap()).collect();
            assert_eq!(from_text(&to_text(&bytes)).as_deref(), Some(bytes.as_slice()), "{length}");
        }
    }

    #[test]
    fn data_comes_back_from_json() {
        let data = Packed(vec![(Some("ü".to_owned()), -5_i64), (None, 1 << 40)]);
        let json = serde_json::to_string(&data).unwrap();
        assert_eq!(serde_json::from_str::<Packed<Vec<(Option<String>, i64)>>>(&json).unwrap(), data);
    }

    #[test]
    fn what_was_not_packed_is_an_error() {
        for json in ["\"!\"", "\"A\"", "\"____\"", "7"] {
            assert!(serde_json::from_str::<Packed<Vec<String>>>(json).is_err(), "{json}");
        }
    }
}
