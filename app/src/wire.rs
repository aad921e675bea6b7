//! How a page's data travels to the browser: packed by position instead of by field name.
//!
//! Reading JSON by name costs the WebAssembly a quarter of its size, since every type brings code for every order
//! its fields may come in. Both ends are built from one source, so names say nothing here.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
#[cfg(any(feature = "ssr", test))]
use serde::Serialize;
use serde::de::DeserializeOwned;

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

impl<T> fmt::Display for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> FromStr for Packed<T> {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self { text: text.to_owned(), of: PhantomData })
    }
}

/// What came of asking for a page's data, as it stands in the page for the browser's half to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered(pub Result<Packed<()>, AppError>);

impl<T> From<Result<Packed<T>, AppError>> for Answered {
    fn from(answer: Result<Packed<T>, AppError>) -> Self {
        Self(answer.map(Packed::erase))
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(data) => f.write_str(&data.text),
            // No packed text has it in it.
            Err(error) => write!(f, "!{}", error.to_wire()),
        }
    }
}

impl FromStr for Answered {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(match text.strip_prefix('!') {
            Some(error) => Err(AppError::from_wire(error)),
            None => text.parse().map_err(|never: Infallible| match never {}),
        }))
    }
}

/// How the answers of server functions travel: as the text that their type writes and reads itself. Name it as a
/// function's `output`; what is JSON instead costs each page the reader for it.
pub type Text = Post<TextEncoding>;

/// See [`Text`].
#[derive(Debug)]
pub struct TextEncoding;

impl ContentType for TextEncoding {
    const CONTENT_TYPE: &'static str = "text/plain";
}

impl FormatType for TextEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: fmt::Display> Encodes<T> for TextEncoding {
    type Error = Infallible;

    fn encode(output: &T) -> Result<Bytes, Infallible> {
        Ok(output.to_string().into())
    }
}

impl<T: FromStr> Decodes<T> for TextEncoding {
    type Error = &'static str;

    fn decode(bytes: Bytes) -> Result<T, &'static str> {
        let text = std::str::from_utf8(&bytes).map_err(|_| "it is not text")?;
        text.parse().map_err(|_| "it is no answer to what was asked")
    }
}

/// The same for errors, whose own text is for people.
#[derive(Debug)]
pub struct ErrorEncoding;

impl ContentType for ErrorEncoding {
    const CONTENT_TYPE: &'static str = "text/plain";
}

impl FormatType for ErrorEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl Encodes<AppError> for ErrorEncoding {
    type Error = Infallible;

    fn encode(error: &AppError) -> Result<Bytes, Infallible> {
        #[cfg(feature = "ssr")]
        error.set_answer_status();
        Ok(error.to_wire().into())
    }
}

impl Decodes<AppError> for ErrorEncoding {
    type Error = Infallible;

    fn decode(bytes: Bytes) -> Result<AppError, Infallible> {
        Ok(AppError::from_wire(&String::from_utf8_lossy(&bytes)))
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
        let packed: Packed<T> = Packed { text: to_text(&postcard::to_allocvec(data).unwrap()), of: PhantomData };
        let sent = TextEncoding::encode(&packed).unwrap();
        let got: Packed<T> = TextEncoding::decode(sent).unwrap();
        got.erase()
    }

    #[test]
    fn an_answer_stands_in_the_page_as_it_came() {
        for answer in [Ok(packed(&1)), Ok(packed(&())), Err(AppError::not_found("page: !")), Err(AppError::invalid(""))]
        {
            let answer = Answered(answer);
            assert_eq!(answer.to_string().parse::<Answered>().unwrap(), answer);
        }
    }

    #[test]
    fn data_comes_back_as_it_went() {
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
