//! One forge: its repositories, limits, faults and record, and what tests do to it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::bare::{self, Content};
use crate::faults::{Faults, Rule};
use crate::github::oauth::Grants;
use crate::limits::Budgets;
use crate::record::{Counters, Record, Request};
use crate::world::{Access, Repository, World};
use crate::{Error, Links, Options};

/// Which forge is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// GitHub: REST below `/` (as api.github.com) and `/api/v3` (as Enterprise), GraphQL, git.
    GitHub,
    /// GitLab: REST below `/api/v4`, git.
    GitLab,
    /// Forgejo and Gitea: REST below `/api/v1`, git.
    Forgejo,
    /// Git over smart HTTP and nothing else.
    Git,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GitHub, Self::GitLab, Self::Forgejo, Self::Git];

    /// The name people know.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Forgejo => "Forgejo",
            Self::Git => "plain git",
        }
    }
}

/// One forge and the handle on it. Changes show in the very next answer.
#[derive(Debug)]
pub struct Forge {
    kind: Kind,
    url: String,
    pub(crate) options: Options,
    world: RwLock<World>,
    pub(crate) budgets: Mutex<Budgets>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) record: Mutex<Record>,
    pub(crate) running: AtomicU64,
    pub(crate) grants: Mutex<Grants>,
    /// Branches that are protected, by the repository's number and their name.
    protected: Mutex<HashSet<(u64, String)>>,
    /// Where repositories of this forge's own are kept, once one is changed.
    own: TempDir,
}

/// A lock that a panicking test left behind still guards sound data: every change is made whole or not at all.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Forge {
    pub(crate) fn new(kind: Kind, url: String, options: Options, repositories: Vec<Repository>) -> Result<Self, Error> {
        Ok(Self {
            kind,
            url,
            options,
            world: RwLock::new(World::new(repositories)),
            budgets: Mutex::default(),
            faults: Mutex::default(),
            record: Mutex::default(),
            running: AtomicU64::new(0),
            grants: Mutex::default(),
            protected: Mutex::default(),
            own: tempfile::Builder::new().prefix("kubestats-standin-").tempdir()?,
        })
    }

    pub(crate) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which forge this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its address without a slash at the end: what a client is given as base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What stands in front of the paths in `Link` headers, if there are any.
    pub(crate) fn link_root(&self) -> Option<&str> {
        match &self.options.links {
            Links::Own => Some(&self.url),
            Links::Elsewhere(root) => Some(root),
            Links::Dropped => None,
        }
    }

    /// Where git clones a repository from.
    #[must_use]
    pub fn clone_url(&self, full_name: &str) -> String {
        format!("{}/{full_name}.git", self.url)
    }

    /// A fault from now on; see [`Rule`] for which requests and how often.
    pub fn fail(&self, rule: Rule) {
        lock(&self.faults).add(rule);
    }

    /// Takes back every fault.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// The faults still in force.
    #[must_use]
    pub fn faults(&self) -> Vec<Rule> {
        lock(&self.faults).rules().to_vec()
    }

    /// Uses up a token's quota of a resource (`core`, `search`, `graphql`; elsewhere `requests`) until `reset` from now.
    pub fn exhaust(&self, token: Option<usize>, resource: &'static str, reset: Duration) {
        lock(&self.budgets).exhaust(&self.options.limits, token, resource, reset);
    }

    /// The sums since the start or the last [`Forge::reset`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        lock(&self.record).counters.clone()
    }

    /// The latest requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.record).requests().cloned().collect()
    }

    /// Forgets requests, counters and what of the quotas was used; faults and repositories stay.
    pub fn reset(&self) {
        lock(&self.record).clear();
        lock(&self.budgets).clear();
    }

    /// Lets ten minutes pass for the codes that people brought back from signing in.
    pub fn expire_codes(&self) {
        lock(&self.grants).expire_codes();
    }

    /// Every repository as it is now.
    #[must_use]
    pub fn repositories(&self) -> Vec<Repository> {
        self.world().all().to_vec()
    }

    /// One repository by its name of now or before.
    #[must_use]
    pub fn repository(&self, full_name: &str) -> Option<Repository> {
        self.world().by_name(full_name).cloned()
    }

    /// Takes a repository in.
    pub fn add(&self, repository: Repository) {
        self.world_mut().add(repository);
    }

    /// Changes a repository's metadata; a new owner or name leaves a redirect behind. False if there is none of that id.
    pub fn change(&self, id: u64, change: impl FnOnce(&mut Repository)) -> bool {
        self.world_mut().change(id, change)
    }

    /// Gives a repository another name; the old one redirects.
    pub fn rename(&self, id: u64, name: &str) -> bool {
        self.change(id, |repository| name.clone_into(&mut repository.name))
    }

    /// Gives a repository to another owner; the old name redirects.
    pub fn transfer(&self, id: u64, owner: &str) -> bool {
        self.change(id, |repository| owner.clone_into(&mut repository.owner))
    }

    /// Deletes a repository: 404 from now on, by every name it had.
    pub fn delete(&self, id: u64) -> bool {
        self.world_mut().remove(id).is_some()
    }

    /// Makes a repository private, blocked or public again.
    pub fn set_access(&self, id: u64, access: Access) -> bool {
        self.change(id, |repository| repository.state = access)
    }

    /// Commits files (`None` deletes one) to a repository's default branch; gives the commit.
    ///
    /// # Errors
    /// If there is no such repository or git fails.
    pub fn commit(&self, id: u64, files: &[(&str, Option<&str>)], message: &str) -> Result<String, Error> {
        let (path, branch) = self.own_copy(id)?;
        let commit = bare::commit(&path, &branch, files, message, Utc::now())?;
        self.pushed(id);
        Ok(commit)
    }

    /// Replaces the latest commit by another of the same content, as a forced push does; gives the new commit.
    ///
    /// # Errors
    /// If there is no such repository, it is empty, or git fails.
    pub fn rewrite(&self, id: u64) -> Result<String, Error> {
        let (path, branch) = self.own_copy(id)?;
        let commit = bare::rewrite(&path, &branch)?;
        self.pushed(id);
        Ok(commit)
    }

    /// Makes branches where the default branch stands; gives its commit.
    ///
    /// # Errors
    /// If there is no such repository, it is empty, or git fails.
    pub fn make_branches(&self, id: u64, names: &[&str]) -> Result<String, Error> {
        let (path, branch) = self.own_copy(id)?;
        let commit = bare::make_branches(&path, names, &branch)?;
        self.pushed(id);
        Ok(commit)
    }

    /// Commits files to a branch that is there; gives the commit.
    ///
    /// # Errors
    /// If there is no such repository or git fails.
    pub fn commit_on(
        &self,
        id: u64,
        branch: &str,
        files: &[(&str, Option<&str>)],
        message: &str,
    ) -> Result<String, Error> {
        let (path, _) = self.own_copy(id)?;
        let commit = bare::commit(&path, branch, files, message, Utc::now())?;
        self.pushed(id);
        Ok(commit)
    }

    /// Commits whatever a tree may hold, links and other repositories too, to a branch that is there; gives the commit.
    ///
    /// # Errors
    /// If there is no such repository or git fails.
    pub fn put_on(&self, id: u64, branch: &str, contents: &[(&str, Content<'_>)]) -> Result<String, Error> {
        let (path, _) = self.own_copy(id)?;
        let commit = bare::put(&path, branch, contents, "Put", Utc::now())?;
        self.pushed(id);
        Ok(commit)
    }

    /// Replaces a branch's latest commit as [`Forge::rewrite`] does the default branch's.
    ///
    /// # Errors
    /// If there is no such repository or branch, or git fails.
    pub fn rewrite_on(&self, id: u64, branch: &str) -> Result<String, Error> {
        let (path, _) = self.own_copy(id)?;
        let commit = bare::rewrite(&path, branch)?;
        self.pushed(id);
        Ok(commit)
    }

    /// Deletes a branch.
    ///
    /// # Errors
    /// If there is no such repository or git fails.
    pub fn delete_branch(&self, id: u64, branch: &str) -> Result<(), Error> {
        let (path, _) = self.own_copy(id)?;
        bare::delete_branch(&path, branch)?;
        self.pushed(id);
        Ok(())
    }

    /// Says that a branch may not be pushed to by everybody; the API tells.
    pub fn protect(&self, id: u64, branch: &str) {
        lock(&self.protected).insert((id, branch.to_owned()));
    }

    pub(crate) fn is_protected(&self, id: u64, branch: &str) -> bool {
        lock(&self.protected).contains(&(id, branch.to_owned()))
    }

    /// Deletes every branch and tag: a repository without a commit.
    ///
    /// # Errors
    /// If there is no such repository or git fails.
    pub fn empty(&self, id: u64) -> Result<(), Error> {
        let (path, _) = self.own_copy(id)?;
        bare::empty(&path)?;
        self.pushed(id);
        Ok(())
    }

    fn pushed(&self, id: u64) {
        self.change(id, |repository| {
            repository.pushed_at = Utc::now();
            repository.updated_at = repository.pushed_at;
        });
    }

    /// Repositories may share one on disk: whoever is changed gets its own first.
    fn own_copy(&self, id: u64) -> Result<(PathBuf, String), Error> {
        let (git, branch) = {
            let world = self.world();
            let repository = world.by_id(id).ok_or(Error::NoRepository { id })?;
            (repository.git.clone(), repository.default_branch.clone())
        };
        if git.starts_with(self.own.path()) {
            return Ok((git, branch));
        }
        let copy = self.own.path().join(format!("{id}.git"));
        bare::copy(Path::new(&git), &copy)?;
        self.change(id, |repository| repository.git.clone_from(&copy));
        Ok((copy, branch))
    }
}
