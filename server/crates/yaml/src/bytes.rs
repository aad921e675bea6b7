//! What single bytes mean to the scanner: one table look-up instead of a chain of comparisons.

pub(crate) const BLANK: u8 = 1;
/// Line feed and carriage return; the lead bytes of the Unicode breaks are `LEAD`.
pub(crate) const BREAK: u8 = 2;
/// May start U+0085, U+2028 or U+2029, which YAML 1.1 counts as line breaks.
pub(crate) const LEAD: u8 = 4;
pub(crate) const COLON: u8 = 8;
/// `,`, `[`, `]`, `{` and `}`.
pub(crate) const FLOW: u8 = 16;
/// Letters, digits, `-` and `_`: anchors, directives and handles.
pub(crate) const WORD: u8 = 32;
/// Stands for the end of the text; the byte itself is refused before scanning.
pub(crate) const END: u8 = 64;
/// Quotes and the backslash.
pub(crate) const QUOTE: u8 = 128;

pub(crate) const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' => BLANK,
            b'\n' | b'\r' => BREAK,
            0xC2 | 0xE2 => LEAD,
            b':' => COLON,
            b',' | b'[' | b']' | b'{' | b'}' => FLOW,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-' => WORD,
            b'\'' | b'"' | b'\\' => QUOTE,
            0 => END,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// Whether a byte is of one of the classes.
#[inline(always)]
pub(crate) fn is(byte: u8, classes: u8) -> bool {
    CLASS[byte as usize] & classes != 0
}
