//! Forgejo and Gitea, Codeberg among them: REST, page by page, ordered by id.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entity::kind::Provider;
use git::FilesBelow;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::Forge;
use crate::branches::{ListedBranches, Listing};
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange, Manner, Settings};
use crate::facts::{Cursor, Facts, GoneReason, Key, Search, SearchPage, Sight};
use crate::files::{Changes, Dialect, Files, RepositoryPath, WantedChanges, WantedFiles};
use crate::holder::{Holder, holder};
use crate::probe::{Probe, probe};

/// What servers give at most, unless somebody changed it.
const PAGE: usize = 50;
/// More pages than that are a loop.
const MAX_PAGES: usize = 2_000;

/// A Forgejo or Gitea server.
pub struct Forgejo {
    exchange: Exchange,
}

#[derive(Serialize, Deserialize)]
struct Found {
    data: Vec<Repository>,
    /// From the header `x-total-count`.
    #[serde(default)]
    total: Option<u64>,
}

/// What of a repository is read.
#[derive(Serialize, Deserialize)]
struct Repository {
    id: i64,
    owner: Owner,
    name: String,
    full_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    size: Option<i64>,
    #[serde(default)]
    html_url: Option<String>,
    clone_url: String,
    #[serde(default)]
    stars_count: i64,
    #[serde(default)]
    forks_count: Option<i64>,
    #[serde(default)]
    watchers_count: Option<i64>,
    #[serde(default)]
    open_issues_count: Option<i64>,
    #[serde(default)]
    open_pr_counter: Option<i64>,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default)]
    language: Option<String>,
    /// Since Gitea 1.22 and Forgejo 8; before, topics are a question of their own.
    #[serde(default)]
    topics: Option<Vec<String>>,
    #[serde(default)]
    licenses: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Owner {
    login: String,
}

impl Repository {
    fn into_facts(self) -> Facts {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Facts {
            id: self.id,
            node_id: None,
            owner: self.owner.login,
            name: self.name,
            full_name: self.full_name,
            clone_url: self.clone_url,
            web_url: filled(self.html_url),
            description: filled(self.description),
            language: filled(self.language),
            topics: self.topics.unwrap_or_default(),
            licence: self.licenses.and_then(|names| names.into_iter().next()),
            default_branch: filled(self.default_branch),
            created_at: self.created_at,
            updated_at: self.updated_at,
            // A push updates a repository; the API tells no more than that.
            pushed_at: self.updated_at,
            stars: self.stars_count,
            forks: self.forks_count,
            watchers: self.watchers_count,
            // As GitHub counts, which pages compare with.
            open_issues: self.open_issues_count.map(|issues| issues + self.open_pr_counter.unwrap_or(0)),
            size_kb: self.size,
            is_archived: self.archived,
            is_fork: self.fork,
            is_private: self.private,
        }
    }
}

/// How far a search is: pages are numbered, and counted by what they gave.
struct Place {
    page: usize,
    seen: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self { page: 1, seen: 0 }
    }
}

impl Place {
    fn read(cursor: &Cursor) -> Self {
        let (page, seen) = cursor.0.split_once(' ').unwrap_or((&cursor.0, "0"));
        match (page.parse(), seen.parse()) {
            (Ok(page), Ok(seen)) => Self { page, seen },
            // Of another version: the search begins anew.
            _ => Self::default(),
        }
    }

    fn write(&self) -> Cursor {
        Cursor(format!("{} {}", self.page, self.seen))
    }
}

impl Forgejo {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// If the address or the token cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ForgeError> {
        let manner = Manner {
            accept: "application/json",
            scheme: "token",
            headers: &[],
            unchanged_is_free: false,
            is_github: false,
        };
        Ok(Self { exchange: Exchange::new(settings, manner)? })
    }

    async fn one(&self, what: &str, parts: &[&str]) -> Result<Sight, ForgeError> {
        let ask = Ask { what, resource: "core", url: self.exchange.url(parts), body: None };
        Ok(match self.exchange.ask::<Repository>(&ask).await? {
            Answer::Here { value, .. } => Sight::Here(Box::new(value.into_facts())),
            Answer::Gone(reason) => Sight::Gone(reason),
        })
    }

    /// What is known of one that has to be there.
    async fn here(&self, key: &Key) -> Result<Box<Facts>, ForgeError> {
        match self.facts(std::slice::from_ref(key)).await?.pop() {
            Some(Sight::Here(facts)) => Ok(facts),
            Some(Sight::Gone(reason)) => Err(self.exchange.gone(&key.full_name, reason)),
            None => Err(self.exchange.gone(&key.full_name, GoneReason::NotFound)),
        }
    }
}

#[async_trait]
impl Forge for Forgejo {
    fn host(&self) -> &str {
        &self.exchange.host
    }

    fn provider(&self) -> Provider {
        Provider::Forgejo
    }

    async fn holder(&self) -> Result<Holder, ForgeError> {
        holder(&self.exchange).await
    }

    async fn probe(&self) -> Result<Probe, ForgeError> {
        probe(&self.exchange, "core", &["repos", "search"], Some("limit=1")).await
    }

    async fn search(&self, search: &Search, cursor: Option<&Cursor>) -> Result<SearchPage, ForgeError> {
        let Place { page, seen } = cursor.map(Place::read).unwrap_or_default();
        let what = format!("page {page} of the repositories of {search}");
        let mut url = self.exchange.url(&["repos", "search"]);
        {
            let mut query = url.query_pairs_mut();
            match search {
                Search::Topic(topic) => query.append_pair("q", topic).append_pair("topic", "true"),
                Search::Query(text) => query.append_pair("q", text).append_pair("includeDesc", "true"),
            };
            query.append_pair("sort", "id").append_pair("order", "asc");
            query.append_pair("limit", &PAGE.to_string()).append_pair("page", &page.to_string());
        }
        let ask = Ask { what: &what, resource: "core", url, body: None };
        let note = |found: &mut Found, headers: &HeaderMap| {
            found.total = headers.get("x-total-count").and_then(|total| total.to_str().ok()?.parse().ok());
        };
        match self.exchange.ask_noting::<Found>(&ask, note).await? {
            Answer::Here { value, more, unchanged } => {
                let (read, total) = (value.data.len(), value.total);
                let seen = seen + read as u64;
                // Servers may give fewer at once than they are asked for, so a short page need not be the last one.
                let more = read > 0 && total.map_or(more || read >= PAGE, |total| seen < total);
                let next = (more && page < MAX_PAGES).then(|| Place { page: page + 1, seen }.write());
                let found = value.data.into_iter().map(Repository::into_facts).collect();
                Ok(SearchPage { found, next, total, incomplete: more && page >= MAX_PAGES, unchanged })
            }
            Answer::Gone(_) => Err(self.exchange.unreadable(&ask, "there is no such path".to_owned())),
        }
    }

    async fn facts(&self, keys: &[Key]) -> Result<Vec<Sight>, ForgeError> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            all.push(match key.id {
                Some(id) => self.one(&key.full_name, &["repositories", &id.to_string()]).await?,
                None => self.find(&key.full_name).await?,
            });
        }
        Ok(all)
    }

    async fn list_branches(&self, key: &Key) -> Result<ListedBranches, ForgeError> {
        let facts = self.here(key).await?;
        let url = self.exchange.url(&["repos", &facts.owner, &facts.name, "branches"]);
        let listing = Listing { exchange: &self.exchange, full_name: &facts.full_name, url, size: ("limit", PAGE) };
        Ok(ListedBranches { default_branch: facts.default_branch.clone(), ..listing.by_number().await? })
    }

    async fn find_path(&self, key: &Key) -> Result<RepositoryPath, ForgeError> {
        let facts = self.here(key).await?;
        Ok(RepositoryPath::new(&facts.full_name, &["repos", &facts.owner, &facts.name]))
    }

    async fn files_below(&self, path: &RepositoryPath, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        Files::new(&self.exchange, Dialect::Forgejo, path).below(wanted).await
    }

    async fn changes(&self, path: &RepositoryPath, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        Files::new(&self.exchange, Dialect::Forgejo, path).changes(wanted).await
    }

    async fn find(&self, full_name: &str) -> Result<Sight, ForgeError> {
        let (owner, name) = full_name.split_once('/').unwrap_or((full_name, ""));
        self.one(full_name, &["repos", owner, name]).await
    }
}
