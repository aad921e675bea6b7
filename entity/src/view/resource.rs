use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, PageQuery, SharedUse, Sort, WrittenImage};
use crate::kind::{ReferenceStatus, ResourceStatus};

/// A resource as it stands, or as it last stood (the contract's `KubernetesResourcePublic` and more).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resource {
    pub id: Uuid,
    pub repository_id: Uuid,
    pub api_version: String,
    pub kind: String,
    pub name: String,
    /// As written in the manifest.
    pub namespace: Option<String>,
    /// Path, with `#<document>` after the first document of a file.
    pub file_path: String,
    pub file_hash: String,
    pub version: Option<String>,
    /// The manifest's `spec`; an empty object where it has none, or one that is no object. Left out (`{}`) in page lists.
    #[serde(with = "spec")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: serde_json::Value,
    pub status: ResourceStatus,
    /// Time of the commit that brought it.
    pub created_at: DateTime<Utc>,
    /// Time of the commit that changed it last.
    pub updated_at: DateTime<Utc>,

    pub repository_full_name: String,
    /// What kustomization.yaml or Flux' `targetNamespace` sets, where that differs from what is written.
    pub namespace_inherited: Option<String>,
    pub deleted_at: Option<DateTime<Utc>>,
    /// The chart it installs, for releases and applications.
    pub chart_name: Option<String>,
    pub chart_url: Option<String>,
    /// First line of the document in its file, from 1.
    pub line_start: i32,
    pub line_end: i32,
    /// The commit that changed it last.
    pub commit: String,
    /// How many events it has.
    pub events: i64,
}

/// JSON within what people read stays JSON; a packed answer tells no types, so there it is text.
mod spec {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            value.serialize(serializer)
        } else {
            serializer.serialize_str(&value.to_string())
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        if deserializer.is_human_readable() {
            Value::deserialize(deserializer)
        } else {
            serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

impl Resource {
    /// The namespace it lands in as far as Git tells.
    #[must_use]
    pub fn effective_namespace(&self) -> Option<&str> {
        self.namespace_inherited.as_deref().or(self.namespace.as_deref())
    }
}

/// Which resources, in what order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceFilter {
    pub repository_id: Option<Uuid>,
    pub kind: Option<String>,
    /// The whole name.
    pub name: Option<String>,
    /// Those that install this chart.
    pub chart: Option<String>,
    pub api_version: Option<String>,
    /// Written or inherited.
    pub namespace: Option<String>,
    pub statuses: Vec<ResourceStatus>,
    /// Part of the name or path, any case.
    pub text: Option<String>,
    pub sort: ResourceSort,
    pub direction: Sort,
    /// Whether `data` is wanted.
    pub with_data: bool,
    pub page: PageQuery,
}

/// What a list of resources is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResourceSort {
    Name,
    Kind,
    #[default]
    Updated,
    Created,
}

/// Values to choose from in filters, with counts of active resources, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceFacets {
    pub kinds: Vec<super::NamedCount>,
    pub api_versions: Vec<super::NamedCount>,
    pub namespaces: Vec<super::NamedCount>,
}

/// Resources of the same kind and name over all repositories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupedResource {
    pub kind: String,
    pub name: String,
    pub total_count: i64,
    pub repositories: Vec<GroupedRepository>,
}

/// One repository's part of a [`GroupedResource`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct GroupedRepository {
    pub repository_id: Uuid,
    pub repository_name: String,
    pub count: i64,
}

/// One state of a resource: the event that made it and where its text is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceVersion {
    /// Number of the state, 1 for the first.
    pub number: i64,
    pub event: Event,
    pub line_start: i32,
    pub line_end: i32,
    /// Link to the file at this commit on its forge.
    pub web_url: Option<String>,
}

/// What a resource was at a time of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceThen {
    pub at: DateTime<Utc>,
    /// Nothing before it came.
    pub status: Option<ResourceStatus>,
    /// The state that it had; of one that was gone, that of its deletion.
    pub version: Option<ResourceVersion>,
    /// Charts that were installed where it stood, with how many used them then.
    pub charts: Vec<SharedUse>,
    /// Images that it named itself or by the values of a release, those that most used first.
    pub images: Vec<SharedUse>,
    /// Images of which no name can be told, since variables stand in them.
    pub written: Vec<WrittenImage>,
}

/// The text of a resource at one event, secrets masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionText {
    pub event_id: Uuid,
    pub commit: String,
    pub file_path: String,
    /// Line of the file that `text` starts with, from 1.
    pub line_start: i32,
    pub text: String,
    /// Set where the text is not to be had, with the reason.
    pub missing: Option<String>,
}

/// Two states of a resource compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionDiff {
    pub resource_id: Uuid,
    pub from: VersionText,
    pub to: VersionText,
    /// Unified difference with three lines of context.
    pub unified: String,
    pub changes: Vec<super::FieldChange>,
}

/// A resource naming another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct Reference {
    /// The field that names it.
    pub field: String,
    pub status: ReferenceStatus,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    /// The other end, where it is in the same repository.
    pub resource_id: Option<Uuid>,
    pub file_path: Option<String>,
}

/// References both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct References {
    /// What this resource names.
    pub outgoing: Vec<Reference>,
    /// What names this resource.
    pub incoming: Vec<Reference>,
}

/// A resource as a leaf of the folder tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct ResourceTreeRow {
    pub id: Uuid,
    pub file_path: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub version: Option<String>,
}
