use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, Listing};

/// A commit that changed resources, with what it did in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct CommitSummary {
    pub repository_id: Uuid,
    pub repository_full_name: String,
    /// Full hash.
    pub sha: String,
    /// Place on the first-parent line, 0 for the first commit.
    pub sequence: i64,
    pub committed_at: DateTime<Utc>,
    pub author_name: String,
    pub subject: String,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
}

/// A commit with its neighbours and everything it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitDetail {
    pub commit: CommitSummary,
    /// Link to the commit on its forge.
    pub web_url: Option<String>,
    /// The commit with events before this one.
    pub previous: Option<String>,
    /// The commit with events after this one.
    pub next: Option<String>,
    pub events: Listing<Event>,
}

/// Where a commit stands to what is read of its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitPlace {
    /// On the branch's first-parent line, up to the newest commit that is scanned.
    Scanned,
    /// On that line, after the newest that is scanned.
    NotScanned,
    /// On another line: it came in by a merge, or belongs to no branch that is read.
    Aside,
}

/// A commit as the clone has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRead {
    /// Full hash.
    pub sha: String,
    pub committed_at: DateTime<Utc>,
    pub author_name: String,
    pub subject: String,
    pub place: CommitPlace,
}

/// What a commit says of itself, as the clone has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitWords {
    /// Full hash.
    pub sha: String,
    pub author_name: String,
    pub subject: String,
}

/// What a branch was pushed from and to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Full hash; nothing where only the new commit is asked for.
    pub old: Option<String>,
    /// Full hash.
    pub new: String,
}

/// A commit in which no resource changed, with what is known of it. Such commits are not stored: what the clone does not
/// tell is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietCommit {
    pub repository_id: Uuid,
    pub repository_full_name: String,
    /// Full hash.
    pub sha: String,
    pub committed_at: Option<DateTime<Utc>>,
    pub author_name: Option<String>,
    pub subject: Option<String>,
    pub place: CommitPlace,
    /// Problems of the head that this commit began.
    pub problems: i64,
    /// Link to the commit on its forge.
    pub web_url: Option<String>,
}
