//! Which branch of its remote a repository follows, and which are scanned beside that: the main one is none of those.

use std::collections::HashSet;

use entity::kind::JobRequest;
use entity::view::Timestamp;
use git::{GitError, ListedRefs};
use store::db::{ConnectionTrait, DataError};
use store::repositories::{self, SyncTarget};
use tracing::warn;

use super::{Deps, JobError};
use crate::watching;

/// The branch to follow: of a row that is one branch that one, and no other. Else the remote's default if the configuration matches
/// it, else the first that it matches. Where it matches none or says nothing: the default, else the one followed so far, else the one
/// that stands in where HEAD leads to none.
pub(super) fn choose_branch(refs: &ListedRefs, target: &SyncTarget) -> Result<String, GitError> {
    let default = refs.default_branch.as_deref().filter(|name| refs.branch(name).is_some());
    if let Some(wanted) = &target.scanned_branch {
        return match refs.branch(wanted) {
            Some(_) => Ok(wanted.clone()),
            None => Err(GitError::BranchGone { branch: wanted.clone(), default: default.map(str::to_owned) }),
        };
    }
    if let Some(pattern) = &target.branch_regex {
        let matches = watching::watched_names(Some(pattern));
        let chosen = default.filter(|name| matches(name)).or_else(|| refs.branch_names().find(|name| matches(name)));
        if let Some(chosen) = chosen {
            return Ok(chosen.to_owned());
        }
    }
    let followed = target.branch.as_deref().filter(|name| refs.branch(name).is_some());
    match default.or(followed) {
        Some(name) => Ok(name.to_owned()),
        // HEAD stands at a commit that no branch holds.
        None if refs.branches.is_empty() => Err(GitError::BranchGone { branch: "HEAD".to_owned(), default: None }),
        None => refs.stand_in(),
    }
}

/// What is told where the configuration names a repository's main branch beside itself.
pub(crate) fn needless_branch(repository: &str, branch: &str) -> String {
    format!(
        "scan_branches of {repository} names {branch}, its main branch, which is scanned anyway: the line can be removed"
    )
}

/// Whether a row that is one branch beside a repository is the one that the repository itself follows.
pub(super) async fn is_main(
    deps: &Deps,
    target: &SyncTarget,
    refs: &ListedRefs,
    branch: &str,
) -> Result<bool, DataError> {
    let Some(main) = repositories::main_of(&deps.db.read, target.id).await? else { return Ok(false) };
    Ok(match main.head {
        Some(_) => main.branch.as_deref() == Some(branch),
        // Before its first sync, whatever a forge called its default: what that will come to.
        None => choose_branch(refs, &main).is_ok_and(|chosen| chosen == branch),
    })
}

/// Switches such a row off; nothing was fetched for it.
pub(super) async fn leave_to_main(deps: &Deps, target: &SyncTarget) -> Result<String, JobError> {
    let branch = target.scanned_branch.as_deref().unwrap_or_default();
    if repositories::disable_branch(&deps.db.write, target.id).await? {
        let repository = target.full_name.strip_suffix(&format!("@{branch}")).unwrap_or(&target.full_name);
        warn!("{}", needless_branch(repository, branch));
    }
    Ok(format!("skipped: {branch} is the repository's main branch, and scanned as that"))
}

/// Lets the branches beside a repository follow its main one, where a sync told that for the first time, or found another: the
/// one that it is now is scanned beside it no more, the one that it was is, if it is named. In the transaction that stores what
/// was found, after that; gives what is to be done next.
pub(super) async fn settle(
    deps: &Deps,
    w: &impl ConnectionTrait,
    target: &SyncTarget,
    branch: &str,
    now: Timestamp,
) -> Result<Vec<JobRequest>, DataError> {
    let is_known = target.head.is_some() && target.branch.as_deref() == Some(branch);
    if target.scanned_branch.is_some() || is_known {
        return Ok(Vec::new());
    }
    let Some(named) = deps.scan_branches.get(&target.url) else { return Ok(Vec::new()) };
    let scanned = repositories::list_scanned_branches(w, target.id).await?;
    let beside: HashSet<&str> = scanned.iter().filter(|one| !one.is_main).map(|one| one.branch.as_str()).collect();
    if beside.contains(branch) {
        warn!("{}", needless_branch(&target.full_name, branch));
    }
    let pinned = repositories::pin_branches(w, target.id, named, now).await?;
    let others = named.iter().filter(|name| *name != branch).zip(pinned);
    let new = others.filter(|(name, _)| !beside.contains(name.as_str()));
    Ok(new.map(|(_, (id, _))| JobRequest::SyncRepository { repository_id: id }).collect())
}
