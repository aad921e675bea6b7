//! What syncs and scans bring in: plain input for writes, known to neither git nor the database.

mod branch;
mod uses;

use uuid::Uuid;

use crate::kind::{EventType, ProblemClass, ResourceStatus};
use crate::view::{FieldChange, Timestamp};

pub use crate::value::{InvalidObjectId, ObjectId};
pub use branch::is_branch_name;
pub use uses::{
    ChartUseFacts, FoundChartSource, FoundChartUse, FoundChartValue, FoundImageUse, FoundReference, FoundRelease,
    ImageUseFacts, KnownChartUse, KnownImageUse, KnownValue, LinePoint, Span, UseCommit, UsesBatch, ValueFacts,
    ValueSpanKey,
};

/// What makes two manifests the same resource: group, kind, namespace as written, name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    /// API group, empty for the core group.
    pub group: String,
    pub kind: String,
    /// Empty where none is written.
    pub namespace: String,
    pub name: String,
}

/// Where a resource gets what it deploys from (`chartRef`, `sourceRef`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceRef {
    pub kind: String,
    pub name: String,
    /// As written in the reference, else as written in the resource.
    pub namespace: Option<String>,
}

/// Everything that one bounded transaction of a scan stores. Batches are applied in order, each once:
/// `after` must be the commit that the repository's row says is scanned.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The scanned commit before this batch; `None` before the first.
    pub after: Option<ObjectId>,
    /// The last commit that this batch covers, with or without events.
    pub through: Option<ScannedCommit>,
    /// Commits with events, in order.
    pub commits: Vec<FoundCommit>,
    /// The final state, within this batch, of every resource that it touches.
    pub resources: Vec<FoundResource>,
    /// Texts that the events point to and that this scan has not stored before; masked and compressed.
    pub manifests: Vec<FoundManifest>,
    /// Files whose problems are new, changed or gone within this batch: the file's problems replace those stored.
    pub problems: Vec<FileProblems>,
    /// Charts, values and images.
    pub uses: UsesBatch,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannedCommit {
    pub id: ObjectId,
    /// Place on the first-parent line, 0 for the first commit.
    pub sequence: i64,
    pub committed_at: Timestamp,
}

/// A commit with events.
#[derive(Clone, Debug)]
pub struct FoundCommit {
    pub id: ObjectId,
    pub sequence: i64,
    pub committed_at: Timestamp,
    pub author_name: String,
    /// First line of the message, at most 500 characters.
    pub subject: String,
    pub events: Vec<FoundEvent>,
}

/// A change of one resource.
#[derive(Clone, Debug)]
pub struct FoundEvent {
    pub resource_id: Uuid,
    pub event_type: EventType,
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub file_path: String,
    pub file_path_before: Option<String>,
    pub file_hash_before: Option<String>,
    pub file_hash_after: Option<String>,
    pub version_before: Option<String>,
    pub version_after: Option<String>,
    /// Coarse tags followed by exact field paths.
    pub changes_detected: Vec<String>,
    pub changes: Vec<FieldChange>,
    /// All changed fields, also those beyond what `changes` keeps.
    pub changes_total: i64,
    /// The file's blob and the document's lines in it; `None` for a deletion.
    pub place: Option<TextPlace>,
    pub caused_by_resource_id: Option<Uuid>,
}

/// Lines of a stored manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPlace {
    pub blob: ObjectId,
    /// From 1, inclusive.
    pub line_start: i32,
    pub line_end: i32,
}

/// The state of a resource after a batch: the row to insert or to replace.
#[derive(Clone, Debug)]
pub struct FoundResource {
    pub id: Uuid,
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub namespace_inherited: Option<String>,
    pub file_path: String,
    pub file_hash: String,
    pub version: Option<String>,
    /// The masked `spec` as JSON text.
    pub data: String,
    pub status: ResourceStatus,
    pub place: TextPlace,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// Sequence of the commit that brought it.
    pub first_sequence: i64,
    /// The commit that changed it last.
    pub commit: ObjectId,
    /// Events within this batch; added to those stored.
    pub new_events: i64,
    pub source: Option<SourceRef>,
    /// Charts installed, the main one first.
    pub charts: Vec<FoundChart>,
    pub images: Vec<FoundImage>,
}

/// A chart that a resource installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundChart {
    pub name: String,
    /// Repository or registry; `None` where its source is not known.
    pub url: Option<String>,
    pub version: Option<String>,
}

/// An image that a resource runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    pub image: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
    pub field_path: String,
}

/// A file's text by its object id.
#[derive(Clone, Debug)]
pub struct FoundManifest {
    pub id: ObjectId,
    /// Secrets masked, then compressed by `store::db::text` or the caller's equal.
    pub compressed: Vec<u8>,
    /// Bytes before compression.
    pub size: i64,
}

/// All problems of one file; an empty list clears it.
#[derive(Clone, Debug)]
pub struct FileProblems {
    pub file_path: String,
    pub commit: ObjectId,
    pub since: Timestamp,
    pub problems: Vec<FoundProblem>,
}

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProblem {
    pub class: ProblemClass,
    /// From 1.
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub message: String,
}

/// What is stored of a resource, as much as a replay needs to go on.
#[derive(Clone, Debug)]
pub struct KnownResource {
    pub id: Uuid,
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    pub namespace_inherited: Option<String>,
    pub file_path: String,
    pub file_hash: String,
    pub version: Option<String>,
    pub status: ResourceStatus,
    pub place: TextPlace,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub first_sequence: i64,
    pub commit: ObjectId,
    pub source: Option<SourceRef>,
    /// The main chart's name and address.
    pub chart_name: Option<String>,
    pub chart_url: Option<String>,
}

/// What a repository at its scanned commit holds, in numbers that the scan knows without asking the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadFigures {
    pub yaml_files: i64,
}

/// A repository to keep in step with: from the configuration, the samples or a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRepository {
    pub url: String,
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub description: Option<String>,
    pub provider: crate::kind::Provider,
    pub origin: crate::kind::Origin,
    pub web_url: Option<String>,
    pub enabled: bool,
    pub branch_regex: Option<String>,
    pub polling_interval_seconds: Option<i64>,
    pub topics: Vec<String>,
}

/// What a sync learned about the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncedHead {
    pub branch: String,
    pub head: ObjectId,
    pub committed_at: Timestamp,
    pub clone_bytes: i64,
}

/// What a forge tells of a repository; `None` where it does not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct RepositoryFacts {
    /// The forge's host, with its port where that is unusual.
    pub host: String,
    pub provider: crate::kind::Provider,
    /// Stays when the repository is renamed or moves to another owner.
    pub forge_id: i64,
    pub node_id: Option<String>,
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub clone_url: String,
    pub web_url: Option<String>,
    pub description: Option<String>,
    pub language: Option<String>,
    pub topics: Vec<String>,
    pub license_name: Option<String>,
    pub default_branch: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub pushed_at: Option<Timestamp>,
    pub stars: i64,
    pub forks: Option<i64>,
    pub watchers: Option<i64>,
    pub open_issues: Option<i64>,
    pub size_kb: Option<i64>,
    pub is_archived: bool,
    pub is_fork: bool,
    pub is_private: bool,
}

/// A repository that a search found and that is not taken up.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedRepository {
    pub host: String,
    pub forge_id: i64,
    pub full_name: String,
    pub web_url: Option<String>,
    pub reason: crate::kind::RejectReason,
    pub detail: String,
    pub stars: i64,
    pub pushed_at: Option<Timestamp>,
    pub search: String,
}

/// One search of a discovery run with what it takes to go on with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SearchState {
    #[serde(flatten)]
    pub shown: crate::view::DiscoverySearch,
    /// The topic, where the search is for one.
    pub topic: Option<String>,
    /// Where the forge's client goes on.
    pub cursor: Option<String>,
}
