use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChartStep, FieldChange, NamedCount, RecentRepository, Repository};
use crate::kind::EventType;

/// All repositories together at the end of one day, UTC (the contract's `EcosystemStatsPublic` and more).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemStats {
    pub id: Uuid,
    /// The day's first moment.
    pub date: DateTime<Utc>,
    /// Repositories that existed: created on their forge or with a first change by the end of the day.
    pub total_repositories: i64,
    /// Of these, those with a change or a push that was known of on that day or in the 90 days before.
    pub active_repositories: i64,
    pub repositories_with_resources: i64,
    /// Resources that ever were, deleted ones too.
    pub total_resources: i64,
    pub active_resources: i64,
    /// Of these, HelmReleases.
    pub active_helm_releases: i64,
    /// Events up to the end of the day.
    pub total_resource_events: i64,
    /// Kind to number of active resources.
    pub resource_type_breakdown: BTreeMap<String, i64>,
    /// The 20 charts that were installed most at the end of the day, by name; what repositories keep in folders of their own is
    /// left out.
    pub popular_helm_charts: BTreeMap<String, i64>,
    pub daily_created_resources: i64,
    pub daily_modified_resources: i64,
    pub daily_deleted_resources: i64,
    pub daily_resurrected_resources: i64,
    /// Sums over the repositories whose figures were known on that day, each by its newest snapshot. What a forge does not
    /// tell is in none of them: GitLab tells no watchers.
    pub total_stars: i64,
    pub total_forks: i64,
    pub total_watchers: i64,
    pub total_open_issues: i64,
    /// Repositories with a snapshot of their forge's figures by the end of the day. 0: stars and the rest are not known.
    pub measured_repositories: i64,
    /// Of these, those whose open issues are known.
    pub repositories_with_known_issues: i64,
    /// Language to number of repositories, as it was seen on that day; empty where nobody looked.
    pub language_breakdown: BTreeMap<String, i64>,
    /// The 20 most used topics, as they were seen on that day; empty where nobody looked.
    pub popular_topics: BTreeMap<String, i64>,
    /// Whether languages and topics were looked at on that day.
    pub languages_known: bool,
    /// Against the day before.
    pub repository_growth: i64,
    pub resource_growth: i64,
    /// Of repositories measured on both days: one that is measured for the first time is no growth.
    pub star_growth: i64,
    pub calculated_at: DateTime<Utc>,
    pub calculation_duration_seconds: f64,
}

/// One number of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemTrend {
    /// `YYYY-MM-DD`, UTC.
    pub date: String,
    pub value: i64,
}

/// Numbers by day, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemTrends {
    /// Repositories that existed.
    pub repository_trends: Vec<EcosystemTrend>,
    /// Active resources.
    pub resource_trends: Vec<EcosystemTrend>,
    /// Events.
    pub activity_trends: Vec<EcosystemTrend>,
}

/// What happened to the HelmReleases of one name, wherever they stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseActivity {
    pub release_name: String,
    /// Newest first, at most ten.
    pub changes: Vec<ReleaseChange>,
}

/// One change of one HelmRelease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseChange {
    pub change_type: EventType,
    pub timestamp: DateTime<Utc>,
    /// The manifest after the change; null where it was deleted or is not stored.
    pub yaml: Option<String>,
    /// The repository's full name, as existing clients expect it.
    pub user: Option<String>,
    /// Who wrote the commit.
    pub author_name: String,
    pub event_id: Uuid,
    pub resource_id: Uuid,
    pub repository_id: Uuid,
    pub namespace: Option<String>,
    pub commit: String,
    pub commit_subject: String,
    /// Where the commit can be seen on its forge.
    pub web_url: Option<String>,
    pub version_before: Option<String>,
    pub version_after: Option<String>,
    /// Changed fields, at most as many as are kept; `changes_total` counts all.
    pub field_changes: Vec<FieldChange>,
    pub changes_total: i64,
    /// The source whose change this is, where the manifest itself stayed the same.
    pub caused_by_resource_id: Option<Uuid>,
    /// The step between versions of its chart that it made.
    pub chart_step: Option<ChartStep>,
}

/// How far back a page looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EcosystemRange {
    #[serde(rename = "7d")]
    Week,
    #[default]
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
    #[serde(rename = "1y")]
    Year,
    #[serde(rename = "all")]
    All,
}

impl EcosystemRange {
    /// Every range, the shortest first.
    pub const ALL: [Self; 5] = [Self::Week, Self::Month, Self::Quarter, Self::Year, Self::All];

    /// What may be shown: the range that is asked for, else 30 days, and longer ones if nothing happened in those.
    #[must_use]
    pub fn candidates(asked: Option<Self>) -> &'static [Self] {
        static RANGES: [EcosystemRange; 5] = EcosystemRange::ALL;
        match asked.and_then(|asked| RANGES.iter().position(|range| *range == asked)) {
            Some(at) => &RANGES[at..=at],
            None => &RANGES[1..],
        }
    }

    /// As it stands in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "1y",
            Self::All => "all",
        }
    }

    /// How many days, today being the last; `None` for all there are.
    #[must_use]
    pub const fn days(self) -> Option<u32> {
        match self {
            Self::Week => Some(7),
            Self::Month => Some(30),
            Self::Quarter => Some(90),
            Self::Year => Some(365),
            Self::All => None,
        }
    }
}

/// How much more there is at the end of a range than before its first day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemGrowth {
    pub repositories: i64,
    pub active_repositories: i64,
    pub active_resources: i64,
    pub active_helm_releases: i64,
    pub events: i64,
    /// Only from days on which figures of forges were known; `None` where they were not known at the beginning.
    pub stars: Option<i64>,
}

/// Some days in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemSpan {
    /// The first day, `YYYY-MM-DD`, UTC.
    pub start: String,
    pub days: i64,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
    /// What follows is at the end of the span.
    pub repositories: i64,
    pub active_repositories: i64,
    pub active_resources: i64,
    pub active_helm_releases: i64,
    /// `None` where no figures of forges were known.
    pub stars: Option<i64>,
}

/// What the page of the ecosystem shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemOverview {
    pub range: EcosystemRange,
    /// The newest day; `None` before the first is computed.
    pub latest: Option<EcosystemStats>,
    pub growth: EcosystemGrowth,
    /// The range, oldest first.
    pub spans: Vec<EcosystemSpan>,
    /// Whether there is history that the numbers do not yet contain.
    pub stale: bool,
    /// Of the newest day, most first.
    pub kinds: Vec<NamedCount>,
    pub charts: Vec<NamedCount>,
    pub languages: Vec<NamedCount>,
    pub topics: Vec<NamedCount>,
    /// Repositories that came here last.
    pub newest: Vec<Repository>,
    /// Repositories with most events in the last `active_days`.
    pub most_active: Vec<RecentRepository>,
    /// The range's days, but no more than tell who is busy now.
    pub active_days: u32,
}

/// How many rows tables hold and what scans did lately (the contract's answer of `/admin/database-stats`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseStats {
    pub table_counts: TableCounts,
    pub recent_stats: RecentStats,
    pub sync_run_stats: SyncRunStats,
    /// All rows of `table_counts`.
    pub total_records: i64,
}

/// How many of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableCounts {
    pub repositories: i64,
    pub repository_metrics: i64,
    /// Deleted ones too.
    pub kubernetes_resources: i64,
    pub kubernetes_resource_events: i64,
}

/// What came in the last seven days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecentStats {
    pub new_repositories_last_7_days: i64,
    /// By the times of their commits.
    pub resource_changes_last_7_days: i64,
}

/// Scans that ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncRunStats {
    pub total_sync_runs: i64,
    /// The ten newest that ended.
    pub recent_sync_runs: Vec<RecentSyncRun>,
    /// Event type to number of events.
    pub event_type_breakdown: BTreeMap<String, i64>,
}

/// A scan that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct RecentSyncRun {
    pub repository_name: String,
    pub repository_full_name: String,
    pub event_count: i64,
    pub started_at: DateTime<Utc>,
    pub completed_at: DateTime<Utc>,
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub duration_milliseconds: i64,
}
