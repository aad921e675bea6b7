use chrono::{DateTime, Utc};
use entity::input::ObjectId;

use crate::facts::GoneReason;
use crate::store::StoreError;

/// Why a forge did not answer. Each says whom was asked for what, what came, and how to mend it; none holds a token.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// Not a failure: there is a time at which it works.
    #[error("{host}: {what} has to wait until {} as the limit of {resource} requests is reached{hint}", until.format("%H:%M:%S UTC"))]
    RateLimited { host: String, what: String, resource: String, until: DateTime<Utc>, hint: &'static str },
    #[error("{host} refused the token when asked for {what}: renew it and set it in {key}")]
    TokenRefused { host: String, what: String, key: String },
    #[error("{host} wants a token for {what}: set one in {key}")]
    TokenMissing { host: String, what: String, key: String },
    #[error("{host} forbids {what}: {said}. Give the token in {key} the right to read public repositories")]
    Forbidden { host: String, what: String, said: String, key: String },
    #[error("{host} cannot be reached for {what}: {reason}")]
    Unreachable { host: String, what: String, reason: String },
    #[error("{host} answered {what} with status {status}: {said}")]
    Status { host: String, what: String, status: u16, said: String },
    #[error("{host} does not understand {what}: {said}. Check discovery.topics and discovery.queries")]
    BadQuery { host: String, what: String, said: String },
    #[error("{host} answered {what} with more than {limit} bytes, which is the limit")]
    TooLarge { host: String, what: String, limit: usize },
    #[error("{host} has more than {limit} rows of {what}, which is the limit")]
    TooMany { host: String, what: String, limit: usize },
    /// It may also be there and not be shown to us.
    #[error("{host} does not show {what}: {}. Check its name, and that the token in {key} may read it", reason.as_str())]
    Gone { host: String, what: String, reason: GoneReason, key: String },
    /// The repository is there.
    #[error("{host} knows no commit {commit} of {full_name}: it may be gone with its branch, or come in a moment")]
    NoCommit { host: String, full_name: String, commit: ObjectId },
    /// The answer is not what the forge's documentation says.
    #[error(
        "{host} answered {what} with something that cannot be read: {reason}. Check that the API address belongs to this kind of forge"
    )]
    Unreadable { host: String, what: String, reason: String },
    #[error("{host} redirects {what} to {to}, which is not followed: set the forge's new address")]
    Redirected { host: String, what: String, to: String },
    #[error("the address is refused: {0}")]
    Refused(#[from] net::Refused),
    #[error("{host} cannot do this: {what}")]
    Unsupported { host: String, what: String },
    #[error("{0}")]
    Git(#[from] git::GitError),
    #[error("what is known of the forge cannot be kept: {0}")]
    Store(#[from] StoreError),
}

impl ForgeError {
    /// A later attempt may well succeed without anybody mending anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unreachable { .. } | Self::Store(_) => true,
            Self::Status { status, .. } => *status >= 500 || *status == 408,
            Self::Git(error) => error.is_temporary(),
            _ => false,
        }
    }
}
