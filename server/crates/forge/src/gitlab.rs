//! GitLab: REST, key by key (`pagination=keyset`), groups nested as deep as people nest them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entity::kind::Provider;
use git::FilesBelow;
use serde::{Deserialize, Serialize};

use crate::Forge;
use crate::branches::{ListedBranches, Listing};
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange, Manner, Settings};
use crate::facts::{Cursor, Facts, Key, Search, SearchPage, Sight};
use crate::files::{Changes, Dialect, Files, RepositoryPath, WantedChanges, WantedFiles};
use crate::holder::{Holder, gitlab_holder};
use crate::probe::{Probe, probe};

/// The most that is given at once.
const PAGE: usize = 100;

/// gitlab.com, or a server of one's own.
pub struct Gitlab {
    exchange: Exchange,
}

/// What of a project is read. Much of it is told only to those who show a token.
#[derive(Serialize, Deserialize)]
struct Project {
    id: i64,
    path: String,
    path_with_namespace: String,
    http_url_to_repo: String,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    topics: Option<Vec<String>>,
    #[serde(default)]
    tag_list: Option<Vec<String>>,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default)]
    last_activity_at: Option<DateTime<Utc>>,
    #[serde(default)]
    star_count: i64,
    #[serde(default)]
    forks_count: Option<i64>,
    #[serde(default)]
    open_issues_count: Option<i64>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    visibility: Option<String>,
    #[serde(default)]
    forked_from_project: Option<Origin>,
    #[serde(default)]
    license: Option<License>,
    #[serde(default)]
    statistics: Option<Statistics>,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    id: i64,
}

#[derive(Serialize, Deserialize)]
struct License {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Statistics {
    #[serde(default)]
    repository_size: Option<i64>,
}

impl Project {
    fn into_facts(self) -> Facts {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let owner = self.path_with_namespace.rsplit_once('/').map_or("", |(owner, _)| owner).to_owned();
        Facts {
            id: self.id,
            node_id: None,
            owner,
            name: self.path,
            full_name: self.path_with_namespace,
            clone_url: self.http_url_to_repo,
            web_url: filled(self.web_url),
            description: filled(self.description),
            language: None,
            topics: self.topics.or(self.tag_list).unwrap_or_default(),
            licence: self.license.and_then(|license| license.name),
            default_branch: filled(self.default_branch),
            created_at: self.created_at,
            updated_at: self.updated_at.or(self.last_activity_at),
            pushed_at: self.last_activity_at,
            stars: self.star_count,
            forks: self.forks_count,
            watchers: None,
            open_issues: self.open_issues_count,
            size_kb: self.statistics.and_then(|statistics| statistics.repository_size).map(|bytes| bytes / 1_000),
            is_archived: self.archived.unwrap_or(false),
            is_fork: self.forked_from_project.is_some(),
            is_private: self.visibility.is_some_and(|visibility| visibility != "public"),
        }
    }
}

impl Gitlab {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// If the address or the token cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ForgeError> {
        let manner = Manner {
            accept: "application/json",
            scheme: "Bearer",
            headers: &[],
            unchanged_is_free: false,
            is_github: false,
        };
        Ok(Self { exchange: Exchange::new(settings, manner)? })
    }

    /// By number, or by the whole path.
    async fn one(&self, what: &str, id: &str) -> Result<Sight, ForgeError> {
        let mut url = self.exchange.url(&["projects", id]);
        url.query_pairs_mut().append_pair("license", "true");
        if self.exchange.has_token {
            url.query_pairs_mut().append_pair("statistics", "true");
        }
        let ask = Ask { what, resource: "core", url, body: None };
        let mut facts = match self.exchange.ask::<Project>(&ask).await? {
            Answer::Here { value, .. } => value.into_facts(),
            Answer::Gone(reason) => return Ok(Sight::Gone(reason)),
        };
        facts.language = self.language(what, facts.id).await?;
        Ok(Sight::Here(Box::new(facts)))
    }

    /// The project's number, by which all else is asked: a path may be an old one, and redirects need not keep the rest.
    async fn number(&self, key: &Key) -> Result<i64, ForgeError> {
        if let Some(id) = key.id {
            return Ok(id);
        }
        let path = key.full_name.as_str();
        let ask = Ask { what: path, resource: "core", url: self.exchange.url(&["projects", path]), body: None };
        match self.exchange.ask::<Project>(&ask).await? {
            Answer::Here { value, .. } => Ok(value.id),
            Answer::Gone(reason) => Err(self.exchange.gone(path, reason)),
        }
    }

    /// The language with the largest share.
    async fn language(&self, what: &str, id: i64) -> Result<Option<String>, ForgeError> {
        let url = self.exchange.url(&["projects", &id.to_string(), "languages"]);
        let what = format!("the languages of {what}");
        let ask = Ask { what: &what, resource: "core", url, body: None };
        Ok(match self.exchange.ask::<std::collections::BTreeMap<String, f64>>(&ask).await {
            Ok(Answer::Here { value, .. }) => {
                value.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(language, _)| language)
            }
            // Private code with public issues: its languages are nobody's business.
            Ok(Answer::Gone(_)) | Err(ForgeError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        })
    }
}

#[async_trait]
impl Forge for Gitlab {
    fn host(&self) -> &str {
        &self.exchange.host
    }

    fn provider(&self) -> Provider {
        Provider::Gitlab
    }

    async fn holder(&self) -> Result<Holder, ForgeError> {
        gitlab_holder(&self.exchange).await
    }

    async fn probe(&self) -> Result<Probe, ForgeError> {
        probe(&self.exchange, "core", &["projects"], Some("per_page=1&simple=true")).await
    }

    async fn search(&self, search: &Search, cursor: Option<&Cursor>) -> Result<SearchPage, ForgeError> {
        let what = format!("the projects of {search}");
        let after = cursor.and_then(|cursor| cursor.0.parse::<i64>().ok());
        let mut url = self.exchange.url(&["projects"]);
        {
            let mut query = url.query_pairs_mut();
            match search {
                Search::Topic(topic) => query.append_pair("topic", topic),
                Search::Query(text) => query.append_pair("search", text).append_pair("search_namespaces", "true"),
            };
            query.append_pair("pagination", "keyset").append_pair("order_by", "id").append_pair("sort", "asc");
            query.append_pair("per_page", &PAGE.to_string());
            if !self.exchange.has_token {
                // Strangers are not told which projects are archived.
                query.append_pair("archived", "false");
            }
            if let Some(after) = after {
                query.append_pair("id_after", &after.to_string());
            }
        }
        let ask = Ask { what: &what, resource: "core", url, body: None };
        match self.exchange.ask::<Vec<Project>>(&ask).await? {
            Answer::Here { value, more, unchanged } => {
                let last =
                    value.iter().map(|project| project.id).max().filter(|last| after.is_none_or(|after| *last > after));
                // A full page leads on also where a proxy drops what the server says of the next one.
                let next = last.filter(|_| more || value.len() >= PAGE);
                Ok(SearchPage {
                    found: value.into_iter().map(Project::into_facts).collect(),
                    next: next.map(|last| Cursor(last.to_string())),
                    total: None,
                    incomplete: false,
                    unchanged,
                })
            }
            Answer::Gone(_) => Err(self.exchange.unreadable(&ask, "there is no such path".to_owned())),
        }
    }

    async fn facts(&self, keys: &[Key]) -> Result<Vec<Sight>, ForgeError> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let id = key.id.map_or_else(|| key.full_name.clone(), |id| id.to_string());
            all.push(self.one(&key.full_name, &id).await?);
        }
        Ok(all)
    }

    async fn list_branches(&self, key: &Key) -> Result<ListedBranches, ForgeError> {
        let id = self.number(key).await?;
        let url = self.exchange.url(&["projects", &id.to_string(), "repository", "branches"]);
        let listing = Listing { exchange: &self.exchange, full_name: &key.full_name, url, size: ("per_page", PAGE) };
        listing.by_name().await
    }

    async fn find_path(&self, key: &Key) -> Result<RepositoryPath, ForgeError> {
        let id = self.number(key).await?.to_string();
        Ok(RepositoryPath::new(&key.full_name, &["projects", &id]))
    }

    async fn files_below(&self, path: &RepositoryPath, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        Files::new(&self.exchange, Dialect::Gitlab, path).below(wanted).await
    }

    async fn changes(&self, path: &RepositoryPath, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        Files::new(&self.exchange, Dialect::Gitlab, path).changes(wanted).await
    }

    async fn find(&self, full_name: &str) -> Result<Sight, ForgeError> {
        self.one(full_name, full_name).await
    }
}
