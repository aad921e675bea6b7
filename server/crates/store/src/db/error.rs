use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};
use uuid::Uuid;

use entity::input::ObjectId;

/// Why a question or a write failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] DbErr),
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
            Self::Database(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => true,
            Self::Database(DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) => {
                is_passing(error)
            }
            // A value that can't be read stays so, whatever words stand in it.
            Self::Database(DbErr::Json(_) | DbErr::Type(_)) => false,
            // A transaction tells of its connection in words of its own.
            Self::Database(other) => {
                let text = other.to_string();
                ["database is locked", "deadlock detected", "connection"].iter().any(|sign| text.contains(sign))
            }
            Self::StaleBatch { .. } => true,
            _ => false,
        }
    }
}

impl DataError {
    /// Whether what has to be the only one of its name is there already.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
    }

    /// Whether the disk of the database has no room left.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        // Both engines say it in words, which also come through where the driver wraps their numbers.
        let Self::Database(error) = self else { return false };
        let text = error.to_string();
        ["disk is full", "No space left on device"].iter().any(|sign| text.contains(sign))
    }
}

/// Whether the database, its server or its disk has to be waited for: the statement itself is in order.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            // SQLite: busy, locked, a failing or a full disk, in the low byte. PostgreSQL: connection, resources, shutdown,
            // conflicts of transactions.
            let code = error.code().unwrap_or_default();
            match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 10 | 13),
                _ => ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class)),
            }
        }
        _ => false,
    }
}
