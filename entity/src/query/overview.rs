//! What the first page and the line about the system show.

use super::{ConnectionTrait, DataError, Result};
use crate::view::{Overview, RunningWork, SystemState, Timestamp};

/// Figures over everything.
pub async fn overview(c: &impl ConnectionTrait, now: Timestamp) -> Result<Overview> {
    Err(DataError::NotReady)
}

/// Jobs that run, how many wait, which ended last.
pub async fn running_work(c: &impl ConnectionTrait) -> Result<RunningWork> {
    Err(DataError::NotReady)
}

/// The line about the system.
pub async fn system_state(c: &impl ConnectionTrait) -> Result<SystemState> {
    Err(DataError::NotReady)
}
