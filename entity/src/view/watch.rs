use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PageQuery, TektonFound, Verdict};
use crate::kind::{BranchEventKind, BranchEventState, NoticedBy, Provider, SyncStatus};

/// How a repository's branches are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Watch {
    pub is_enabled: bool,
    /// Names of branches that are watched, as a regular expression that may match anywhere in them; all where there is none.
    pub branch_regex: Option<String>,
    /// Whether branches that the first look finds are events.
    pub tells_first_look: bool,
    /// So far apart are looks at the remote; where nothing is set, a busy repository is looked at more often than a quiet one.
    pub polling_interval_seconds: Option<i64>,
    /// When the branches were first looked at.
    pub first_look_at: Option<DateTime<Utc>>,
}

/// What somebody entered for one repository alone: how its remote and its forge are asked about it. The token is told to nobody,
/// and of what the configuration gives its repositories nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepositoryAccess {
    /// Whether a token is kept that can be used.
    pub has_own_token: bool,
    /// Where the forge's API is, where that was entered; told to those who may manage repositories.
    pub api_base_url: Option<String>,
    /// When it was entered last.
    pub changed_at: Option<DateTime<Utc>>,
    /// Why what was entered is not used.
    pub error: Option<String>,
}

/// A repository whose branches are watched, or were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WatchedRepository {
    pub id: Uuid,
    pub full_name: String,
    pub url: String,
    pub provider: Provider,
    /// Whether it is synced at all.
    pub is_enabled: bool,
    pub watch: Watch,
    pub last_sync_at: Option<DateTime<Utc>>,
    pub sync_status: SyncStatus,
    pub sync_error: Option<String>,
    /// Branches that are there.
    pub branches: i64,
    /// Those of them that are watched.
    pub watched_branches: i64,
    /// When something was noticed last.
    pub last_event_at: Option<DateTime<Utc>>,
}

/// Which repositories that are or were watched, by full name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedRepositoryFilter {
    /// Only those that are watched now, or only those that were.
    pub watched: Option<bool>,
    /// Part of the full name or description, any case.
    pub text: Option<String>,
    pub page: PageQuery,
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
    /// Part of the branch's name, any case; without a repository or branch only the 20,000 newest are looked through.
    pub text: Option<String>,
    pub kind: Option<BranchEventKind>,
    pub state: Option<BranchEventState>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub page: PageQuery,
}
