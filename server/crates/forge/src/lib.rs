//! Forges: where repositories are searched for, and what is known of them there.
//!
//! One trait, [`Forge`], and four clients: GitHub (github.com and Enterprise), GitLab, Forgejo (Gitea too), and plain Git,
//! which knows nothing but refs. They share one way of asking ([`Settings`]): guarded addresses, bounded bodies, conditional
//! requests, and limits that are known before they are hit. Nothing here knows a database: what is to outlive a request goes
//! through [`Store`].

mod branches;
mod error;
mod exchange;
mod facts;
mod files;
mod forgejo;
mod github;
mod gitlab;
mod holder;
pub mod hooks;
mod limit;
mod plain;
mod probe;
mod store;
mod wire;

use async_trait::async_trait;
use entity::kind::Provider;
use git::FilesBelow;

pub use branches::{ListedBranch, ListedBranches};
pub use error::ForgeError;
pub use exchange::{Limits, Settings, Token};
pub use facts::{Cursor, Facts, GoneReason, Key, Search, SearchPage, Sight};
pub use files::{Changes, RepositoryPath, WantedChanges, WantedFiles};
pub use forgejo::Forgejo;
pub use github::Github;
pub use gitlab::Gitlab;
pub use holder::Holder;
pub use plain::PlainGit;
pub use probe::Probe;
pub use store::{Account, Kept, MemoryStore, Store, StoreError, Window};

/// A place that has repositories.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The host that people see, with its port where that is unusual.
    fn host(&self) -> &str;

    /// What kind of forge it is.
    fn provider(&self) -> Provider;

    /// One request's worth of a search; `next` of its answer leads on. The order is the same each time.
    async fn search(&self, search: &Search, cursor: Option<&Cursor>) -> Result<SearchPage, ForgeError>;

    /// How many repositories one call of [`Forge::facts`] may ask about.
    fn batch(&self) -> usize {
        1
    }

    /// What is known of repositories, in the order of the keys; at most [`Forge::batch`] of them.
    async fn facts(&self, keys: &[Key]) -> Result<Vec<Sight>, ForgeError>;

    /// What is known of the repository of this name.
    async fn find(&self, full_name: &str) -> Result<Sight, ForgeError>;

    /// All branches of a repository with what Git does not tell of them; at most 10,000. A repository that was renamed is
    /// found by its number.
    async fn list_branches(&self, key: &Key) -> Result<ListedBranches, ForgeError>;

    /// Where a repository is now, for [`Forge::files_below`] and [`Forge::changes`] of as many commits as are read together. One that was renamed is found
    /// by its number.
    async fn find_path(&self, key: &Key) -> Result<RepositoryPath, ForgeError>;

    /// The files below a folder of a commit, as a clone's reader gives them; at once or not at all, within five minutes. Nothing at
    /// the folder is no error; `NoCommit` tells that the repository has no such commit.
    async fn files_below(&self, path: &RepositoryPath, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError>;

    /// What a branch's way from one commit to another changed, as a clone's reader tells it, within five minutes. What the forge
    /// does not tell, or not for sure, is not there.
    async fn changes(&self, path: &RepositoryPath, wanted: &WantedChanges) -> Result<Changes, ForgeError>;

    /// A sign of life, with limits and time, for one request at most; nothing of it is kept.
    async fn probe(&self) -> Result<Probe, ForgeError>;

    /// Whose the token is that we ask with, and what it is for.
    async fn holder(&self) -> Result<Holder, ForgeError>;

    /// Whether many repositories are asked about at once, which is cheap.
    fn is_batched(&self) -> bool {
        self.batch() > 1
    }
}
