use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Listing, PageQuery};
use crate::kind::{AddVerdict, RejectReason, WhyNotKind};

/// One search of a run: where, for what, how far, what came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscoverySearch {
    pub host: String,
    /// As people write it: `topic:kubesearch`.
    pub search: String,
    /// How many there are, where the forge tells.
    pub total: Option<i64>,
    /// How many were read; the same repository may come more than once.
    pub found: i64,
    pub requests: i64,
    /// Requests that the forge answered with "not changed".
    pub unchanged: i64,
    /// There may be more than the forge let us see.
    pub incomplete: bool,
    pub done: bool,
    pub error: Option<String>,
}

/// A look around: all searches once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscoveryRun {
    pub id: Uuid,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub searches: Vec<DiscoverySearch>,
    pub requests: i64,
    pub unchanged: i64,
    /// Different repositories.
    pub found: i64,
    /// Of these were here already.
    pub known: i64,
    /// New ones that were taken up.
    pub accepted: i64,
    /// New ones that wait for approval.
    pub set_aside: i64,
    /// Left out, each with its reason.
    pub rejected: i64,
}

/// Why a repository is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct Rejected {
    pub host: String,
    pub full_name: String,
    pub web_url: Option<String>,
    pub reason: RejectReason,
    /// A sentence.
    pub detail: String,
    pub stars: i64,
    pub pushed_at: Option<DateTime<Utc>>,
    pub search: String,
    pub seen_at: DateTime<Utc>,
}

/// How many were left out for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "db", derive(sea_orm::FromQueryResult))]
pub struct RejectCount {
    pub reason: RejectReason,
    pub count: i64,
}

/// What is searched for where, and whether it is at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscoverySettings {
    /// Off where nothing was configured: no request leaves the machine then.
    pub enabled: bool,
    pub topics: Vec<String>,
    pub queries: Vec<String>,
    /// The forges that are searched.
    pub hosts: Vec<String>,
    /// New repositories without a push for longer are left out.
    pub max_age_days: i64,
    /// Larger ones wait for approval.
    pub max_repository_size_mb: i64,
    pub archived: bool,
    pub forks: bool,
    pub block: Vec<String>,
}

/// What searches cover: "why is my repository not here?"
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Discovery {
    pub settings: DiscoverySettings,
    /// The run that goes on now, or waits for a limit.
    pub current: Option<DiscoveryRun>,
    pub last: Option<DiscoveryRun>,
    /// The newest runs that ended, the last one first.
    pub runs: Vec<DiscoveryRun>,
    pub by_reason: Vec<RejectCount>,
    pub rejected: Listing<Rejected>,
    /// Deleted here, so that searches do not bring them back.
    pub deleted: i64,
    /// Here, but too large to be fetched before somebody approves.
    pub pending_approval: i64,
}

/// Why a repository that somebody asks for is not here, or that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyNot {
    pub kind: WhyNotKind,
    /// `github.com/owner/name` as far as it is known.
    pub name: String,
    /// It is here.
    pub repository_id: Option<Uuid>,
    /// Where a person reads it.
    pub web_url: Option<String>,
    pub reason: Option<RejectReason>,
    /// A sentence.
    pub detail: String,
    /// What to do to have it here; nothing where it is.
    pub remedy: Option<String>,
    /// The address to add it by, where adding helps.
    pub add: Option<String>,
    /// When that was seen or done.
    pub at: Option<DateTime<Utc>>,
}

/// Which of those left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectFilter {
    /// Part of the name, any case.
    pub text: Option<String>,
    pub reason: Option<RejectReason>,
    pub page: PageQuery,
}

/// What became of an address that somebody wants to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Added {
    /// As it was given, without credentials.
    pub url: String,
    /// The repository, new or known.
    pub repository_id: Option<Uuid>,
    /// Whether it was not here before.
    pub added: bool,
    pub verdict: AddVerdict,
    /// Why not.
    pub refused: Option<String>,
}
