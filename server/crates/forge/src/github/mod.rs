//! GitHub: REST for searches, GraphQL for many repositories at once, both through octocrab. Without a token, which GraphQL
//! needs, repositories are asked about one by one.

mod graphql;
mod search;
mod wire;

use async_trait::async_trait;
use entity::kind::Provider;
use git::FilesBelow;

use crate::Forge;
use crate::branches::{ListedBranches, Listing};
use crate::error::ForgeError;
use crate::exchange::{Answer, Ask, Exchange, Manner, Settings};
use crate::facts::{Cursor, Facts, Key, Search, SearchPage, Sight};
use crate::files::{Changes, Dialect, Files, RepositoryPath, WantedChanges, WantedFiles};
use crate::holder::{Holder, holder};
use crate::probe::{Probe, probe};
use wire::Repository;

/// Branches that are given at once.
const BRANCHES: usize = 100;

/// github.com, or an Enterprise server (`https://host/api/v3`).
pub struct Github {
    exchange: Exchange,
}

impl Github {
    /// A client; nothing is asked yet. To be called within a tokio runtime.
    ///
    /// # Errors
    /// If the address or the token cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ForgeError> {
        let manner = Manner {
            accept: "application/vnd.github+json",
            scheme: "Bearer",
            headers: &[("x-github-api-version", "2022-11-28")],
            unchanged_is_free: true,
            is_github: true,
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

    /// What is known of one that has to be there. Redirects need not keep all that is asked for, so the name of now comes first.
    async fn here(&self, key: &Key) -> Result<Box<Facts>, ForgeError> {
        match self.known(key).await? {
            Sight::Here(facts) => Ok(facts),
            Sight::Gone(reason) => Err(self.exchange.gone(&key.full_name, reason)),
        }
    }

    /// By name, as the documented path is; a name that somebody else has taken since leads to another id.
    async fn known(&self, key: &Key) -> Result<Sight, ForgeError> {
        let sight = self.find(&key.full_name).await?;
        let Some(id) = key.id else { return Ok(sight) };
        match &sight {
            Sight::Here(facts) if facts.id == id => Ok(sight),
            // Renames are redirected to this path, so it is as stable as they are.
            _ => self.one(&key.full_name, &["repositories", &id.to_string()]).await,
        }
    }
}

#[async_trait]
impl Forge for Github {
    fn host(&self) -> &str {
        &self.exchange.host
    }

    fn provider(&self) -> Provider {
        Provider::Github
    }

    async fn holder(&self) -> Result<Holder, ForgeError> {
        holder(&self.exchange).await
    }

    async fn probe(&self) -> Result<Probe, ForgeError> {
        // Looking at the limits costs nothing.
        probe(&self.exchange, "core", &["rate_limit"], None).await
    }

    async fn search(&self, search: &Search, cursor: Option<&Cursor>) -> Result<SearchPage, ForgeError> {
        search::step(&self.exchange, search, cursor).await
    }

    fn batch(&self) -> usize {
        if self.exchange.has_token { graphql::BATCH } else { 1 }
    }

    async fn facts(&self, keys: &[Key]) -> Result<Vec<Sight>, ForgeError> {
        if self.exchange.has_token && keys.len() > 1 {
            return graphql::facts(&self.exchange, keys).await;
        }
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            all.push(self.known(key).await?);
        }
        Ok(all)
    }

    async fn list_branches(&self, key: &Key) -> Result<ListedBranches, ForgeError> {
        let facts = self.here(key).await?;
        let url = self.exchange.url(&["repos", &facts.owner, &facts.name, "branches"]);
        let listing =
            Listing { exchange: &self.exchange, full_name: &facts.full_name, url, size: ("per_page", BRANCHES) };
        Ok(ListedBranches { default_branch: facts.default_branch.clone(), ..listing.by_number().await? })
    }

    async fn find_path(&self, key: &Key) -> Result<RepositoryPath, ForgeError> {
        let facts = self.here(key).await?;
        Ok(RepositoryPath::new(&facts.full_name, &["repos", &facts.owner, &facts.name]))
    }

    async fn files_below(&self, path: &RepositoryPath, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        Files::new(&self.exchange, Dialect::Github, path).below(wanted).await
    }

    async fn changes(&self, path: &RepositoryPath, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        Files::new(&self.exchange, Dialect::Github, path).changes(wanted).await
    }

    async fn find(&self, full_name: &str) -> Result<Sight, ForgeError> {
        let (owner, name) = full_name.split_once('/').unwrap_or((full_name, ""));
        self.one(full_name, &["repos", owner, name]).await
    }
}
