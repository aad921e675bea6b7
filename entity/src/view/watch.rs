use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PageQuery, TektonFound, Verdict};
use crate::kind::{BranchEventKind, BranchEventState, NoticedBy};

/// How a repository's branches are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Watch {
    pub is_enabled: bool,
    /// Names of branches that are watched, as a regular expression that may match anywhere in them; all where there is none.
    pub branch_regex: Option<String>,
    /// Whether branches that the first look finds are events.
    pub tells_first_look: bool,
    /// When the branches were first looked at.
    pub first_look_at: Option<DateTime<Utc>>,
}

/// A branch of a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Branch {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub repository_full_name: String,
    pub name: String,
    /// The commit that it stands at, or stood at last.
    pub head_commit: String,
    /// Whether its changes are events.
    pub is_watched: bool,
    /// As the forge tells; nothing where it did not.
    pub is_protected: Option<bool>,
    pub first_seen_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// When it was noticed that it is gone.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Which branches, those that changed last first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchFilter {
    pub repository_id: Option<Uuid>,
    /// Only those that are there, or only those that are gone.
    pub deleted: Option<bool>,
    pub watched: Option<bool>,
    /// Part of the name, any case; over all repositories only the 20,000 that changed last are looked through.
    pub text: Option<String>,
    pub page: PageQuery,
}

/// Something that happened to a watched branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BranchEvent {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub repository_full_name: String,
    pub branch_id: Uuid,
    pub branch_name: String,
    pub kind: BranchEventKind,
    pub old_commit: Option<String>,
    pub new_commit: Option<String>,
    /// Whether the new commit does not descend from the old one, where that is known.
    pub is_forced: Option<bool>,
    pub noticed_by: NoticedBy,
    pub noticed_at: DateTime<Utc>,
    pub state: BranchEventState,
    /// How many triggers match.
    pub matches: i32,
    /// What each trigger made of it; lists leave it empty.
    pub verdicts: Vec<Verdict>,
    /// What the new commit brings in `.tekton/`, where somebody asked; lists leave it out.
    pub tekton: Option<TektonFound>,
    /// When it was decided who is to be told.
    pub processed_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// Which events, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchEventFilter {
    pub repository_id: Option<Uuid>,
    pub branch_id: Option<Uuid>,
    pub kind: Option<BranchEventKind>,
    pub state: Option<BranchEventState>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub page: PageQuery,
}
