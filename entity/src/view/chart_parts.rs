use serde::{Deserialize, Serialize};

use super::ChartUpgrades;

/// A text to copy that installs a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartSnippet {
    /// With what it installs it.
    pub title: String,
    /// Manifests, or a command.
    pub text: String,
}

/// A step from one version of a chart to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartStep {
    pub chart_id: i64,
    pub chart_key: String,
    /// As it was written before, and as it is after.
    pub from: String,
    pub to: String,
}

/// The step between versions of a chart that an event made, and what others changed who made it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventUpgrades {
    pub chart_id: i64,
    pub chart_key: String,
    pub from: String,
    pub to: String,
    pub upgrades: ChartUpgrades,
}

/// How many releases had which version of a chart at the ends of some days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartVersionsOverTime {
    /// `YYYY-MM-DD`, equally far apart, oldest first; the last is today.
    pub days: Vec<String>,
    /// Releases whose version was known on each of them.
    pub releases: Vec<i64>,
    /// The versions that most of them had at once, highest first; at most eight.
    pub versions: Vec<ChartVersionOverTime>,
}

/// How many releases had one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartVersionOverTime {
    /// As written.
    pub version: String,
    /// On each of the days.
    pub releases: Vec<i64>,
}

/// A chart or an image that a resource has, as others do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedUse {
    /// The chart's key, the image's name.
    pub key: String,
    /// What stands here: versions of the chart, the highest first; tags of the image.
    pub versions: Vec<String>,
    /// Repositories that use it.
    pub repositories: i64,
}
