use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a regular expression would watch of the branches that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WatchPreview {
    /// Branches that are there. Before the first look at the remote only the one that is read is known.
    pub known: u64,
    pub matches: u64,
    /// The first of those that match, by name.
    pub matching: Vec<String>,
    /// The first of those that do not, by name.
    pub others: Vec<String>,
    /// Whether all branches of the remote are known.
    pub is_complete: bool,
    /// Why the expression can't be used, and how to mend it; nothing is counted then.
    pub error: Option<String>,
}

/// A webhook that came in and was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookReceipt {
    /// What its forge calls it.
    pub delivery_id: String,
    /// The forge's word, such as `push`.
    pub event: String,
    pub received_at: DateTime<Utc>,
    /// What came of it, in words.
    pub result: String,
}

/// How a forge tells of a repository, and what it told lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepositoryWebhooks {
    /// Where the forge sends them to, below the address of this program.
    pub path: String,
    /// When the secret that signs them was made; nothing where there is none, and none are taken.
    pub secret_made_at: Option<DateTime<Utc>>,
    /// Webhooks that were taken, the newest first.
    pub data: Vec<WebhookReceipt>,
    /// How many are kept in all.
    pub count: u64,
}
