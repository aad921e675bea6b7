use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::hex;
use entity::view::{CommitSummary, Timestamp};

/// A commit with its repository's name.
#[derive(Debug, FromQueryResult)]
pub(crate) struct CommitRow {
    repository_id: Uuid,
    repository_full_name: String,
    sha: Vec<u8>,
    sequence: i64,
    committed_at: Timestamp,
    author_name: String,
    subject: String,
    created: i64,
    modified: i64,
    deleted: i64,
    resurrected: i64,
}

impl CommitRow {
    /// Columns and tables of this row; `k` is the commit, `r` the repository.
    pub(crate) const SELECT: &'static str = "SELECT k.repository_id, r.full_name AS repository_full_name, k.sha, \
        k.sequence, k.committed_at, k.author_name, k.subject, k.created, k.modified, k.deleted, k.resurrected \
        FROM \"commit\" k JOIN repository r ON r.id = k.repository_id";

    pub(crate) fn into_view(self) -> CommitSummary {
        CommitSummary {
            repository_id: self.repository_id,
            repository_full_name: self.repository_full_name,
            sha: hex(&self.sha),
            sequence: self.sequence,
            committed_at: self.committed_at,
            author_name: self.author_name,
            subject: self.subject,
            created: self.created,
            modified: self.modified,
            deleted: self.deleted,
            resurrected: self.resurrected,
        }
    }
}
