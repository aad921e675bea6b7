//! The one place that asks what time it is; everything else is told.

use entity::view::Timestamp;

/// Now, to the millisecond: databases and JSON keep no more.
#[must_use]
pub fn now() -> Timestamp {
    let now = chrono::Utc::now();
    chrono::DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}
