use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Repository;

/// Figures over all repositories (the contract's `RepositoryStatsPublic`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepositoryStats {
    pub total_repositories: i64,
    pub total_stars: i64,
    pub total_forks: i64,
    /// Language to number of repositories; those whose language is not known are not counted.
    pub languages: BTreeMap<String, i64>,
    /// The five with the most stars.
    pub top_repositories: Vec<Repository>,
}

/// Repositories with events in the last days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecentRepositories {
    /// The ten with the most events, those with more first.
    pub recent_active_repositories: Vec<RecentRepository>,
    pub period_days: i64,
    /// Events before this time are not counted.
    pub cutoff_date: DateTime<Utc>,
}

/// A repository with its events of the last days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecentRepository {
    pub repository_id: Uuid,
    pub name: String,
    pub full_name: String,
    pub owner: String,
    pub description: Option<String>,
    pub total_events: i64,
    /// Time of the newest event.
    pub last_activity: DateTime<Utc>,
    /// Event type to number of events.
    pub event_breakdown: BTreeMap<String, i64>,
}
