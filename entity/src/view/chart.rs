use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChartVersionsOverTime, PageQuery, Sort};
use crate::kind::{ChartResolution, ChartUseKind, Renderer, UnresolvedReason, ValueType, VersionKind};

/// A chart in a list: who uses it, and in which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartSummary {
    /// Stays as long as the key does.
    pub id: i64,
    /// One key for all places of the chart, such as `ghcr.io/bjw-s-labs/helm/app-template`.
    pub key: String,
    pub name: String,
    /// Repositories that use it.
    pub repositories: i64,
    /// Releases of it: a repository may have several.
    pub releases: i64,
    /// The highest exact version that anybody uses; one that is no pre-release, where there is any.
    pub newest_version: Option<String>,
    /// The version with most releases.
    pub most_used_version: Option<String>,
    pub most_used_releases: i64,
    /// Stars of the repositories that use it; `None` where those of none are known.
    pub stars: Option<i64>,
    /// Repositories that use it now and did not so many days before, less those that left it.
    pub change_30_days: i64,
    pub change_90_days: i64,
}

/// Which charts, and in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartFilter {
    /// A part of the name or key.
    pub text: Option<String>,
    /// Only uses of this kind.
    pub kind: Option<ChartUseKind>,
    /// A part of the address that it comes from.
    pub source: Option<String>,
    /// Used by so many repositories at least.
    pub used_by: i64,
    pub trend: Option<ChartTrend>,
    pub sort: ChartSort,
    pub direction: Sort,
    /// As of this time; `None` is now.
    pub at: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// Where a chart is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChartTrend {
    /// More repositories use it than 90 days before.
    Rising,
    /// Fewer.
    Falling,
    /// Nobody had ever used it 30 days before.
    New,
}

/// What charts are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChartSort {
    #[default]
    Repositories,
    Releases,
    Name,
    /// By the change in 30 days.
    Change,
}

/// A chart: the answer to "is it used, is it alive, which version".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartDetail {
    pub chart: ChartSummary,
    /// Where it comes from, most used first.
    pub sources: Vec<ChartSource>,
    /// When somebody used it first, as far as history reaches.
    pub first_used_at: Option<DateTime<Utc>>,
    /// When somebody changed the version last.
    pub last_upgrade_at: Option<DateTime<Utc>>,
    /// Every version in use, highest first.
    pub versions: Vec<ChartVersion>,
    /// The versions that most releases had at once, over the last year.
    pub versions_over_time: ChartVersionsOverTime,
    /// Repositories that used it, month by month.
    pub adoption: Vec<ChartAdoption>,
    /// Releases by kind of use.
    pub kinds: Vec<ChartKindCount>,
}

/// A place that a chart comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartSource {
    /// The key of the chart at this place.
    pub key: String,
    /// Repository or registry.
    pub url: String,
    /// What the chart is called here, as written.
    pub name: String,
    /// The highest exact version that anybody takes from here; one that is no pre-release, where there is any.
    pub newest_version: Option<String>,
    /// Repositories that take it from here.
    pub repositories: i64,
}

/// A version in use, and how it fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartVersion {
    /// As written.
    pub version: String,
    /// Releases that have it.
    pub releases: i64,
    /// Releases that ever had it.
    pub ever: i64,
    /// When anybody had it first.
    pub first_used_at: DateTime<Utc>,
    /// Days until half of those who ever had it did; unknown where it are fewer than five.
    pub days_to_half: Option<f64>,
    /// Of those who came to it at least seven days ago, the share that had not left it for a lower version within seven
    /// days; unknown where it are fewer than five.
    pub stayed: Option<f64>,
    /// How many that share is of.
    pub stayed_of: i64,
}

/// How many repositories and releases used a chart at the end of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartAdoption {
    /// `YYYY-MM-DD`: the last day that is counted.
    pub date: String,
    pub repositories: i64,
    pub releases: i64,
}

/// How many releases of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartKindCount {
    pub kind: ChartUseKind,
    pub releases: i64,
}

/// A release of a chart: who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartRelease {
    /// Stays through versions and values. As text: it has more digits than numbers of JSON can.
    pub id: String,
    pub repository_id: Uuid,
    pub repository: String,
    /// As far as they are known.
    pub stars: Option<i64>,
    pub kind: ChartUseKind,
    /// Of the resource that installs it.
    pub name: Option<String>,
    /// Helm's name.
    pub release_name: Option<String>,
    pub namespace: Option<String>,
    pub chart_id: Option<i64>,
    pub chart_key: Option<String>,
    pub chart_name: Option<String>,
    pub source_url: Option<String>,
    pub version: Option<String>,
    pub version_kind: VersionKind,
    pub digest: Option<String>,
    /// How it was found out where the chart comes from.
    pub how: ChartResolution,
    /// Why it is not known.
    pub reason: Option<UnresolvedReason>,
    pub rendered: Renderer,
    /// How many values are set.
    pub values: i64,
    /// When the version, source or place changed last.
    pub since: DateTime<Utc>,
    /// When that or one of the values that it sets did.
    pub changed_at: DateTime<Utc>,
    pub file_path: String,
    /// The file at its forge, where there is one.
    pub web_url: Option<String>,
    /// The resource that installs it, where it is one.
    pub resource_id: Option<Uuid>,
    /// The highest version that anybody uses.
    pub newest_version: Option<String>,
    /// Releases that have a lower version, in percent of all whose version can be compared; `None` where they are fewer
    /// than five, or it can't.
    pub ahead_of_percent: Option<i64>,
    /// The version in the middle of all releases whose version can be compared, under the same conditions.
    pub median_version: Option<String>,
    /// How many of the versions in use are higher than its own, up to the one in the middle; 0 where it is not behind that.
    pub behind_median: Option<i64>,
    /// How alike its values are to those of the repository that was asked for, of 100: what both set to the same, of what both
    /// set.
    pub alike_percent: Option<i64>,
    /// What the variables stand for that its values name, as far as the repository says so.
    pub variables: BTreeMap<String, String>,
}

/// Which releases of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartReleaseFilter {
    pub chart_id: Option<i64>,
    pub repository_id: Option<Uuid>,
    /// Only this version.
    pub version: Option<String>,
    /// Only those of this name: Helm's, or that of what installs them.
    pub release: Option<String>,
    /// Only those whose value at this path...
    pub path: Option<String>,
    /// ...is this.
    pub value: Option<String>,
    /// Only repositories that also have all of these charts.
    pub with_charts: Vec<i64>,
    /// Those of a chart first whose values are most like those of this repository.
    pub like: Option<Uuid>,
    /// Of each repository one release.
    pub one_each: bool,
    pub sort: ChartReleaseSort,
    pub at: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// What releases are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChartReleaseSort {
    #[default]
    Stars,
    Recent,
    Repository,
}

/// A path of values: how many set it, and to what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartValuePath {
    pub path: String,
    /// Releases that set it.
    pub releases: i64,
    /// Releases that were looked at: of that version, and in repositories with those charts.
    pub of: i64,
    pub types: Vec<ValueType>,
    /// The values that most set, most common first; a few.
    pub common: Vec<CommonValue>,
    /// How many different values there are.
    pub different: i64,
    /// How they spread, where they are numbers and not few.
    pub spread: Option<ValueSpread>,
    /// What the repository sets that "mine against all" is of; empty where it must not be shown.
    pub mine: Option<String>,
    pub mine_masked: bool,
}

/// How values that are numbers spread, each as somebody wrote it: a quarter of the releases sets `lower_quarter` or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValueSpread {
    pub lowest: String,
    pub lower_quarter: String,
    pub median: String,
    pub upper_quarter: String,
    pub highest: String,
    /// Releases whose value is told.
    pub releases: i64,
    /// Releases whose value is no number, and left out.
    pub others: i64,
}

/// A value, and how many set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommonValue {
    /// As written; empty where it must not be shown.
    pub value: String,
    pub masked: bool,
    pub releases: i64,
}

/// Which paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartValueFilter {
    pub chart_id: i64,
    /// A part of the path or of a value.
    pub text: Option<String>,
    /// Only releases whose version begins with this number.
    pub major: Option<u64>,
    /// Only releases of this name: Helm's, or that of what installs them.
    pub release: Option<String>,
    /// Only repositories that also have all of these charts.
    pub with_charts: Vec<i64>,
    /// What this repository sets, beside it.
    pub mine: Option<Uuid>,
    /// Only what that repository sets unlike most, or what most set and it does not.
    pub unlike: bool,
    pub at: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// A value that a release sets, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartValue {
    pub release_id: String,
    pub repository_id: Uuid,
    pub repository: String,
    pub release_name: Option<String>,
    /// The version of the chart.
    pub version: Option<String>,
    pub path: String,
    pub kind: ValueType,
    /// As written; empty where it must not be shown.
    pub value: String,
    pub masked: bool,
    /// When it was set.
    pub since: DateTime<Utc>,
    /// Where it stood in the commit that set it.
    pub file_path: Option<String>,
    pub line: i32,
    /// That line at the forge, for ever.
    pub web_url: Option<String>,
    /// What the variables in it stand for, as far as the repository says so.
    pub variables: BTreeMap<String, String>,
}

/// A step from one version to another that somebody made with one release or several: in one commit, or by way of versions between
/// them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartUpgrade {
    /// Of the first release.
    pub release_id: String,
    pub repository_id: Uuid,
    pub repository: String,
    /// Of the first release.
    pub release_name: Option<String>,
    /// Releases that made it.
    pub releases: i64,
    pub from: String,
    pub to: String,
    /// How many times the version changed on the way, once with each commit. More than once only where both versions are asked
    /// for.
    pub steps: i64,
    /// When the version was reached.
    pub at: DateTime<Utc>,
    /// The commit that reached it.
    pub commit: String,
    pub web_url: Option<String>,
    /// Paths of values that changed in the same commit; by way of several, those that were set otherwise after the last than
    /// before the first. Of the first fifty releases, and at most 500.
    pub changed: Vec<String>,
    /// Went back to a lower version within seven days.
    pub rolled_back: bool,
}

/// What others had to change for a step between versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartUpgrades {
    /// One page of those who made it, newest first.
    pub upgrades: Vec<ChartUpgrade>,
    /// How many in all, each commit once.
    pub count: i64,
    /// Releases that made it.
    pub releases: i64,
    /// Of `count`, those that were made by several commits.
    pub by_several: i64,
    /// Of `count`, those of which a release went back.
    pub rolled_back: i64,
    /// Every version that anybody had, highest first; of more than 500 those that most had.
    pub versions: Vec<String>,
    /// Paths that changed with it, and in how many of the newest `looked_at`; at most 500, the most frequent first.
    pub changed: Vec<ChangedPath>,
    /// How many were looked at for what changed with them.
    pub looked_at: i64,
}

/// A path of values that changed with an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangedPath {
    pub path: String,
    pub upgrades: i64,
}

/// A chart beside another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartNeighbour {
    pub key: String,
    pub name: String,
    /// Repositories that have both.
    pub repositories: i64,
}

/// A chart that some use where others use another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartAlternative {
    pub key: String,
    pub name: String,
    /// Repositories that have it, for the same app.
    pub repositories: i64,
    /// How many had it at the ends of the months since the first did, oldest first; the last is today.
    pub over_time: Vec<ChartAdoption>,
}

/// Values of several releases of a chart side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartComparison {
    pub releases: Vec<ChartRelease>,
    /// How many those repositories have in all, of the name that was asked for: not all fit beside each other.
    pub of: i64,
    /// What those repositories call their releases of it, whatever name was asked for.
    pub names: Vec<String>,
    /// Paths, those with differences first.
    pub rows: Vec<ComparedValue>,
}

/// What each release sets at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparedValue {
    pub path: String,
    /// Whether they differ, or may: of what must not be shown nobody is told.
    pub differs: bool,
    /// In the order of the releases; `None` where it sets none, and empty where it must not be shown.
    pub values: Vec<Option<String>>,
    /// Which of them must not be shown.
    pub masked: Vec<bool>,
}
