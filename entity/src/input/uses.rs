//! What a scan finds out about charts, values and images, as spans of history: from a commit, to a commit.
//!
//! Ids follow from what they name, so that a scan that is killed and begun again gives the same rows.

use std::collections::BTreeMap;

use super::ObjectId;
use crate::kind::{
    ChartResolution, ChartUseKind, ImagePlaceKind, ImageState, ReferenceStatus, Renderer, UnresolvedReason, ValueType,
    VersionKind,
};

/// A place on a repository's line where something began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePoint {
    /// Place on the first-parent line, 0 for the first commit.
    pub sequence: i64,
    /// Seconds since 1970: the commit's time, or that of the point before where that is later.
    pub time: i64,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: LinePoint,
    /// The first commit without it; `None` while it is there.
    pub to: Option<LinePoint>,
}

/// What a batch of commits began and ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsesBatch {
    /// The commits at which anything did.
    pub commits: Vec<UseCommit>,
    pub sources: Vec<FoundChartSource>,
    /// Keys under which kubesearch showed charts, with the chart's id.
    pub aliases: Vec<(String, i64)>,
    /// Paths of values by id.
    pub paths: Vec<(i64, String)>,
    /// Images by id.
    pub images: Vec<(i64, String)>,
    /// Releases that are new.
    pub releases: Vec<FoundRelease>,
    pub uses: Vec<FoundChartUse>,
    pub values: Vec<FoundChartValue>,
    pub image_uses: Vec<FoundImageUse>,
    pub ended_uses: Vec<(i64, LinePoint)>,
    pub ended_values: Vec<(ValueSpanKey, LinePoint)>,
    pub ended_images: Vec<(i64, LinePoint)>,
    pub references: Vec<FoundReference>,
    pub ended_references: Vec<(i64, LinePoint)>,
}

/// A commit at which a use, a value or an image began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseCommit {
    pub id: ObjectId,
    pub at: LinePoint,
}

/// A place that charts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundChartSource {
    pub id: i64,
    pub key: String,
    /// Repository or registry, in its one spelling.
    pub url: String,
    pub chart_id: i64,
    /// The key that stands for all places of the chart.
    pub chart_key: String,
    pub chart_name: String,
}

/// A chart installed by somebody, under whatever version: what spans of uses and values hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundRelease {
    pub id: i64,
    pub first_sequence: i64,
}

/// What makes two spans those of one use, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartUseFacts {
    pub chart_id: Option<i64>,
    pub source_id: Option<i64>,
    /// Where the document stands, as resources say it: `path` or `path#1`.
    pub file_path: String,
    /// The document's number by the rules of counting, and behind slashes those within lists.
    pub document: String,
    /// Which of several in the document.
    pub part: Option<i32>,
    pub kind: ChartUseKind,
    pub name: Option<String>,
    /// Helm's name.
    pub release_name: Option<String>,
    pub namespace: Option<String>,
    pub chart_name: Option<String>,
    pub source_url: Option<String>,
    pub version: Option<String>,
    pub version_kind: VersionKind,
    pub digest: Option<String>,
    pub how: ChartResolution,
    pub reason: Option<UnresolvedReason>,
    /// Whether the source is one of another namespace.
    pub by_name: bool,
    pub rendered: Renderer,
    /// Values that come from elsewhere: found, missing, secret.
    pub values_resolved: i32,
    pub values_missing: i32,
    pub values_secret: i32,
    /// What the variables stand for that the values name, as far as the repository says so.
    pub variables: BTreeMap<String, String>,
}

/// A use of a chart while nothing about it but its values changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundChartUse {
    pub id: i64,
    pub release_id: i64,
    pub facts: ChartUseFacts,
    pub span: Span,
}

/// Names the span of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueSpanKey {
    pub release_id: i64,
    pub path_id: i64,
    /// Tells apart what stands at one path: the items of a list.
    pub ordinal: i32,
    pub from_sequence: i64,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueFacts {
    pub kind: ValueType,
    /// Empty where it must not be shown.
    pub text: String,
    pub masked: bool,
}

/// A leaf of a release's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundChartValue {
    pub key: ValueSpanKey,
    pub chart_id: Option<i64>,
    pub facts: ValueFacts,
    /// Where it stood in the commit that brought it; nothing where several files made it together.
    pub file_path: Option<String>,
    pub line: i32,
    pub span: Span,
}

/// Where an image stands and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageUseFacts {
    /// The release whose values have it.
    pub release_id: Option<i64>,
    pub chart_id: Option<i64>,
    pub place: ImagePlaceKind,
    /// Of the document, as resources say it.
    pub file_path: String,
    pub document: String,
    /// Of the document's resource.
    pub kind: Option<String>,
    pub name: Option<String>,
    pub path: String,
    pub state: ImageState,
    pub image_id: Option<i64>,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// As it is written, where something is left to be filled in.
    pub written: Option<String>,
    /// What the variables stand for that stand in it, as far as the repository says so; of one in values the release has them.
    pub variables: BTreeMap<String, String>,
}

/// An image in one place, while it stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImageUse {
    pub id: i64,
    /// Tells apart what stands at one path: the items of a list.
    pub ordinal: i32,
    pub facts: ImageUseFacts,
    pub span: Span,
}

/// An edge from a document to what it names, while it stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundReference {
    pub id: i64,
    /// Of the edge itself: the same in all its spans.
    pub key: i64,
    /// Of the document, as resources say it.
    pub file_path: String,
    pub from_kind: String,
    pub from_name: String,
    /// The field that names it.
    pub field: String,
    pub kind: String,
    /// Nothing for what is in none, and where it is not known.
    pub namespace: Option<String>,
    pub name: String,
    pub status: ReferenceStatus,
    pub span: Span,
}

/// A use that is open at some commit, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChartUse {
    pub id: i64,
    pub release_id: i64,
    pub facts: ChartUseFacts,
}

/// A value that is open at some commit, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownValue {
    pub key: ValueSpanKey,
    pub facts: ValueFacts,
}

/// An image that is open at some commit, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownImageUse {
    pub id: i64,
    pub ordinal: i32,
    pub facts: ImageUseFacts,
}
