//! Values that are stored in another form than they are shown in. They are converted here and nowhere else.

mod counted;
#[cfg(feature = "db")]
mod stored;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use counted::{FIRST_UNCOUNTED, is_uncounted, uncounted};
#[cfg(feature = "db")]
pub use stored::{JsonText, StoredTimestamp};

/// Git's name of an object: 20 bytes in the database, 40 hexadecimal digits in JSON and for people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub [u8; 20]);

/// As many digits of a hash as people are shown.
pub const SHORT_HASH: usize = 7;

impl ObjectId {
    /// As many digits as people are shown.
    #[must_use]
    pub fn short(self) -> String {
        format!("{self:.SHORT_HASH$}")
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut digits = [0; 40];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| std::fmt::Error)?;
        f.pad(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl std::fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for ObjectId {
    type Err = InvalidObjectId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 20];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(InvalidObjectId(text.chars().take(64).collect())),
        }
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Text that is not 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidObjectId(pub String);

impl std::fmt::Display for InvalidObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a full commit or object hash (40 hexadecimal digits)", self.0)
    }
}

impl std::error::Error for InvalidObjectId {}

/// Text without the one character that PostgreSQL refuses.
#[must_use]
pub fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::ObjectId;

    const DIGITS: &str = "00ff10a1b2c3d4e5f60718293a4b5c6d7e8f9001";

    #[test]
    fn object_id_is_hexadecimal_in_json_and_comes_back() {
        let id: ObjectId = DIGITS.parse().unwrap();
        assert_eq!((id.0[1], id.0[19]), (0xff, 0x01));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{DIGITS}\""));
        assert_eq!(serde_json::from_str::<ObjectId>(&json).unwrap(), id);
        assert_eq!(DIGITS.to_uppercase().parse::<ObjectId>().unwrap(), id);
    }

    #[test]
    fn object_id_is_read_from_forty_digits_only() {
        for text in ["", &DIGITS[1..], &format!("{DIGITS}0"), &"+f".repeat(20), &"g0".repeat(20), &"ä".repeat(20)] {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
            assert!(serde_json::from_value::<ObjectId>(serde_json::json!(text)).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<ObjectId>("7").is_err());
    }
}
