use entity::db::DataError;
use entity::queue::Outcome;
use entity::view::Timestamp;
use git::GitError;

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
        if error.is_transient() { Self::Retry(error.to_string()) } else { Self::GiveUp(error.to_string()) }
    }
}

impl From<GitError> for JobError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Cancelled => Self::Cancelled,
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
