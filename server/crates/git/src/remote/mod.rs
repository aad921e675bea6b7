//! A remote: what it has, and a bare clone kept in step with it.

mod budget;
mod clone_dir;
mod commits;
mod http;
mod kept;
mod local;
mod pack;
mod refs;
mod revision;
mod session;
mod types;
mod url;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::input::ObjectId;
use gix::protocol::transport::Protocol;

use budget::Budget;
use clone_dir::CloneDir;
pub use clone_dir::{CloneInUse, is_branch_name, remove_clone, use_clone};
pub use commits::fetch_commits;
pub use kept::{forget_branches, kept_branches};
use local::Local;
pub use revision::fetch_revision;
use session::Session;
pub use types::{Auth, FetchProgress, Fetched, FetchedCommits, Limits, ListedRefs, RemoteRef, Secret};
use url::Place;
pub use url::{RemoteUrl, UrlPolicy};

use crate::{GitError, Repo};

/// What branches the remote has and which is its default. Nothing is fetched.
/// An empty repository is no error here: it has no branches.
///
/// # Errors
/// All that can be wrong with a remote; within the time that the limits allow.
pub fn list_refs(url: &RemoteUrl, auth: &Auth, limits: &Limits, cancel: &AtomicBool) -> Result<ListedRefs, GitError> {
    let (url, auth) = (url.clone(), auth.clone());
    budget::watched(limits, url.host(), cancel, &mut |_| {}, move |budget| match url.local_path() {
        Some(path) => Local::open(path)?.list(budget.limits.refs),
        None => list_remote(&url, &auth, budget),
    })
}

/// Where the remote's HEAD stands, with one small request where the server can do that: its default branch is the only
/// one listed then. All branches where HEAD leads to none.
///
/// # Errors
/// As [`list_refs`].
pub fn list_head(url: &RemoteUrl, auth: &Auth, limits: &Limits, cancel: &AtomicBool) -> Result<ListedRefs, GitError> {
    let (url, auth) = (url.clone(), auth.clone());
    budget::watched(limits, url.host(), cancel, &mut |_| {}, move |budget| {
        if let Some(path) = url.local_path() {
            return Local::open(path)?.list(budget.limits.refs);
        }
        let Place::Http(address) = url.place() else { return greet(&url, &auth, budget) };
        let Some(refs) = refs::ask(address, &auth, budget, &["HEAD"])? else { return greet(&url, &auth, budget) };
        let mut listed = session::listed(&refs);
        if let (Some(id), Some(branch)) = (listed.head, &listed.default_branch) {
            listed.branches = vec![RemoteRef { name: format!("refs/heads/{branch}"), id }];
            return Ok(listed);
        }
        list_remote(&url, &auth, budget)
    })
}

fn list_remote(url: &RemoteUrl, auth: &Auth, budget: &Arc<Budget>) -> Result<ListedRefs, GitError> {
    const PREFIXES: [&str; 2] = ["HEAD", "refs/heads/"];
    if let Place::Http(address) = url.place()
        && let Some(refs) = refs::ask(address, auth, budget, &PREFIXES)?
    {
        if refs.len() > budget.limits.refs {
            return Err(GitError::TooManyRefs { limit: budget.limits.refs as u64 });
        }
        return Ok(session::listed(&refs));
    }
    greet(url, auth, budget)
}

/// The way that every server understands.
fn greet(url: &RemoteUrl, auth: &Auth, budget: &Arc<Budget>) -> Result<ListedRefs, GitError> {
    let mut session = Session::open(url, auth, budget)?;
    if session.handshake.server_protocol_version != Protocol::V2 {
        refs::greet_first(&budget.host);
    }
    session.list()
}

/// Brings the bare clone `dir` in step with one branch of the remote: makes it if it is not there, fetches what is new
/// otherwise. `branch` is a name without `refs/heads/`; `None` means the remote's default branch. Afterwards the branch is the
/// clone's only one and its HEAD; commits of others that [`fetch_commits`] brought stay beside it.
///
/// A call that fails or is killed leaves the clone as it was. A clone that is damaged, or that many fetches have worn out, is
/// made anew.
///
/// # Errors
/// All that can be wrong with a remote; within the time that the limits allow, and a moment more.
pub fn fetch(
    dir: &Path,
    url: &RemoteUrl,
    branch: Option<&str>,
    auth: &Auth,
    limits: &Limits,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<Fetched, GitError> {
    let (dir, url, auth) = (dir.to_owned(), url.clone(), auth.clone());
    let branch = branch.map(str::to_owned);
    let host = url.host();
    budget::watched(limits, host, cancel, progress, move |budget| {
        let clone = CloneDir::lock(&dir)?;
        let mut source = match url.local_path() {
            Some(path) => Source::Local(Box::new(Local::open(path)?)),
            None => Source::Remote(Box::new(Session::open(&url, &auth, budget)?)),
        };
        let wanted = Wanted::choose(&source.list(branch.as_deref(), budget)?, branch)?;
        match bring(&clone, &mut source, &wanted, true, budget) {
            // What is here does not fit what comes: begin anew, once.
            Err(GitError::Corrupt { .. } | GitError::MissingObject { .. }) if clone.path().exists() => {
                let mut source = match url.local_path() {
                    Some(path) => Source::Local(Box::new(Local::open(path)?)),
                    None => Source::Remote(Box::new(Session::open(&url, &auth, budget)?)),
                };
                bring(&clone, &mut source, &wanted, false, budget)
            }
            result => result,
        }
    })
}

/// Where objects come from.
enum Source {
    Remote(Box<Session>),
    Local(Box<Local>),
}

impl Source {
    /// As few refs as answer the question.
    fn list(&mut self, branch: Option<&str>, budget: &Budget) -> Result<ListedRefs, GitError> {
        match self {
            Self::Local(local) => local.list(budget.limits.refs),
            Self::Remote(session) => {
                let full = branch.map(|branch| format!("refs/heads/{branch}"));
                let mut prefixes = vec!["HEAD"];
                prefixes.extend(full.as_deref());
                let listed = session::listed(&session.refs(&prefixes)?);
                let found = match branch {
                    Some(branch) => listed.branch(branch).is_some(),
                    None => listed.head.is_some(),
                };
                // Without it only the whole list tells an empty repository from a branch that is gone.
                if found && (branch.is_some() || listed.default_branch.is_some()) { Ok(listed) } else { session.list() }
            }
        }
    }
}

/// What is to be fetched.
struct Wanted {
    branch: String,
    /// What the remote is asked for: the commit, or the tag that stands before it.
    asked: ObjectId,
    head: ObjectId,
    default_branch: Option<String>,
}

impl Wanted {
    fn choose(listed: &ListedRefs, branch: Option<String>) -> Result<Self, GitError> {
        if listed.branches.is_empty() && listed.head.is_none() {
            return Err(GitError::EmptyRepository);
        }
        let default_branch = listed.default_branch.clone();
        let (branch, head) = match (branch, listed.head) {
            (Some(branch), _) => {
                let head = listed.branch(&branch);
                (branch, head)
            }
            (None, Some(head)) => (default_branch.clone().unwrap_or_else(|| "HEAD".to_owned()), Some(head)),
            (None, None) => {
                let branch = listed.stand_in()?;
                let head = listed.branch(&branch);
                (branch, head)
            }
        };
        let Some(head) = head else {
            // A default branch that does not exist is no advice.
            let default = default_branch.filter(|name| *name != branch && listed.branch(name).is_some());
            return Err(GitError::BranchGone { branch, default });
        };
        if !is_branch_name(&branch) {
            return Err(GitError::Unsupported { feature: format!("the branch name {branch:?}") });
        }
        Ok(Self { branch, asked: head, head, default_branch })
    }
}

fn bring(
    clone: &CloneDir,
    source: &mut Source,
    wanted: &Wanted,
    keep: bool,
    budget: &Arc<Budget>,
) -> Result<Fetched, GitError> {
    budget.pack_bytes.store(0, Ordering::Relaxed);
    budget.expects_pack.store(true, Ordering::Relaxed);
    let existing = if keep { clone.existing() } else { None };
    let followed = existing.as_ref().and_then(|existing| existing.followed.clone());
    let previous = followed.filter(|(branch, _)| *branch == wanted.branch).map(|(_, head)| head);
    let there = existing.as_ref().is_some_and(|existing| existing.repo.contains(wanted.head));
    let is_local = matches!(source, Source::Local(_));
    let existing = existing.filter(|_| there || is_local || !clone.is_worn(budget.limits.pack_bytes));
    let new = match existing {
        Some(_) => None,
        None => Some(clone.begin()?),
    };
    let git_dir = new.as_ref().map_or(clone.path(), |new| &new.path).to_owned();
    if !there {
        match source {
            Source::Remote(session) => {
                let tips = existing.as_ref().map(|existing| existing.tips(&[])).unwrap_or_default();
                let known = existing.as_ref().map(|existing| (&existing.repo, tips.as_slice()));
                pack::receive(session, &[wanted.asked], &git_dir, known, budget)?;
            }
            Source::Local(local) => local.copy_objects(&git_dir, budget)?,
        }
        let arrived = Repo::open(&git_dir)?.commit_info(wanted.head);
        if let Err(error) = arrived {
            return Err(match error {
                GitError::MissingObject { id } => {
                    GitError::corrupt(format!("{} did not send commit {id}", budget.host))
                }
                other => other,
            });
        }
    }
    budget.begin_install()?;
    let kept = if new.is_some() { kept::Kept::new() } else { existing.map(|found| found.kept).unwrap_or_default() };
    clone_dir::write_refs(&git_dir, Some(&(wanted.branch.clone(), wanted.head)), &kept)?;
    let cloned = new.is_some();
    if let Some(new) = new {
        clone.put(new)?;
    }
    Ok(Fetched {
        branch: wanted.branch.clone(),
        head: wanted.head,
        default_branch: wanted.default_branch.clone(),
        previous,
        cloned,
        received_bytes: if there { 0 } else { budget.pack_bytes.load(Ordering::Relaxed) },
        received_objects: budget.pack_objects.load(Ordering::Relaxed),
        clone_bytes: clone.size(),
    })
}
