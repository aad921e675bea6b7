//! Commits of branches beside the followed one, brought into the same clone: what they share is there once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::input::ObjectId;

use super::budget::{self, Budget};
use super::clone_dir::{self, CloneDir, Existing, NewClone};
use super::local::Local;
use super::session::Session;
use super::{Auth, FetchProgress, FetchedCommits, Limits, RemoteUrl, kept, pack};
use crate::{GitError, Repo};

/// Brings commits into the bare clone `dir`, each kept under `refs/kubestats/branches/<branch>`; the followed branch stays as
/// it is. Where all of them are there already, the remote is not asked. Without a clone one is made that follows no branch yet.
///
/// A commit that the remote does not give out by itself comes with its branch, if that still leads to it; otherwise it is
/// among the missing ones, which is no error: branches move on between being listed and being fetched.
///
/// # Errors
/// As [`super::fetch`]; `TooManyRefs` for more branches than the limits allow.
pub fn fetch_commits(
    dir: &Path,
    url: &RemoteUrl,
    wanted: &[(String, ObjectId)],
    auth: &Auth,
    limits: &Limits,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<FetchedCommits, GitError> {
    if wanted.len() > limits.refs {
        return Err(GitError::TooManyRefs { limit: limits.refs as u64 });
    }
    let (dir, url, auth, wanted) = (dir.to_owned(), url.clone(), auth.clone(), wanted.to_vec());
    budget::watched(limits, url.host(), cancel, progress, move |budget| {
        // Most of the time something is only added, which is in no reader's way.
        let mut clone = CloneDir::lock_to_add(&dir)?;
        let mut existing = clone.existing();
        if existing.is_none() || clone.is_worn(budget.limits.pack_bytes) {
            drop(clone);
            clone = CloneDir::lock(&dir)?;
            existing = clone.existing();
        }
        let mut absent: Vec<ObjectId> = wanted.iter().map(|(_, id)| *id).collect();
        absent.sort_unstable();
        absent.dedup();
        absent.retain(|id| !existing.as_ref().is_some_and(|existing| existing.repo.contains(*id)));
        let source = match url.local_path() {
            _ if absent.is_empty() => Source::Nothing,
            Some(path) => Source::Local(Box::new(Local::open(path)?)),
            None => Source::Remote(Box::new(|| Session::open(&url, &auth, budget))),
        };
        budget.pack_bytes.store(0, Ordering::Relaxed);
        let Some(existing) = existing else {
            let new = clone.begin()?;
            source.bring(&new.path, &wanted, &absent, None, budget)?;
            return put_new(&clone, new, None, &wanted, budget);
        };
        if let Source::Remote(open) = &source
            && clone.is_worn(budget.limits.pack_bytes)
            && let Some(new) = receive_anew(&clone, open, &existing, &wanted, budget)?
        {
            return put_new(&clone, new, existing.followed, &wanted, budget);
        }
        source.bring(clone.path(), &wanted, &absent, Some(&existing), budget)?;
        let (here, missing) = sort_out(clone.path(), &wanted)?;
        budget.begin_install()?;
        let mut kept = existing.kept;
        kept::add(&mut kept, &here);
        clone_dir::write_refs(clone.path(), existing.followed.as_ref(), &kept)?;
        Ok(FetchedCommits { here, missing })
    })
}

type Opening<'a> = dyn Fn() -> Result<Session, GitError> + 'a;

/// Where objects come from.
enum Source<'a> {
    /// All of them are here.
    Nothing,
    Local(Box<Local>),
    Remote(Box<Opening<'a>>),
}

impl Source<'_> {
    /// Brings what the remote gives of the commits.
    fn bring(
        &self,
        git_dir: &Path,
        wanted: &[(String, ObjectId)],
        absent: &[ObjectId],
        existing: Option<&Existing>,
        budget: &Arc<Budget>,
    ) -> Result<(), GitError> {
        let open = match self {
            Self::Nothing => return Ok(()),
            Self::Local(local) => return local.copy_objects(git_dir, budget),
            Self::Remote(open) => open,
        };
        let tips = existing.map(|existing| existing.tips(wanted)).unwrap_or_default();
        let mut known = existing.map(|existing| (&existing.repo, tips.as_slice()));
        match receive(&mut open()?, absent, git_dir, known, budget) {
            Ok(()) => return Ok(()),
            Err(error) if !is_refusal(&error) || budget.is_spent() => return Err(error),
            // What is here does not fit what comes.
            Err(GitError::Corrupt { .. } | GitError::MissingObject { .. }) => known = None,
            // One of them is not given out by itself.
            Err(_) => {}
        }
        budget.forget();
        let mut session = open()?;
        let listed = session.list()?;
        let mut heads: Vec<ObjectId> = wanted.iter().filter_map(|(branch, _)| listed.branch(branch)).collect();
        heads.sort_unstable();
        heads.dedup();
        heads.retain(|id| !existing.is_some_and(|existing| existing.repo.contains(*id)));
        if heads.is_empty() { Ok(()) } else { receive(&mut session, &heads, git_dir, known, budget) }
    }
}

fn receive(
    session: &mut Session,
    wants: &[ObjectId],
    git_dir: &Path,
    known: Option<(&Repo, &[ObjectId])>,
    budget: &Budget,
) -> Result<(), GitError> {
    budget.expects_pack.store(true, Ordering::Relaxed);
    let received = pack::receive(session, wants, git_dir, known, budget);
    budget.expects_pack.store(false, Ordering::Relaxed);
    received
}

/// What a remote does that does not give out what it is asked for, in the words of its kind.
fn is_refusal(error: &GitError) -> bool {
    matches!(
        error,
        GitError::Protocol { .. }
            | GitError::Unreachable { .. }
            | GitError::Corrupt { .. }
            | GitError::MissingObject { .. }
    )
}

/// A clone in the place of one that many fetches have worn out. `None` where the remote does not give out what the clone
/// follows: the worn one does as well.
fn receive_anew(
    clone: &CloneDir,
    open: &Opening<'_>,
    existing: &Existing,
    wanted: &[(String, ObjectId)],
    budget: &Budget,
) -> Result<Option<NewClone>, GitError> {
    let new = clone.begin()?;
    let followed = existing.followed.as_ref().map(|(_, head)| *head);
    let mut wants: Vec<ObjectId> = wanted.iter().map(|(_, id)| *id).chain(followed).collect();
    wants.sort_unstable();
    wants.dedup();
    match receive(&mut open()?, &wants, &new.path, None, budget) {
        Ok(()) => {}
        Err(error) if !is_refusal(&error) || budget.is_spent() => return Err(error),
        Err(_) => {
            budget.forget();
            return Ok(None);
        }
    }
    let is_whole = followed.map_or(Ok(true), |head| is_here(&Repo::open(&new.path)?, head))?;
    Ok(is_whole.then_some(new))
}

/// Puts a new clone into place, unless it holds nothing.
fn put_new(
    clone: &CloneDir,
    new: NewClone,
    followed: Option<(String, ObjectId)>,
    wanted: &[(String, ObjectId)],
    budget: &Budget,
) -> Result<FetchedCommits, GitError> {
    let (here, missing) = sort_out(&new.path, wanted)?;
    budget.begin_install()?;
    if followed.is_some() || !here.is_empty() {
        let mut kept = kept::Kept::new();
        kept::add(&mut kept, &here);
        clone_dir::write_refs(&new.path, followed.as_ref(), &kept)?;
        clone.put(new)?;
    }
    Ok(FetchedCommits { here, missing })
}

fn is_here(repo: &Repo, id: ObjectId) -> Result<bool, GitError> {
    match repo.commit_info(id) {
        Ok(_) => Ok(true),
        Err(GitError::MissingObject { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

type Branches = Vec<(String, ObjectId)>;

/// The branches whose commit is in the clone, and the others.
fn sort_out(git_dir: &Path, wanted: &[(String, ObjectId)]) -> Result<(Branches, Branches), GitError> {
    let repo = Repo::open(git_dir)?;
    let (mut here, mut missing) = (Vec::new(), Vec::new());
    for (branch, id) in wanted {
        let place = if is_here(&repo, *id)? { &mut here } else { &mut missing };
        place.push((branch.clone(), *id));
    }
    Ok((here, missing))
}
