//! Jobs as people and clients watch them; the queue itself is `crate::queue`.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::view::{Job, JobFilter, Listing};

/// One job.
pub async fn find_job(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Job>> {
    Err(DataError::NotReady)
}

/// Which jobs, newest first.
pub async fn list_jobs(c: &impl ConnectionTrait, filter: &JobFilter) -> Result<Listing<Job>> {
    Err(DataError::NotReady)
}
