use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PageQuery, Sort};
use crate::kind::{GitOpsTool, Origin, Provider, SyncStatus};

/// A repository with its states, figures and newest metrics (the contract's `RepositoryPublic` and more).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Repository {
    pub id: Uuid,
    /// The forge's own number; 0 where the forge gave none.
    pub github_id: i64,
    pub name: String,
    /// `owner/name`, or the name alone where there is no owner.
    pub full_name: String,
    pub owner: String,
    pub description: Option<String>,
    pub language: Option<String>,
    pub topics: Vec<String>,
    pub license_name: Option<String>,
    pub default_branch: String,
    /// The branch that this is, scanned beside the repository's main one; null for the repository itself.
    pub scanned_branch: Option<String>,
    /// All branches of it that are scanned, the main one first, where that is not the only one. Told of one repository alone, and
    /// empty in lists.
    pub scanned_branches: Vec<ScannedBranch>,
    /// When the repository was created on its forge; when it was first seen here if the forge says nothing.
    pub created_at: DateTime<Utc>,
    pub discovery_tags: Vec<String>,
    pub discovered_at: DateTime<Utc>,
    pub last_sync_at: Option<DateTime<Utc>>,
    pub sync_status: SyncStatus,
    pub sync_error: Option<String>,
    /// Kept for existing clients; always null, paths of the server are nobody's business.
    pub working_directory_path: Option<String>,
    pub last_scan_at: Option<DateTime<Utc>>,
    pub scan_status: SyncStatus,
    pub scan_error: Option<String>,
    pub last_scan_total_resources: Option<i64>,
    pub latest_metrics: Option<RepositoryMetrics>,

    /// Where it is cloned from, without credentials.
    pub url: String,
    /// Where a person reads it, if that is known.
    pub web_url: Option<String>,
    pub provider: Provider,
    pub origin: Origin,
    pub enabled: bool,
    pub gitops_tool: GitOpsTool,
    /// Full hash of the newest commit that is fetched.
    pub head_commit: Option<String>,
    pub head_committed_at: Option<DateTime<Utc>>,
    /// Full hash of the newest commit that is scanned.
    pub scanned_commit: Option<String>,
    pub counts: RepositoryCounts,
}

impl Repository {
    /// What the configuration names would be back after the next start: it is blocked, or taken out there.
    #[must_use]
    pub fn may_be_deleted(&self) -> bool {
        self.origin != Origin::Config || !self.enabled
    }

    /// The full name of the repository, also where this is one branch of it: who may do something with a repository may do it with
    /// its branches.
    #[must_use]
    pub fn main_name(&self) -> &str {
        let branch = self.scanned_branch.as_deref();
        let main = branch.and_then(|branch| self.full_name.strip_suffix(branch)?.strip_suffix('@'));
        main.unwrap_or(&self.full_name)
    }
}

/// One of the branches of a repository that are scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScannedBranch {
    /// What was read of it, as a repository of its own; the main one is the repository.
    pub repository_id: Uuid,
    pub branch: String,
    pub is_main: bool,
    pub sync_status: SyncStatus,
}

/// Figures kept with a repository after each scan, so that lists need no counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct RepositoryCounts {
    /// First-parent commits up to the scanned one.
    pub commits: i64,
    pub active_resources: i64,
    pub deleted_resources: i64,
    pub events: i64,
    pub helm_releases: i64,
    pub charts: i64,
    pub images: i64,
    /// Files at the head that could not be read as they should.
    pub problems: i64,
    /// Templates of Helm charts, which are not read and are no problems.
    pub helm_templates: i64,
    /// YAML files at the scanned commit.
    pub yaml_files: i64,
    /// Bytes of the clone on disk.
    pub clone_bytes: i64,
}

/// A forge's figures at one moment (the contract's `RepositoryMetricsPublic`). No forge tells all of them: a count that is
/// not known is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "db",
    derive(sea_orm::DerivePartialModel),
    sea_orm(entity = "crate::table::repository_metrics::Entity")
)]
pub struct RepositoryMetrics {
    pub id: Uuid,
    pub stars_count: i64,
    pub forks_count: i64,
    /// Whether the forge tells its forks.
    pub forks_known: bool,
    pub watchers_count: i64,
    /// Whether the forge tells who watches; GitLab does not.
    pub watchers_known: bool,
    pub open_issues_count: i64,
    /// Whether the forge tells its open issues.
    pub open_issues_known: bool,
    /// Kilobytes, as the forge counts them.
    pub size: i64,
    /// Whether the forge tells its size.
    pub size_known: bool,
    pub kubernetes_resources_count: i64,
    pub updated_at: DateTime<Utc>,
    pub pushed_at: Option<DateTime<Utc>>,
    pub recorded_at: DateTime<Utc>,
}

/// Which repositories, in what order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFilter {
    /// Part of the full name or the description, any case.
    pub text: Option<String>,
    pub language: Option<String>,
    pub topic: Option<String>,
    /// Matches the sync status, or an error or running state of the scan.
    pub status: Option<SyncStatus>,
    pub gitops_tool: Option<GitOpsTool>,
    pub origin: Option<Origin>,
    pub sort: RepositorySort,
    pub direction: Sort,
    pub page: PageQuery,
}

/// What a list of repositories is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RepositorySort {
    Name,
    Resources,
    HelmReleases,
    Events,
    Problems,
    LastSync,
    /// When the newest commit was made.
    #[default]
    LastCommit,
    Discovered,
}

/// A name and how often it stands somewhere: kinds, languages, namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct NamedCount {
    pub name: String,
    pub count: i64,
}
