use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{hex, json, object_id};
use crate::db::Result;
use crate::repositories::SyncTarget;
use entity::found::ScannedCommit;
use entity::kind::{GitOpsTool, Origin, Provider, SyncStatus};
use entity::view::{Repository, RepositoryCounts, RepositoryMetrics, Timestamp};

/// A repository with its newest metrics.
#[derive(Debug, FromQueryResult)]
pub(crate) struct RepositoryRow {
    id: Uuid,
    github_id: Option<i64>,
    url: String,
    owner: String,
    name: String,
    full_name: String,
    description: Option<String>,
    language: Option<String>,
    topics: String,
    license_name: Option<String>,
    default_branch: Option<String>,
    created_at: Timestamp,
    discovery_tags: String,
    discovered_at: Timestamp,
    last_sync_at: Option<Timestamp>,
    sync_status: SyncStatus,
    sync_error: Option<String>,
    last_scan_at: Option<Timestamp>,
    scan_status: SyncStatus,
    scan_error: Option<String>,
    web_url: Option<String>,
    provider: Provider,
    origin: Origin,
    enabled: bool,
    gitops_tool: GitOpsTool,
    head_commit: Option<Vec<u8>>,
    head_committed_at: Option<Timestamp>,
    scanned_commit: Option<Vec<u8>>,
    commits: i64,
    active_resources: i64,
    deleted_resources: i64,
    events: i64,
    helm_releases: i64,
    charts: i64,
    images: i64,
    problems: i64,
    helm_templates: i64,
    yaml_files: i64,
    clone_bytes: i64,
    metrics_id: Option<Uuid>,
    stars_count: Option<i64>,
    forks_count: Option<i64>,
    forks_known: Option<bool>,
    watchers_count: Option<i64>,
    watchers_known: Option<bool>,
    open_issues_count: Option<i64>,
    open_issues_known: Option<bool>,
    size: Option<i64>,
    size_known: Option<bool>,
    kubernetes_resources_count: Option<i64>,
    metrics_updated_at: Option<Timestamp>,
    pushed_at: Option<Timestamp>,
    recorded_at: Option<Timestamp>,
}

impl RepositoryRow {
    /// Columns and tables of this row; `r` is the repository.
    pub(crate) const SELECT: &'static str = "SELECT r.*, m.id AS metrics_id, m.stars_count, m.forks_count, \
        m.forks_known, m.watchers_count, m.watchers_known, m.open_issues_count, m.open_issues_known, m.size, \
        m.size_known, m.kubernetes_resources_count, \
        m.updated_at AS metrics_updated_at, m.pushed_at, m.recorded_at \
        FROM repository r LEFT JOIN repositorymetrics m ON m.id = (SELECT n.id FROM repositorymetrics n \
        WHERE n.repository_id = r.id ORDER BY n.recorded_at DESC, n.id DESC LIMIT 1)";

    pub(crate) fn into_view(self) -> Result<Repository> {
        let latest_metrics = match (self.metrics_id, self.metrics_updated_at, self.recorded_at) {
            (Some(id), Some(updated_at), Some(recorded_at)) => Some(RepositoryMetrics {
                id,
                stars_count: self.stars_count.unwrap_or(0),
                forks_count: self.forks_count.unwrap_or(0),
                forks_known: self.forks_known.unwrap_or(false),
                watchers_count: self.watchers_count.unwrap_or(0),
                watchers_known: self.watchers_known.unwrap_or(false),
                open_issues_count: self.open_issues_count.unwrap_or(0),
                open_issues_known: self.open_issues_known.unwrap_or(false),
                size: self.size.unwrap_or(0),
                size_known: self.size_known.unwrap_or(false),
                kubernetes_resources_count: self.kubernetes_resources_count.unwrap_or(0),
                updated_at,
                pushed_at: self.pushed_at,
                recorded_at,
            }),
            _ => None,
        };
        Ok(Repository {
            id: self.id,
            github_id: self.github_id.unwrap_or(0),
            name: self.name,
            full_name: self.full_name,
            owner: self.owner,
            description: self.description,
            language: self.language,
            topics: json("repository.topics", &self.topics)?,
            license_name: self.license_name,
            default_branch: self.default_branch.unwrap_or_else(|| "main".to_owned()),
            created_at: self.created_at,
            discovery_tags: json("repository.discovery_tags", &self.discovery_tags)?,
            discovered_at: self.discovered_at,
            last_sync_at: self.last_sync_at,
            sync_status: self.sync_status,
            sync_error: self.sync_error,
            working_directory_path: None,
            last_scan_at: self.last_scan_at,
            scan_status: self.scan_status,
            scan_error: self.scan_error,
            last_scan_total_resources: self.last_scan_at.map(|_| self.active_resources),
            latest_metrics,
            url: entity::view::shown_url(&self.url),
            web_url: self.web_url,
            provider: self.provider,
            origin: self.origin,
            enabled: self.enabled,
            gitops_tool: self.gitops_tool,
            head_commit: self.head_commit.as_deref().map(hex),
            head_committed_at: self.head_committed_at,
            scanned_commit: self.scanned_commit.as_deref().map(hex),
            counts: RepositoryCounts {
                commits: self.commits,
                active_resources: self.active_resources,
                deleted_resources: self.deleted_resources,
                events: self.events,
                helm_releases: self.helm_releases,
                charts: self.charts,
                images: self.images,
                problems: self.problems,
                helm_templates: self.helm_templates,
                yaml_files: self.yaml_files,
                clone_bytes: self.clone_bytes,
            },
        })
    }
}

/// What jobs need of a repository.
#[derive(Debug, FromQueryResult)]
pub(crate) struct SyncTargetRow {
    id: Uuid,
    url: String,
    full_name: String,
    provider: Provider,
    origin: Origin,
    enabled: bool,
    default_branch: Option<String>,
    branch_regex: Option<String>,
    polling_interval_seconds: Option<i64>,
    head_commit: Option<Vec<u8>>,
    head_committed_at: Option<Timestamp>,
    scanned_commit: Option<Vec<u8>>,
    scanned_sequence: Option<i64>,
    scanned_committed_at: Option<Timestamp>,
    scan_format: i64,
    sync_status: SyncStatus,
    scan_status: SyncStatus,
    approved_at: Option<Timestamp>,
    last_sync_at: Option<Timestamp>,
    sync_failures: i64,
}

impl SyncTargetRow {
    pub(crate) const COLUMNS: &'static str = "id, url, full_name, provider, origin, enabled, default_branch, \
        branch_regex, polling_interval_seconds, head_commit, head_committed_at, scanned_commit, scanned_sequence, \
        scanned_committed_at, scan_format, sync_status, scan_status, approved_at, last_sync_at, sync_failures";

    pub(crate) fn into_target(self) -> Result<SyncTarget> {
        let scanned = match (self.scanned_commit, self.scanned_sequence, self.scanned_committed_at) {
            (Some(id), Some(sequence), Some(committed_at)) => {
                Some(ScannedCommit { id: object_id(&id)?, sequence, committed_at })
            }
            _ => None,
        };
        Ok(SyncTarget {
            id: self.id,
            url: self.url,
            full_name: self.full_name,
            provider: self.provider,
            origin: self.origin,
            enabled: self.enabled,
            branch: self.default_branch,
            branch_regex: self.branch_regex,
            polling_interval_seconds: self.polling_interval_seconds,
            head: self.head_commit.as_deref().map(object_id).transpose()?,
            head_committed_at: self.head_committed_at,
            scanned,
            scan_format: self.scan_format,
            sync_status: self.sync_status,
            scan_status: self.scan_status,
            approved: self.approved_at.is_some(),
            last_sync_at: self.last_sync_at,
            sync_failures: u32::try_from(self.sync_failures).unwrap_or(0),
        })
    }
}
