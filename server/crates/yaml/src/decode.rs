//! Bytes to text: UTF-8 with or without a byte order mark, UTF-16 with one; nothing but printable characters.

use std::borrow::Cow;

use entity::kind::ProblemClass;

use crate::YamlError;

/// The text of a file.
///
/// # Errors
/// A problem of class `encoding` at the first byte that is not text, or not allowed in YAML.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        [0xEF, 0xBB, 0xBF, rest @ ..] => Cow::Borrowed(utf8(rest)?),
        _ => Cow::Borrowed(utf8(bytes)?),
    };
    match first_control(&text) {
        None => Ok(text),
        Some((at, character)) => {
            let message = format!("control characters are not allowed: U+{:04X}", u32::from(character));
            Err(at_line(message, text.as_bytes(), at))
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, YamlError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        at_line(format!("not UTF-8: byte 0x{byte:02X} at offset {at}"), bytes, at)
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, YamlError> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for (index, character) in char::decode_utf16(units).enumerate() {
        let Ok(character) = character else {
            let message = format!("not UTF-16: a surrogate stands alone at character {index}");
            let at = text.len();
            return Err(at_line(message, text.as_bytes(), at));
        };
        text.push(character);
    }
    if bytes.len() % 2 == 1 {
        let at = text.len();
        return Err(at_line("not UTF-16: half a character at the end".into(), text.as_bytes(), at));
    }
    Ok(text)
}

fn at_line(message: String, bytes: &[u8], at: usize) -> YamlError {
    let lines = bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
    let column =
        bytes[..at].iter().rev().take_while(|&&byte| byte != b'\n').filter(|&&byte| byte & 0xC0 != 0x80).count();
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).saturating_add(1);
    YamlError::new(ProblemClass::Encoding, message, number(lines), number(column))
}

/// The first character that YAML does not allow.
#[expect(clippy::needless_bitwise_bool, reason = "without branches, a quarter of the time of a large file's scan")]
fn first_control(text: &str) -> Option<(usize, char)> {
    // Branch-free, so that the compiler can look at many bytes at once; the slow way only finds the place.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found
            | (byte < 0x20 && byte != b'\n' && byte != b'\t' && byte != b'\r')
            | (byte == 0x7F)
            | (byte == 0xC2)
            | (byte == 0xEF)
    });
    if !suspicious {
        return None;
    }
    text.char_indices().find(|&(_, character)| {
        !matches!(character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
    })
}
