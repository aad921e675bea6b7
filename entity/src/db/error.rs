use uuid::Uuid;

use crate::found::ObjectId;

/// Why a question or a write failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The address names no engine that is known here.
    #[error("database address starts with {scheme:?}; allowed: sqlite:, postgres://, postgresql://")]
    UnknownEngine {
        /// What stands before the first colon.
        scheme: String,
    },
    /// What must be there is not.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// `repository`, `job`, ...
        what: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// Somebody else has moved the repository's cursor: the scan must read its state again.
    #[error("batch starts after commit {expected:?}, but repository {repository} is scanned up to {stored:?}")]
    StaleBatch {
        /// The repository.
        repository: Uuid,
        /// What the batch was made against.
        expected: Option<ObjectId>,
        /// What is stored.
        stored: Option<ObjectId>,
    },
    /// The job is no longer this worker's: its lease ran out and another took it over.
    #[error("job {job} is not held by worker {worker}")]
    LostLease {
        /// The job.
        job: Uuid,
        /// Who thought to hold it.
        worker: String,
    },
    /// Stored text can't be decompressed.
    #[error("stored manifest can't be read: {0}")]
    Text(#[from] super::text::TextError),
    /// A stored value is not what the program writes.
    #[error("stored {what} can't be read: {reason}")]
    Damaged {
        /// Table and column.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl DataError {
    /// Whether the same call may work a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => match error {
                sea_orm::DbErr::ConnectionAcquire(_) | sea_orm::DbErr::Conn(_) => true,
                other => {
                    let text = other.to_string();
                    text.contains("database is locked") || text.contains("deadlock detected")
                }
            },
            Self::StaleBatch { .. } => true,
            _ => false,
        }
    }
}
