use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ForgeBudget;
use crate::kind::{Provider, TokenSource};

/// A forge as its admins see it. No token is ever in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForgeStatus {
    /// As people know it, such as `github.com`.
    pub host: String,
    pub provider: Provider,
    /// Whether repositories are searched for there.
    pub is_searched: bool,
    /// How many repositories come from there.
    pub repositories: i64,
    /// Where the token comes from that it is asked with.
    pub token: TokenSource,
    /// Since when a token is kept that somebody entered, also where the configuration has another, which wins.
    pub entered_at: Option<DateTime<Utc>>,
    /// What the forge said last of its limits.
    pub budgets: Vec<ForgeBudget>,
    /// What went wrong in the last discovery.
    pub last_error: Option<String>,
}

/// What a forge tells of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenTest {
    pub host: String,
    /// Whose it is, where the forge tells.
    pub login: Option<String>,
    /// What it is for, where the forge tells.
    pub scopes: Option<Vec<String>>,
    /// The limits that it brings.
    pub budgets: Vec<ForgeBudget>,
}
