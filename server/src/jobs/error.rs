use chrono::TimeDelta;
use entity::view::Timestamp;
use git::GitError;
use store::db::DataError;
use store::queue::Outcome;

use crate::clock;

/// How long a job waits for a database that is away.
const DATABASE_AWAY: TimeDelta = TimeDelta::seconds(5);
/// How long a job waits for room on the disk before it looks again.
const DISK_FULL: TimeDelta = TimeDelta::minutes(2);

/// How a handler failed: what the queue does next depends on it.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// May work a little later.
    #[error("{0}")]
    Retry(String),
    /// Cannot run before that time; not a failure.
    #[error("{0}")]
    Later(String, Timestamp),
    /// Will not work until somebody mends something.
    #[error("{0}")]
    GiveUp(String),
    /// Stopped on request.
    #[error("stopped on request")]
    Cancelled,
}

impl JobError {
    /// What the queue is told.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::Retry(reason) => Outcome::Retry(reason),
            Self::Later(reason, at) => Outcome::Later(reason, at),
            Self::GiveUp(reason) => Outcome::GiveUp(reason),
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

impl From<DataError> for JobError {
    fn from(error: DataError) -> Self {
        match error {
            // Another has moved on meanwhile: what is there now is read anew.
            error @ DataError::StaleBatch { .. } => Self::Retry(error.to_string()),
            error if error.is_transient() && error.is_disk_full() => {
                let text = "the disk of the database is full; make room there, and this goes on by itself";
                Self::Later(format!("{text} ({error})"), clock::now() + DATABASE_AWAY)
            }
            // That the database is away says nothing of the job; it waits however long that takes.
            error if error.is_transient() => Self::Later(error.to_string(), clock::now() + DATABASE_AWAY),
            error => Self::GiveUp(error.to_string()),
        }
    }
}

/// What is known of a forge could not be kept: the database is away.
pub(super) fn away(error: &impl std::fmt::Display) -> JobError {
    JobError::Later(error.to_string(), clock::now() + DATABASE_AWAY)
}

impl From<GitError> for JobError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Cancelled => Self::Cancelled,
            GitError::Limited { wait, .. } => {
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
                Self::Later(error.to_string(), clock::now() + wait)
            }
            GitError::DiskFull => Self::Later(error.to_string(), clock::now() + DISK_FULL),
            error if error.is_temporary() => Self::Retry(error.to_string()),
            error => Self::GiveUp(error.to_string()),
        }
    }
}

impl From<tokio::task::JoinError> for JobError {
    fn from(error: tokio::task::JoinError) -> Self {
        // A panic is a defect of ours; trying again is harmless and may pass over what was momentary.
        Self::Retry(format!("the work broke off: {error}"))
    }
}
