//! Commits with events.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::view::{CommitDetail, CommitSummary, Listing, PageQuery};

/// A commit by its hash or a beginning of it (4 digits or more) that fits one commit only, with a page of its events.
pub async fn find_commit(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sha: &str,
    page: PageQuery,
) -> Result<Option<CommitDetail>> {
    Err(DataError::NotReady)
}

/// Commits with events of one repository or of all, newest first.
pub async fn list_commits(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    page: PageQuery,
) -> Result<Listing<CommitSummary>> {
    Err(DataError::NotReady)
}
