//! What kubectl makes of scalars: the rules of the Go library that it reads manifests with.
//!
//! [`Tag`] says what a scalar is by the counting rules (YAML 1.1 as libyaml's users have it); the two differ for a few
//! spellings (`12e3`, `0o755` and `099` are numbers here, dates and numbers to base 60 are texts). What is applied is
//! decided here, so this is what manifests are compared by.

use serde_json::{Number, Value};

use crate::tree::Style;
use crate::{Node, Tag};

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading<'t> {
    Null,
    Bool(bool),
    /// Every whole number that 64 bits hold, however it is written: `1`, `0x1`, `1.0`.
    Int(i64),
    /// Finite, and not whole unless it is very large.
    Float(f64),
    Text(&'t str),
    /// `!!binary`, still encoded.
    Binary(&'t str),
    /// An alias to a node that it stands inside of.
    Cycle,
}

impl<'t> Node<'t> {
    /// What kubectl reads a scalar as; `None` for mappings and sequences.
    #[must_use]
    pub fn reading(self) -> Option<Reading<'t>> {
        let text = self.scalar()?;
        let data = self.data();
        Some(match data.tag {
            Tag::Str if data.style != Style::Plain || data.tagged => Reading::Text(text),
            Tag::Str | Tag::Int | Tag::Float | Tag::Bool => read_plain(text),
            Tag::Null => Reading::Null,
            Tag::Binary => Reading::Binary(text),
            Tag::Cycle => Reading::Cycle,
            Tag::Timestamp | Tag::Merge | Tag::Value | Tag::Seq | Tag::Map | Tag::Other => Reading::Text(text),
        })
    }
}

impl Reading<'_> {
    /// The value as JSON has it.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self {
            Self::Null | Self::Cycle => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::from(value),
            Self::Float(value) => Number::from_f64(value).map_or(Value::Null, Value::Number),
            Self::Text(text) | Self::Binary(text) => Value::from(text),
        }
    }
}

/// Resolves a scalar without quotes.
fn read_plain(text: &str) -> Reading<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Reading::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Reading::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Reading::Bool(false),
        _ => match text.as_bytes()[0] {
            b'0'..=b'9' | b'+' | b'-' => number(text),
            b'.' => float(text),
            _ => None,
        }
        .unwrap_or(Reading::Text(text)),
    }
}

fn number<'t>(text: &str) -> Option<Reading<'t>> {
    // Most texts that begin with a digit are versions, sizes and addresses.
    let possible =
        |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'x' | b'X' | b'o' | b'O');
    if !text.bytes().all(possible) {
        return None;
    }
    let plain: String = text.chars().filter(|&c| c != '_').collect();
    let (sign, digits) = match plain.strip_prefix(['-', '+']) {
        Some(digits) => (if plain.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, plain.as_str()),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // The parser would take another sign.
    let whole = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| i128::from_str_radix(digits, radix).ok());
    match whole.flatten() {
        Some(value) if value <= i128::from(u64::MAX) => Some(whole_number(sign * value)),
        _ => float(&plain),
    }
}

/// Whole numbers beyond 64 bits with a sign are floating-point numbers to whoever reads JSON.
fn whole_number<'t>(value: i128) -> Reading<'t> {
    #[expect(clippy::cast_precision_loss, reason = "as JSON readers do")]
    i64::try_from(value).map_or(Reading::Float(value as f64), Reading::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float<'t>(text: &str) -> Option<Reading<'t>> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    if !fits || !exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))) {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    // `1.0` is written as `1` in JSON, and read as a whole number from there.
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    let whole = (value.fract() == 0.0 && value.abs() < 9e18).then_some(Reading::Int(value as i64));
    Some(whole.unwrap_or(Reading::Float(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    fn read(text: &str) -> String {
        let documents = parse(text.as_bytes(), &Limits::default()).expect("YAML");
        documents[0].root().reading().expect("a scalar").to_json().to_string()
    }

    /// The right side is what `kubectl label --local -o json` prints.
    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        for (text, json) in [
            ("yes", "true"),
            ("OFF", "false"),
            ("y", "true"),
            ("N", "false"),
            ("~", "null"),
            ("\"yes\"", "\"yes\""),
            ("0755", "493"),
            ("0o755", "493"),
            ("-0755", "-493"),
            ("0x1F", "31"),
            ("0B11", "3"),
            ("099", "99"),
            ("1_000", "1000"),
            ("_1", "\"_1\""),
            ("+12", "12"),
            ("--1", "\"--1\""),
            ("20190612073634", "20190612073634"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("1.0", "1"),
            ("1.10", "1.1"),
            (".5", "0.5"),
            ("1.", "1"),
            ("-0.0", "0"),
            ("12e3", "12000"),
            ("00215e6", "215000000"),
            ("1e+3", "1000"),
            ("5e1012", "\"5e1012\""),
            ("190:20:30", "\"190:20:30\""),
            ("2024-03-01", "\"2024-03-01\""),
            ("1.2.3", "\"1.2.3\""),
            ("10.0.0.0/8", "\"10.0.0.0/8\""),
            ("-", "\"-\""),
            (".", "\".\""),
            ("=", "\"=\""),
            ("!!str 12e3", "\"12e3\""),
            ("!!int \"5\"", "5"),
            ("!custom 5", "\"5\""),
        ] {
            if text == "-" {
                // A lone dash is an item; within quotes it is a text as any other.
                assert_eq!(read_plain(text), Reading::Text("-"));
                continue;
            }
            assert_eq!(read(text), json, "{text}");
        }
    }
}
