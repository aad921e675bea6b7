//! What goes into a question and what comes out of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a forge tells of a repository. `None` where this forge, or this kind of answer, does not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The forge's own number; stays when the repository is renamed or moves to another owner.
    pub id: i64,
    /// GitHub's other name for it, by which many are asked for at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// Everything before the last `/`: with GitLab's nested groups more than one word.
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub clone_url: String,
    pub web_url: Option<String>,
    pub description: Option<String>,
    pub language: Option<String>,
    pub topics: Vec<String>,
    pub licence: Option<String>,
    pub default_branch: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub pushed_at: Option<DateTime<Utc>>,
    pub stars: i64,
    pub forks: Option<i64>,
    /// Who is told of news; not GitHub's field of that name in lists, which repeats the stars.
    pub watchers: Option<i64>,
    /// GitHub counts pull requests too.
    pub open_issues: Option<i64>,
    pub size_kb: Option<i64>,
    pub is_archived: bool,
    pub is_fork: bool,
    pub is_private: bool,
}

/// How a repository is known here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    pub id: Option<i64>,
    pub node_id: Option<String>,
    pub full_name: String,
}

/// What looking for a repository came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    Here(Box<Facts>),
    Gone(GoneReason),
}

/// Why a repository cannot be seen any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneReason {
    /// Deleted or made private: forges tell strangers the same for both.
    NotFound,
    /// Status 451.
    Legal,
    /// The forge itself blocked it.
    Blocked,
}

impl GoneReason {
    /// For sentences.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "it was deleted or made private",
            Self::Legal => "the forge withholds it for legal reasons",
            Self::Blocked => "the forge blocked it",
        }
    }
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    Topic(String),
    /// In the forge's own search language.
    Query(String),
}

impl std::fmt::Display for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Topic(topic) => write!(f, "topic:{topic}"),
            Self::Query(query) => f.write_str(query),
        }
    }
}

/// Where a search goes on: the client's own words, kept by whoever searches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub String);

/// One answer's worth of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPage {
    pub found: Vec<Facts>,
    /// `None` at the end.
    pub next: Option<Cursor>,
    /// How many there are altogether, where the forge tells.
    pub total: Option<u64>,
    /// The forge ran out of time, or more repositories share one second than can be listed: there may be more.
    pub incomplete: bool,
    /// The answer was known already (status 304).
    pub unchanged: bool,
}
