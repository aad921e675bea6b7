use sea_orm::entity::prelude::*;

use crate::kind::{GitOpsTool, Origin, Provider, SyncStatus};
use crate::value::{JsonText, ObjectId, StoredTimestamp};

/// A repository: who it is, how far its sync and scan are, and its figures, kept so that lists need no counting.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repository")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What existing clients know it by; the forge's number, whatever the forge.
    pub github_id: Option<i64>,
    /// The address that is cloned from; no other repository has it, but for its other branches that are scanned.
    pub url: String,
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub description: Option<String>,
    /// Full name and description in lower case, which text is looked for in.
    pub search: String,
    pub language: Option<String>,
    pub topics: JsonText<Vec<String>>,
    pub license_name: Option<String>,
    pub default_branch: Option<String>,
    /// Which of its other branches this row is, scanned beside the main one; empty for the repository itself. The ids of such rows
    /// do not count (`is_uncounted`).
    pub scanned_branch: String,
    /// On its forge; when it was found where the forge does not say.
    pub created_at: StoredTimestamp,
    /// The searches that found it.
    pub discovery_tags: JsonText<Vec<String>>,
    pub discovered_at: StoredTimestamp,
    pub last_sync_at: Option<StoredTimestamp>,
    pub sync_status: SyncStatus,
    pub sync_error: Option<String>,
    pub last_scan_at: Option<StoredTimestamp>,
    pub scan_status: SyncStatus,
    pub scan_error: Option<String>,
    pub web_url: Option<String>,
    pub provider: Provider,
    pub origin: Origin,
    pub enabled: bool,
    pub branch_regex: Option<String>,
    pub polling_interval_seconds: Option<i64>,
    pub gitops_tool: GitOpsTool,
    pub head_commit: Option<ObjectId>,
    pub head_committed_at: Option<StoredTimestamp>,
    /// How far the scan is: a batch is stored only after the commit that stands here.
    pub scanned_commit: Option<ObjectId>,
    pub scanned_sequence: Option<i64>,
    pub scanned_committed_at: Option<StoredTimestamp>,
    /// By which rules it was scanned; scanned anew where these are others now.
    pub scan_format: i64,
    pub commits: i64,
    pub active_resources: i64,
    pub deleted_resources: i64,
    pub events: i64,
    pub helm_releases: i64,
    pub charts: i64,
    pub images: i64,
    pub problems: i64,
    /// Files of charts that become YAML only when Helm renders them; no problems.
    pub helm_templates: i64,
    pub yaml_files: i64,
    pub clone_bytes: i64,
    /// The machine that the address names, in lower case; empty for folders of this one.
    pub host: String,
    pub next_sync_at: Option<StoredTimestamp>,
    /// Failed syncs since the last good one.
    pub sync_failures: i64,
    pub forge_host: Option<String>,
    /// The forge's number, which stays when the repository is renamed.
    pub forge_id: Option<i64>,
    pub forge_node_id: Option<String>,
    pub is_archived: bool,
    /// Somebody let it in, whatever its size.
    pub approved_at: Option<StoredTimestamp>,
    /// The forge said that it is not there any more.
    pub gone_at: Option<StoredTimestamp>,
    /// When the forge was last asked about it.
    pub facts_at: Option<StoredTimestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
