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
    /// Whether a question took too long and was stopped; the connection goes on.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        match self {
            Self::Database(DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) => {
                was_interrupted(error)
            }
            Self::Database(DbErr::Json(_) | DbErr::Type(_)) => false,
            // Both engines say it in words, which also come through where the driver wraps their numbers.
            Self::Database(other) => {
                let text = other.to_string();
                ["canceling statement due to statement timeout", "(code: 9) interrupted"]
                    .iter()
                    .any(|sign| text.contains(sign))
            }
            _ => false,
        }
    }

    /// What whoever asked is told where the same question may be answered a little later; nothing for other failures.
    #[must_use]
    pub fn passing_sentence(&self) -> Option<&'static str> {
        if self.is_stopped() {
            Some(
                "The database took too long over this and was stopped; ask for less, such as a shorter time, fewer rows or one \
                 repository, or try again when there is less to do",
            )
        } else if self.is_transient() {
            Some("The database is not to be reached or busy; try again in a moment")
        } else {
            None
        }
    }

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
            // conflicts of transactions, a lock that was not to be had, a transaction that was ended as it did nothing.
            let code = error.code().unwrap_or_default();
            match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 10 | 13),
                _ => ["08", "53", "57P", "40", "55P03", "25P03"].iter().any(|class| code.starts_with(class)),
            }
        }
        _ => false,
    }
}

/// Whether the engine ended the statement before it was done: a statement timeout, or SQLite's interrupt.
fn was_interrupted(error: &sqlx::Error) -> bool {
    const QUERY_CANCELED: &str = "57014";
    const INTERRUPT: &str = "9";
    let sqlx::Error::Database(error) = error else { return false };
    matches!(error.code().as_deref(), Some(QUERY_CANCELED | INTERRUPT))
}
