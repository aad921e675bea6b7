use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChartStep, PageQuery};
use crate::kind::EventType;

/// What stands in place of a value that is never stored or shown.
pub const MASK: &str = "••••••";

/// A change of one resource by one commit (the contract's `KubernetesResourceEventPublic` and more).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::DerivePartialModel), sea_orm(entity = "crate::table::event::Entity"))]
pub struct Event {
    pub id: Uuid,
    pub event_type: EventType,
    /// The commit's time.
    pub event_timestamp: DateTime<Utc>,
    pub resource_name: String,
    /// As written in the manifest.
    pub resource_namespace: Option<String>,
    /// What a kustomization above it sets now (`namespace:`, Flux's `targetNamespace`).
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub resource_namespace_inherited: Option<String>,
    pub resource_kind: String,
    pub resource_api_version: String,
    pub file_path: String,
    /// Coarse tags (`file_content`, `version`, ...) followed by exact field paths.
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub changes_detected: Vec<String>,
    /// The scan that found it.
    pub sync_run_id: Uuid,

    pub repository_id: Uuid,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::repository::Column::FullName"))]
    pub repository_full_name: String,
    pub resource_id: Uuid,
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub commit: String,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::commit::Column::Subject"))]
    pub commit_subject: String,
    #[cfg_attr(feature = "db", sea_orm(from_expr = "crate::table::commit::Column::AuthorName"))]
    pub author_name: String,
    /// Set where the file moved: where it was before.
    pub file_path_before: Option<String>,
    pub version_before: Option<String>,
    pub version_after: Option<String>,
    pub file_hash_before: Option<String>,
    pub file_hash_after: Option<String>,
    /// Changed fields, at most as many as are kept; `changes_total` counts all.
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub changes: Vec<FieldChange>,
    pub changes_total: i64,
    /// The source whose change this is, where the manifest itself stayed the same.
    pub caused_by_resource_id: Option<Uuid>,
    /// The step between versions of a chart that it made: of the one that the resource installs or, of a source, of one that
    /// comes from it. Nothing where it made none, and where it is not known where the chart comes from.
    #[cfg_attr(feature = "db", sea_orm(skip))]
    pub chart_step: Option<ChartStep>,
}

impl Event {
    /// The namespace that the resource lands in as far as Git tells.
    #[must_use]
    pub fn effective_namespace(&self) -> Option<&str> {
        self.resource_namespace_inherited.as_deref().or(self.resource_namespace.as_deref())
    }

    /// From which version to which it went: of a chart where it made a step of one, else of the resource itself, which may be
    /// a digest or a commit.
    #[must_use]
    pub fn version_step(&self) -> Option<(Option<&str>, Option<&str>)> {
        if let Some(step) = &self.chart_step {
            return Some((Some(&step.from), Some(&step.to)));
        }
        let is_step = self.event_type == EventType::Modified && self.version_before != self.version_after;
        is_step.then_some((self.version_before.as_deref(), self.version_after.as_deref()))
    }
}

/// One field of a manifest before and after; scalars as text, `None` where there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// `spec.values.image.tag`, list places as `[0]`; keys with dots or odd characters are quoted.
    pub path: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl FieldChange {
    /// Whether the field is of another resource, which the changed one takes its version from: `Kind/name.` comes before
    /// its path.
    #[must_use]
    pub fn is_of_source(&self) -> bool {
        let start = self.path.split(['.', '[', '"']).next().unwrap_or_default();
        start.contains('/')
    }
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    pub repository_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    /// Full hash.
    pub commit: Option<String>,
    pub event_type: Option<EventType>,
    pub resource_kind: Option<String>,
    pub resource_namespace: Option<String>,
    /// Part of the resource's name or file path, any case.
    pub text: Option<String>,
    /// Only events that changed the version.
    pub version_changes_only: bool,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// How many events of a type happened on a day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventDailyCount {
    /// `YYYY-MM-DD`.
    pub date: String,
    pub event_type: EventType,
    pub count: i64,
}

/// Events of all types on one day, and the running total of active resources after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventTrend {
    /// `YYYY-MM-DD`.
    pub date: String,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
    /// Commits with events.
    pub commits: i64,
    /// Resources that stood at the end of the day.
    pub active_resources: i64,
}

/// One bar of the activity chart: a span of days folded together so that years stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityBucket {
    /// First day of the span, `YYYY-MM-DD`.
    pub start: String,
    /// Length of the span in days.
    pub days: i64,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
}
