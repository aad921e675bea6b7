//! Rows as the database gives them, and how they become views. Seen by `query` and `queue` only.

mod resource;

pub(crate) use resource::{FullResourceRow, KnownRow, ResourceRow, TextRow};

use crate::db::{DataError, Result};
use entity::found::ObjectId;

/// Bytes of an object id, as stored.
pub(crate) fn object_id(bytes: &[u8]) -> Result<ObjectId> {
    <[u8; 20]>::try_from(bytes)
        .map(ObjectId)
        .map_err(|_| DataError::Damaged { what: "object id", reason: format!("{} bytes instead of 20", bytes.len()) })
}

/// Hexadecimal digits of stored bytes, however many there are.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A JSON column as what it holds.
pub(crate) fn json<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| DataError::Damaged { what, reason: error.to_string() })
}

/// A value as a JSON column; what is stored here always has a JSON form.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| DataError::Damaged { what, reason: error.to_string() })
}
