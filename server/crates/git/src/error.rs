//! Everything that can be wrong with a remote or a clone, each with a sentence for the person who reads it on a page.

use entity::found::ObjectId;

/// Why a repository could not be listed, fetched or read. No message ever holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The remote asks for a password or refuses the one it was given.
    #[error("{host} asks for credentials{}: set `token` for this repository (for ssh, a key that it knows), or check that it exists and is public", if *.rejected { " and refused the token it was given" } else { "" })]
    NeedsAuth {
        host: String,
        /// A token was sent and refused.
        rejected: bool,
    },
    #[error(
        "{url} is not a Git repository, or is not visible to us (HTTP status {status}): check the address and the token"
    )]
    NotFound { url: String, status: u16 },
    /// A plain path or `file://` address without a repository.
    #[error("there is no Git repository at {path}: check the path")]
    NoRepository { path: String },
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    /// Not a failure: the remote says when it may be asked again.
    #[error("{host} is asked too often (HTTP status {status}); it may be asked again in {} s", wait.as_secs())]
    Limited { host: String, status: u16, wait: std::time::Duration },
    #[error("{what} took longer than {seconds} s: the remote answers too slowly; it is tried again at the next sync")]
    Timeout { what: String, seconds: u64 },
    #[error("the repository is larger than {limit} bytes: raise `scan.max_repository_size_mb` to fetch it")]
    TooLarge { limit: u64 },
    #[error("the repository has more than {limit} objects, which is the limit")]
    TooManyObjects { limit: u64 },
    #[error("the remote announces more than {limit} branches and tags, which is the limit")]
    TooManyRefs { limit: u64 },
    /// One commit unfolds to more tree entries than anybody writes: a bomb, or not a configuration repository.
    #[error("commit {commit} has more than {limit} files and folders, which is the limit")]
    TooManyFiles { commit: ObjectId, limit: u64 },
    #[error("blob {id} has {size} bytes, more than the {limit} that are read")]
    BlobTooLarge { id: ObjectId, size: u64, limit: u64 },
    #[error("the data is corrupt: {what}")]
    Corrupt { what: String },
    #[error(
        "object {id} is missing from the repository: it is incomplete or damaged; remove the clone to have it fetched anew"
    )]
    MissingObject { id: ObjectId },
    #[error("the repository is empty: it has no commit yet")]
    EmptyRepository,
    #[error("branch {branch} is not on the remote{}", default.as_ref().map(|name| format!("; its default branch is {name}")).unwrap_or_default())]
    BranchGone { branch: String, default: Option<String> },
    #[error("{rev:?} names no commit here: give a branch, a tag or a commit hash")]
    UnknownRevision { rev: String },
    /// The address is not one that we may or can use; `reason` says how to mend it.
    #[error("the address {url} is refused: {reason}")]
    RefusedUrl { url: String, reason: String },
    #[error("the remote redirects from {from} to {to}, which is not followed: use the new address if you trust it")]
    Redirected { from: String, to: String },
    /// The remote speaks, but not as a Git server does.
    #[error("{host} does not answer as a Git server: {what}")]
    Protocol { host: String, what: String },
    #[error("stopped on request")]
    Cancelled,
    /// Another fetch of the same clone runs, or one that was given up has not ended yet.
    #[error("the clone {path} is in use by another fetch")]
    Busy { path: String },
    #[error("the repository uses {feature}, which is not supported")]
    Unsupported { feature: String },
    /// Not the remote's fault either.
    #[error(
        "there is no room left on the disk for the clone: free some on the disk of `app.data_dir`, or set `app.max_disk_mb` so \
         that the oldest clones give way; it goes on by itself then"
    )]
    DiskFull,
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl GitError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| if is_full(source.kind()) { Self::DiskFull } else { Self::Io { what, source } }
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.to_string() }
    }

    /// A later attempt may well succeed without anybody mending anything.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Busy { .. }
                | Self::Cancelled
                | Self::Io { .. }
                | Self::Limited { .. }
                | Self::DiskFull
        )
    }
}

/// Whether a write failed for want of room: the disk's, a quota's, or the limit of a file's size.
pub(crate) fn is_full(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
}

/// The whole chain of causes in one line: what gix says is spread over several.
pub(crate) fn chain(error: &gix::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(500)
        .collect()
}
