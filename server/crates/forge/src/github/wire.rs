//! What of REST's repositories is read. octocrab's models demand some fields that Enterprise servers leave out, and a page
//! of a hundred is lost with one of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;

#[derive(Serialize, Deserialize)]
pub(super) struct Repository {
    pub id: i64,
    #[serde(default)]
    pub node_id: Option<String>,
    pub owner: Owner,
    pub name: String,
    pub full_name: String,
    #[serde(default)]
    pub clone_url: Option<String>,
    pub html_url: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub topics: Option<Vec<String>>,
    #[serde(default)]
    pub license: Option<License>,
    #[serde(default)]
    pub default_branch: Option<String>,
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub updated_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub pushed_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub stargazers_count: i64,
    #[serde(default)]
    pub forks_count: Option<i64>,
    /// Only in answers about one repository; `watchers_count` is another name for the stars.
    #[serde(default)]
    pub subscribers_count: Option<i64>,
    #[serde(default)]
    pub open_issues_count: Option<i64>,
    #[serde(default)]
    pub size: Option<i64>,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub fork: bool,
    #[serde(default)]
    pub private: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Owner {
    pub login: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct License {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub spdx_id: Option<String>,
}

impl License {
    /// The short name, unless GitHub knows none.
    pub(super) fn into_name(self) -> Option<String> {
        self.spdx_id.filter(|id| !id.is_empty() && id != "NOASSERTION").or(self.name).filter(|name| !name.is_empty())
    }
}

impl Repository {
    pub(super) fn into_facts(self) -> Facts {
        Facts {
            id: self.id,
            node_id: self.node_id,
            owner: self.owner.login,
            name: self.name,
            full_name: self.full_name,
            clone_url: self.clone_url.unwrap_or_else(|| format!("{}.git", self.html_url)),
            web_url: Some(self.html_url),
            description: self.description.filter(|text| !text.is_empty()),
            language: self.language,
            topics: self.topics.unwrap_or_default(),
            licence: self.license.and_then(License::into_name),
            default_branch: self.default_branch,
            created_at: self.created_at,
            updated_at: self.updated_at,
            pushed_at: self.pushed_at,
            stars: self.stargazers_count,
            forks: self.forks_count,
            watchers: self.subscribers_count,
            open_issues: self.open_issues_count,
            size_kb: self.size,
            is_archived: self.archived,
            is_fork: self.fork,
            is_private: self.private,
        }
    }
}
