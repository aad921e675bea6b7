//! How a page's data travels to the browser: packed by position instead of by field name.
//!
//! Reading JSON by name costs the WebAssembly a quarter of its size, since every type brings code for every order
//! its fields may come in. Both ends are built from one source, so names say nothing here.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::AppError;

/// Data of a page as one string. What is in it is known to the types alone, so that all pages share one way to ask
/// for it, and only the last step, reading it, is code of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), of: PhantomData }
    }
}

impl<T> Packed<T> {
    /// The same without saying what is in it.
    #[must_use]
    pub fn erase(self) -> Packed<()> {
        Packed { text: self.text, of: PhantomData }
    }
}

impl Packed<()> {
    /// Reads what is in it.
    ///
    /// # Errors
    /// If it is something else: the browser's half is of another version than the server.
    pub fn unpack<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        from_text(&self.text).and_then(|bytes| postcard::from_bytes(&bytes).ok()).ok_or_else(|| AppError::Unreachable {
            message: "The server was changed meanwhile. Load the page again.".to_owned(),
        })
    }
}

/// Packs what a page shows.
///
/// # Errors
/// If a type can't be packed, which tests would tell.
#[cfg(feature = "ssr")]
pub fn pack<T: Serialize>(data: &T) -> Result<Packed<T>, AppError> {
    let bytes = postcard::to_allocvec(data).map_err(AppError::internal)?;
    Ok(Packed { text: to_text(&bytes), of: PhantomData })
}

impl<T> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, T> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self { text, of: PhantomData })
    }
}

#[cfg(any(feature = "ssr", test))]
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 for addresses, without padding: nothing in it needs an escape in JSON or HTML.
#[cfg(any(feature = "ssr", test))]
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

    fn packed<T: Serialize>(data: &T) -> Packed<()> {
        let text = to_text(&postcard::to_allocvec(data).unwrap());
        let json = serde_json::to_string(&Packed::<T> { text, of: PhantomData }).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn data_comes_back_through_json() {
        let data = vec![(Some("ü".to_owned()), -5_i64), (None, 1 << 40)];
        assert_eq!(packed(&data).unpack::<Vec<(Option<String>, i64)>>().unwrap(), data);
    }

    #[test]
    fn what_was_not_packed_is_an_error() {
        for text in ["!", "A", "____"] {
            let packed = Packed::<()> { text: text.to_owned(), of: PhantomData };
            assert!(packed.unpack::<Vec<String>>().is_err(), "{text}");
        }
    }
}
