use std::path::Path;

use entity::input::ObjectId;
use entity::view::{CommitPlace, CommitRead, CommitWords};
use git::Repo;

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

/// What commits of a clone say of themselves, by their full hashes; those that it does not have are left out.
#[must_use]
pub fn read_words(clone: &Path, hashes: &[String]) -> Vec<CommitWords> {
    let Ok(repo) = Repo::open(clone) else { return Vec::new() };
    let words = |sha: &String| {
        let info = repo.commit_info(sha.parse().ok()?).ok()?;
        Some(CommitWords { sha: sha.clone(), author_name: info.author_name, subject: info.subject })
    };
    hashes.iter().filter_map(words).collect()
}
