//! How values become columns and columns values.

use sea_orm::sea_query::{ArrayType, ColumnType, DateTimeLikeValue, Nullable, StringLen, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ObjectId;
use crate::view::Timestamp;

/// A time as both engines keep it: whole microseconds, years that have four digits. SQLite's text
/// (`2026-11-21T08:15:00.5+00:00`) then sorts as the times do, since `+` < `.` < digits. It can only be made from a
/// [`Timestamp`], which is cut on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoredTimestamp(Timestamp);

impl From<Timestamp> for StoredTimestamp {
    fn from(time: Timestamp) -> Self {
        const FIRST: i64 = -62_135_596_800_000_000;
        const LAST: i64 = 253_402_300_799_999_999;
        Self(Timestamp::from_timestamp_micros(time.timestamp_micros().clamp(FIRST, LAST)).unwrap_or(time))
    }
}

impl From<StoredTimestamp> for Timestamp {
    fn from(time: StoredTimestamp) -> Self {
        time.0
    }
}

impl From<StoredTimestamp> for Value {
    fn from(time: StoredTimestamp) -> Self {
        time.0.into()
    }
}

impl TryGetable for StoredTimestamp {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        Timestamp::try_get_by(row, index).map(Self::from)
    }
}

impl ValueType for StoredTimestamp {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <Timestamp as ValueType>::try_from(value).map(Self::from)
    }

    fn type_name() -> String {
        "StoredTimestamp".to_owned()
    }

    fn array_type() -> ArrayType {
        Timestamp::array_type()
    }

    fn column_type() -> ColumnType {
        Timestamp::column_type()
    }
}

impl Nullable for StoredTimestamp {
    fn null() -> Value {
        Timestamp::null()
    }
}

/// Lets columns of times be compared with it.
impl DateTimeLikeValue for StoredTimestamp {}

/// What is kept as the text of its JSON, since the database asks nothing about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonText<T>(pub T);

/// A value without a JSON form becomes NULL, which the columns refuse; none of those that are stored is one.
impl<T: Serialize> From<JsonText<T>> for Value {
    fn from(json: JsonText<T>) -> Self {
        Self::String(serde_json::to_string(&json.0).ok())
    }
}

impl<T: DeserializeOwned> TryGetable for JsonText<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let text = String::try_get_by(row, index)?;
        let damaged = |error| TryGetError::DbErr(DbErr::Json(format!("column {index:?}: {error}")));
        serde_json::from_str(&text).map(Self).map_err(damaged)
    }
}

impl<T: DeserializeOwned> ValueType for JsonText<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let text = <String as ValueType>::try_from(value)?;
        serde_json::from_str(&text).map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "JsonText".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::Text
    }
}

impl<T> Nullable for JsonText<T> {
    fn null() -> Value {
        Value::String(None)
    }
}

impl From<ObjectId> for Value {
    fn from(id: ObjectId) -> Self {
        Self::Bytes(Some(id.0.to_vec()))
    }
}

impl TryGetable for ObjectId {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let bytes = Vec::<u8>::try_get_by(row, index)?;
        let damaged =
            |bytes: Vec<u8>| format!("column {index:?} has {} bytes instead of an object id's 20", bytes.len());
        bytes.try_into().map(Self).map_err(|bytes| TryGetError::DbErr(DbErr::Type(damaged(bytes))))
    }
}

impl ValueType for ObjectId {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let bytes = <Vec<u8> as ValueType>::try_from(value)?;
        bytes.try_into().map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "ObjectId".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Bytes
    }

    fn column_type() -> ColumnType {
        ColumnType::VarBinary(StringLen::None)
    }
}

impl Nullable for ObjectId {
    fn null() -> Value {
        Value::Bytes(None)
    }
}

/// Columns of keys must have it; no database counts these up.
macro_rules! never_counted {
    ($($name:ident)+) => {
        $(impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        })+
    };
}
never_counted!(ObjectId StoredTimestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_what_both_engines_keep() {
        for (given, stored) in [
            ("2026-11-21T08:15:00.123456789Z", "2026-11-21T08:15:00.123456Z"),
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"),
            ("+12026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
            ("-0044-03-15T12:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            let time = StoredTimestamp::from(given.parse::<Timestamp>().unwrap());
            assert_eq!(Timestamp::from(time), stored.parse::<Timestamp>().unwrap(), "{given}");
        }
    }

    #[test]
    fn json_is_text_and_bytes_are_an_object_id_only_if_they_are_twenty() {
        let json = JsonText(vec!["a\0".to_owned()]);
        assert_eq!(Value::from(json.clone()), Value::from("[\"a\\u0000\"]"));
        assert_eq!(<JsonText<Vec<String>> as ValueType>::try_from(json.clone().into()).unwrap(), json);
        assert!(<JsonText<Vec<String>> as ValueType>::try_from("{}".into()).is_err());
        let id = ObjectId([7; 20]);
        assert_eq!(<ObjectId as ValueType>::try_from(id.into()).unwrap(), id);
        assert!(<ObjectId as ValueType>::try_from(Value::Bytes(Some(vec![7; 19]))).is_err());
    }
}
