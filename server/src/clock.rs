//! The one place that asks what time it is; everything else is told.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use entity::view::Timestamp;

/// Milliseconds by which the clock was set.
static SET_BY: AtomicI64 = AtomicI64::new(0);

/// Now, to the millisecond: databases and JSON keep no more.
#[must_use]
pub fn now() -> Timestamp {
    let now = chrono::Utc::now();
    let millis = now.timestamp_millis().saturating_add(SET_BY.load(Ordering::Relaxed));
    chrono::DateTime::from_timestamp_millis(millis).unwrap_or(now)
}

/// Sets the clock forward or back from the true time, for this process: tests of what happens when a machine's clock
/// jumps. The clock that measures durations goes on as ever.
pub fn set_by(difference: TimeDelta) {
    SET_BY.store(difference.num_milliseconds(), Ordering::Relaxed);
}
