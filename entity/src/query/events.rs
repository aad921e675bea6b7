//! Events: lists, facets, counts by day.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::view::{ActivityBucket, Event, EventDailyCount, EventFilter, EventTrend, Listing, NamedCount, Timestamp};

/// Which events, newest first.
pub async fn list_events(c: &impl ConnectionTrait, filter: &EventFilter) -> Result<Listing<Event>> {
    Err(DataError::NotReady)
}

/// Kinds and namespaces that a repository's events are about, most frequent first.
pub async fn event_facets(c: &impl ConnectionTrait, repository: Uuid) -> Result<(Vec<NamedCount>, Vec<NamedCount>)> {
    Err(DataError::NotReady)
}

/// Events by day and type over the last days (today counts), oldest first; days without events are left out.
pub async fn daily_counts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    days: u32,
    now: Timestamp,
) -> Result<Vec<EventDailyCount>> {
    Err(DataError::NotReady)
}

/// Every one of the last days (today counts) with its events and the resources that stood at its end.
pub async fn trends(c: &impl ConnectionTrait, repository: Uuid, days: u32, now: Timestamp) -> Result<Vec<EventTrend>> {
    Err(DataError::NotReady)
}

/// Events of one repository or of all since a time (since the first event, for `None`), folded into at most
/// `max_buckets` spans of equal length without gaps.
pub async fn activity(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    since: Option<Timestamp>,
    now: Timestamp,
    max_buckets: u32,
) -> Result<Vec<ActivityBucket>> {
    Err(DataError::NotReady)
}
