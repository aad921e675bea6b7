//! How what people and programs give to find something is read: pages and REST both read it here, so that one value is
//! usable everywhere or nowhere.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate};
use uuid::Uuid;

use entity::kind::UnknownWord;
use entity::view::Timestamp;

/// Longest text to look for, in characters: names of Kubernetes objects have 253, paths of files are longer.
pub const MAX_TEXT: usize = 1_000;

/// Why something that was given cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    TooLong,
    /// No stored text holds one.
    Nul,
    /// What is escaped in an address is no UTF-8.
    NotText,
    NoNumber,
    NoId,
    NoTime,
    NoDay,
    NoMoment,
    /// None of the fixed words; says which there are.
    UnknownWord(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "must have at most {MAX_TEXT} characters"),
            Self::Nul => f.write_str("must not hold a NUL character"),
            Self::NotText => f.write_str("must be text in UTF-8"),
            Self::NoNumber => f.write_str("must be a whole number, in digits alone"),
            Self::NoId => f.write_str("must be a UUID, such as 0191d1a0-5c4e-7000-8000-000000000000"),
            Self::NoTime => f.write_str("must be a time such as 2026-01-31T12:00:00Z"),
            Self::NoDay => f.write_str("must be a day such as 2026-01-31"),
            Self::NoMoment => f.write_str("must be a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z"),
            Self::UnknownWord(known) => f.write_str(known),
        }
    }
}

impl std::error::Error for Unusable {}

/// A text to look for.
///
/// # Errors
/// If it cannot be looked for.
pub fn text(given: &str) -> Result<&str, Unusable> {
    if given.contains('\0') {
        return Err(Unusable::Nul);
    }
    match given.chars().nth(MAX_TEXT) {
        None => Ok(given),
        Some(_) => Err(Unusable::TooLong),
    }
}

/// A number without sign, spaces or needless zeros.
///
/// # Errors
/// If it is none, or larger than any that is of use.
pub fn number(given: &str) -> Result<u64, Unusable> {
    let is_plain = given == "0" || !given.starts_with('0') && given.bytes().all(|byte| byte.is_ascii_digit());
    given.parse().ok().filter(|_| is_plain).ok_or(Unusable::NoNumber)
}

/// An id as we write it, in either case; other ways to write it are no other id.
///
/// # Errors
/// If it is none.
pub fn id(given: &str) -> Result<Uuid, Unusable> {
    const WRITTEN: usize = 36;
    Uuid::parse_str(given).ok().filter(|_| given.len() == WRITTEN).ok_or(Unusable::NoId)
}

/// A time with its offset.
///
/// # Errors
/// If it is none.
pub fn time(given: &str) -> Result<Timestamp, Unusable> {
    // A space in place of the T is read as well, but is not what we describe.
    let time = DateTime::parse_from_rfc3339(given).ok().filter(|_| !given.contains(char::is_whitespace));
    time.map(|time| time.to_utc()).ok_or(Unusable::NoTime)
}

/// A day of four, two and two digits.
///
/// # Errors
/// If it is none.
pub fn day(given: &str) -> Result<NaiveDate, Unusable> {
    // Years of other lengths and signs are read as well, but meant by nobody.
    let is_plain = |day: &NaiveDate| given.len() == 10 && day.format("%Y-%m-%d").to_string() == given;
    given.parse().ok().filter(is_plain).ok_or(Unusable::NoDay)
}

/// A time, or the end of a day, UTC.
///
/// # Errors
/// If it is neither.
pub fn moment(given: &str) -> Result<Timestamp, Unusable> {
    let end_of_day = || day(given).ok()?.and_hms_opt(23, 59, 59).map(|end| end.and_utc());
    time(given).ok().or_else(end_of_day).ok_or(Unusable::NoMoment)
}

/// One of a type's fixed words, in upper or lower case.
///
/// # Errors
/// If it is none of them.
pub fn word<T: FromStr<Err = UnknownWord>>(given: &str) -> Result<T, Unusable> {
    given.parse().map_err(|error: UnknownWord| Unusable::UnknownWord(error.to_string()))
}

/// Checks that what is escaped in the part of an address after `?` is text; decoders replace what is not.
///
/// # Errors
/// If it is not.
pub fn query(given: &str) -> Result<(), Unusable> {
    percent_encoding::percent_decode_str(given).decode_utf8().map(drop).map_err(|_| Unusable::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::kind::JobState;

    #[test]
    fn texts_are_bounded_and_hold_no_nul() {
        assert_eq!(text("ü"), Ok("ü"));
        assert_eq!(text(&"ü".repeat(MAX_TEXT)).map(str::len), Ok(2 * MAX_TEXT));
        assert_eq!(text(&"ü".repeat(MAX_TEXT + 1)), Err(Unusable::TooLong));
        assert_eq!(text("a\0b"), Err(Unusable::Nul));
        assert_eq!(query("text=%C3%BC&a=+"), Ok(()));
        for wrong in ["text=%FF", "%ED%A0%80=a", "a=%C3"] {
            assert_eq!(query(wrong), Err(Unusable::NotText), "{wrong}");
        }
    }

    #[test]
    fn numbers_ids_and_words_are_written_in_one_way() {
        assert_eq!((number("0"), number("100")), (Ok(0), Ok(100)));
        for wrong in ["", "+5", " 5", "5 ", "-0", "05", "5.0", "5e1", "٥", "18446744073709551616"] {
            assert_eq!(number(wrong), Err(Unusable::NoNumber), "{wrong:?}");
        }
        let written = "0191d1a0-5c4e-7abc-8000-00000000000f";
        assert_eq!(id(written).unwrap(), id(&written.to_uppercase()).unwrap());
        for wrong in [written.replace('-', ""), format!("{{{written}}}"), format!("urn:uuid:{written}"), String::new()]
        {
            assert_eq!(id(&wrong), Err(Unusable::NoId), "{wrong}");
        }
        assert_eq!(word::<JobState>("queued"), Ok(JobState::Queued));
        assert_eq!(word::<JobState>("QUEUED"), Ok(JobState::Queued));
        for wrong in [" queued", "queued ", "", "queue"] {
            assert!(matches!(word::<JobState>(wrong), Err(Unusable::UnknownWord(_))), "{wrong:?}");
        }
    }
}
