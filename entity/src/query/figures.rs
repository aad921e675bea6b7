//! Figures over repositories that only REST clients ask for.

use super::{ConnectionTrait, DataError, Result};
use crate::view::{RecentRepositories, RepositoryStats, Timestamp};

/// Totals, languages and the repositories with the most stars.
pub async fn repository_stats(c: &impl ConnectionTrait) -> Result<RepositoryStats> {
    Err(DataError::NotReady)
}

/// Repositories with the most events in the last three days.
pub async fn recent_repositories(c: &impl ConnectionTrait, now: Timestamp) -> Result<RecentRepositories> {
    Err(DataError::NotReady)
}
