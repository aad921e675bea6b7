use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CommitSummary, Job, NamedCount};

/// What the first page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    pub repositories: i64,
    /// Repositories with an event in the last 90 days.
    pub active_repositories: i64,
    pub resources: i64,
    pub helm_releases: i64,
    pub events: i64,
    pub problems: i64,
    pub growth: OverviewGrowth,
    /// Whether every repository here is one of the program's samples.
    pub only_samples: bool,
    pub kinds: Vec<NamedCount>,
    /// Charts and images that went from one version to another, newest first.
    pub bumps: Vec<VersionBump>,
    pub commits: Vec<CommitSummary>,
    /// Most changes in the last 30 days first.
    pub most_active: Vec<ActiveRepository>,
    /// Those that came here last first.
    pub newest: Vec<NewRepository>,
    pub system: SystemState,
}

/// How much more there is than 30 days ago; `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverviewGrowth {
    pub repositories: Option<i64>,
    pub resources: Option<i64>,
    pub helm_releases: Option<i64>,
    pub events: Option<i64>,
}

/// What a version is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BumpSubject {
    Chart,
    Image,
    /// A source (a Git or OCI repository) that no release tells of.
    Source,
}

/// One chart or image that went from one version to another, wherever it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionBump {
    pub subject: BumpSubject,
    /// Of the chart, where it is known which.
    pub chart_key: Option<String>,
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// How many repositories did so among the newest changes.
    pub repositories: i64,
    /// How many resources, or releases of a chart, did.
    pub resources: i64,
    /// The newest of them first; at most as many as a page can show.
    pub changes: Vec<BumpedResource>,
}

/// A resource whose version changed, and where that can be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::DerivePartialModel), sea_orm(entity = "crate::table::event::Entity"))]
pub struct BumpedResource {
    /// Nothing where the commit changed no resource: a chart that kustomize renders, a variable elsewhere.
    #[cfg_attr(feature = "db", sea_orm(from_col = "id"))]
    pub event_id: Option<Uuid>,
    pub event_timestamp: DateTime<Utc>,
    pub resource_id: Option<Uuid>,
    pub resource_kind: String,
    /// Of the resource, else of the release.
    pub resource_name: String,
    pub repository_id: Uuid,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::repository::Column::FullName"))]
    pub repository_full_name: String,
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub commit: String,
    /// Nothing of a commit that changed no resource.
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::commit::Column::Subject"))]
    pub commit_subject: Option<String>,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::commit::Column::AuthorName"))]
    pub author_name: Option<String>,
}

/// A repository that changes a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveRepository {
    pub repository_id: Uuid,
    pub full_name: String,
    /// Events in the last 30 days.
    pub changes: i64,
    /// The same by day, the oldest first, today last.
    pub daily: Vec<i64>,
}

/// A repository that has not been here for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct NewRepository {
    pub repository_id: Uuid,
    pub full_name: String,
    pub description: Option<String>,
    pub active_resources: i64,
    pub discovered_at: DateTime<Utc>,
    /// The day of the first commit that touched a resource, `YYYY-MM-DD`, UTC; `None` before the first scan.
    pub first_day: Option<String>,
}

/// The line about the system that stands on every page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct SystemState {
    pub repositories: i64,
    pub failing_repositories: i64,
    pub queued_jobs: i64,
    pub running_jobs: i64,
    pub last_sync_at: Option<DateTime<Utc>>,
}

/// Work going on now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningWork {
    pub running: Vec<Job>,
    pub queued: i64,
    /// Finished last, newest first.
    pub finished: Vec<Job>,
}
