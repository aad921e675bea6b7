use std::path::Path;

use entity::input::ObjectId;
use entity::view::{CommitPlace, CommitRead, CommitWords, Push};
use git::Repo;

/// Most commits of a push that are read.
const MOST_OF_ONE: usize = 50;
/// Most of several; after them of each push the newest alone.
const MOST_OF_ALL: usize = 400;

/// A commit of a clone by its hash or a beginning of it (4 digits or more) that fits one commit only, and where it stands to
/// the head that is fetched and the one that is scanned. Nothing where the clone or the commit is not there.
#[must_use]
pub fn read_commit(clone: &Path, sha: &str, head: Option<&str>, scanned: Option<&str>) -> Option<CommitRead> {
    if !(4..=40).contains(&sha.len()) || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let sha = sha.to_ascii_lowercase();
    let repo = Repo::open(clone).ok()?;
    // A branch may be called like a beginning of a hash.
    let id = repo.resolve(&sha).ok().filter(|id| id.to_string().starts_with(&sha))?;
    let info = repo.commit_info(id).ok()?;
    let on_line_of = |tip: Option<&str>| {
        let tip: Option<ObjectId> = tip.and_then(|tip| tip.parse().ok());
        tip.is_some_and(|tip| repo.is_first_parent_ancestor(id, tip).unwrap_or(false))
    };
    let place = if on_line_of(scanned) {
        CommitPlace::Scanned
    } else if on_line_of(head) {
        CommitPlace::NotScanned
    } else {
        CommitPlace::Aside
    };
    Some(CommitRead {
        sha: id.to_string(),
        committed_at: info.committed_at,
        author_name: info.author_name,
        subject: info.subject,
        place,
    })
}

/// What commits of a clone say of themselves that came by pushes to a branch: of each push all on the branch's line since it stood
/// at the old one, the newest first. It is the new one alone where the old one is not asked for or not on that line, or where too
/// many lie between; of a push whose new commit the clone does not have it is none.
#[must_use]
pub fn read_pushes(clone: &Path, pushes: &[Push]) -> Vec<Vec<CommitWords>> {
    let Ok(repo) = Repo::open(clone) else { return Vec::new() };
    let mut room = MOST_OF_ALL;
    let mut read = |push: &Push| {
        let commits = read_push(&repo, push, room.min(MOST_OF_ONE));
        room = room.saturating_sub(commits.len());
        commits
    };
    pushes.iter().map(&mut read).collect()
}

fn read_push(repo: &Repo, push: &Push, most: usize) -> Vec<CommitWords> {
    let old: Option<ObjectId> = push.old.as_ref().and_then(|old| old.parse().ok());
    let most = if old.is_some() { most.max(1) } else { 1 };
    let mut next: Option<ObjectId> = push.new.parse().ok();
    let mut commits = Vec::new();
    while let Some(id) = next {
        if old == Some(id) {
            return commits;
        }
        if commits.len() == most {
            break;
        }
        let Ok(info) = repo.commit_info(id) else { break };
        next = info.parents.first().copied();
        commits.push(CommitWords { sha: id.to_string(), author_name: info.author_name, subject: info.subject });
    }
    commits.truncate(1);
    commits
}
