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

/// A chart or an image that a resource has, as others do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharedUse {
    /// The chart's key, the image's name.
    pub key: String,
    /// Repositories that use it.
    pub repositories: i64,
}
