//! Plain Git: no search, no numbers; that a repository is there, and its default branch, as its refs tell.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use entity::address::Address;
use entity::kind::Provider;
use git::{Auth, FilesBelow, GitError, ListedRefs, RemoteUrl, Secret, UrlPolicy};

use crate::Forge;
use crate::branches::{ListedBranch, ListedBranches};
use crate::error::ForgeError;
use crate::exchange::Token;
use crate::facts::{Cursor, Facts, GoneReason, Key, Search, SearchPage, Sight};
use crate::files::{Changes, RepositoryPath, WantedChanges, WantedFiles};
use crate::holder::Holder;
use crate::probe::Probe;

/// Git servers of no known kind. Repositories are named by their addresses.
pub struct PlainGit {
    token: Option<Token>,
    limits: git::Limits,
}

impl PlainGit {
    /// Asks for refs within these limits; their guard decides which addresses may be asked.
    #[must_use]
    pub fn new(token: Option<Token>, limits: git::Limits) -> Self {
        Self { token, limits }
    }

    async fn refs(&self, url: &RemoteUrl) -> Result<ListedRefs, ForgeError> {
        let auth = self.token.as_ref().map_or(Auth::None, |token| Auth::Token(Secret::new(token.reveal())));
        let (limits, asked) = (self.limits.clone(), url.clone());
        let cancel = Arc::new(AtomicBool::new(false));
        match tokio::task::spawn_blocking(move || git::list_refs(&asked, &auth, &limits, &cancel)).await {
            Ok(refs) => Ok(refs?),
            Err(error) => Err(ForgeError::Unreachable {
                host: url.host(),
                what: "its refs".to_owned(),
                reason: error.to_string(),
            }),
        }
    }
}

#[async_trait]
impl Forge for PlainGit {
    fn host(&self) -> &'static str {
        "git"
    }

    fn provider(&self) -> Provider {
        Provider::Git
    }

    async fn search(&self, search: &Search, _: Option<&Cursor>) -> Result<SearchPage, ForgeError> {
        Err(ForgeError::Unsupported { host: "a plain Git server".to_owned(), what: format!("searching for {search}") })
    }

    async fn holder(&self) -> Result<Holder, ForgeError> {
        Err(ForgeError::Unsupported { host: self.host().to_owned(), what: "tell whose a token is".to_owned() })
    }

    async fn probe(&self) -> Result<Probe, ForgeError> {
        let what = "telling how it is: it is any server, not one".to_owned();
        Err(ForgeError::Unsupported { host: "a plain Git server".to_owned(), what })
    }

    async fn facts(&self, keys: &[Key]) -> Result<Vec<Sight>, ForgeError> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            all.push(self.find(&key.full_name).await?);
        }
        Ok(all)
    }

    /// The key's name is the whole address.
    async fn list_branches(&self, key: &Key) -> Result<ListedBranches, ForgeError> {
        let refs = self.refs(&RemoteUrl::parse(&key.full_name, UrlPolicy::default())?).await?;
        let branches = refs.branches.iter().filter_map(|branch| {
            let name = branch.name.strip_prefix("refs/heads/")?.to_owned();
            Some(ListedBranch { name, commit: branch.id, is_protected: None })
        });
        let (branches, default_branch) = (branches.collect(), refs.default_branch);
        Ok(ListedBranches { branches, default_branch, is_complete: true, left_out: 0 })
    }

    async fn find_path(&self, _: &Key) -> Result<RepositoryPath, ForgeError> {
        let what = "tell of files at a commit without a clone".to_owned();
        Err(ForgeError::Unsupported { host: "a plain Git server".to_owned(), what })
    }

    async fn files_below(&self, _: &RepositoryPath, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
        let what = format!("tell of {} at a commit without a clone", wanted.folder);
        Err(ForgeError::Unsupported { host: "a plain Git server".to_owned(), what })
    }

    async fn changes(&self, _: &RepositoryPath, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
        let what = format!("tell what changed up to {} without a clone", wanted.new.short());
        Err(ForgeError::Unsupported { host: "a plain Git server".to_owned(), what })
    }

    /// `full_name` is the whole address.
    async fn find(&self, full_name: &str) -> Result<Sight, ForgeError> {
        let url = RemoteUrl::parse(full_name, UrlPolicy::default())?;
        let refs = match self.refs(&url).await {
            Err(ForgeError::Git(GitError::NotFound { .. })) => return Ok(Sight::Gone(GoneReason::NotFound)),
            refs => refs?,
        };
        let full_name = Address::read(full_name)
            .ok()
            .and_then(|address| address.at_forge(Provider::Git))
            .map_or_else(|| url.host(), |found| found.full_name);
        let (owner, name) = full_name.rsplit_once('/').unwrap_or(("", &full_name));
        let web_url = url.to_string().starts_with("http").then(|| url.to_string());
        Ok(Sight::Here(Box::new(Facts {
            id: 0,
            node_id: None,
            owner: owner.to_owned(),
            name: name.to_owned(),
            full_name: full_name.clone(),
            clone_url: url.to_string(),
            web_url: web_url.map(|url| url.trim_end_matches(".git").to_owned()),
            description: None,
            language: None,
            topics: Vec::new(),
            licence: None,
            default_branch: refs.default_branch,
            created_at: None,
            updated_at: None,
            pushed_at: None,
            stars: 0,
            forks: None,
            watchers: None,
            open_issues: None,
            size_kb: None,
            is_archived: false,
            is_fork: false,
            is_private: false,
        })))
    }
}
