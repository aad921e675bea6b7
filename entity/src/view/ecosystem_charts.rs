use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Listing;

/// Charts of all repositories together: what is used most, where that goes, what is new, who upgraded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EcosystemCharts {
    /// Rising and falling is told against so many days before: those of the range, and 90 where it is all of history.
    pub days: u32,
    /// Charts with most releases, most first.
    pub popular: Vec<PopularChart>,
    /// Charts that more repositories use than before, by how many; at most eight.
    pub rising: Vec<ChartMove>,
    /// Charts that fewer repositories use than before, by how many; at most eight.
    pub falling: Vec<ChartMove>,
    /// Charts that nobody had used until seven days ago, those of most repositories first; at most 20, and how many.
    pub new: Listing<NewChart>,
    /// Upgrades of the last seven days, the newest first; at most 20, and how many.
    pub upgrades: Listing<RecentUpgrade>,
}

/// A chart, and how many releases there are of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PopularChart {
    pub id: i64,
    pub key: String,
    pub name: String,
    pub releases: i64,
}

/// How many repositories use a chart, and how many did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct ChartMove {
    pub id: i64,
    pub key: String,
    pub name: String,
    pub now: i64,
    pub before: i64,
}

impl ChartMove {
    /// By how many repositories more or fewer.
    #[must_use]
    pub const fn change(&self) -> i64 {
        self.now.saturating_sub(self.before)
    }
}

/// A chart that somebody used for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewChart {
    pub id: i64,
    pub key: String,
    pub name: String,
    /// Repositories that use it now.
    pub repositories: i64,
    pub first_used_at: DateTime<Utc>,
}

/// A step up from one version of a chart to another, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecentUpgrade {
    pub chart_id: i64,
    pub chart_key: String,
    pub chart_name: String,
    pub from: String,
    pub to: String,
    /// When somebody made it last.
    pub at: DateTime<Utc>,
    /// Repositories that made it.
    pub repositories: i64,
    /// Of these, those that went back to a lower version since.
    pub rolled_back: i64,
    /// Who made it last, the newest first; a few.
    pub by: Vec<Upgrader>,
}

/// A repository that made a step, and the commit that did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upgrader {
    pub repository_id: Uuid,
    pub repository: String,
    pub at: DateTime<Utc>,
    pub commit: String,
    /// The commit at its forge, where there is one.
    pub web_url: Option<String>,
}
