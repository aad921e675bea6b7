//! Whatever a person calls a commit of a remote: a branch, a tag, a full ref name, a hash, and `~2` or `^` after each.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use entity::input::ObjectId;
use gix::protocol::handshake::Ref;

use super::budget;
use super::clone_dir::{self, CloneDir};
use super::session::{Session, listed};
use super::{Auth, FetchProgress, Limits, RemoteUrl, Source, Wanted, bring};
use crate::repo::to_entity;
use crate::{GitError, Repo};

/// Makes the bare clone `dir` of what `revision` needs, and tells its commit. `HEAD` is the remote's; other names are looked up
/// in Git's order: as they stand, below `refs/`, then among tags, then among branches. A hash is asked for as such, and is
/// looked for in the default branch where the remote does not give it out or only its beginning is known.
///
/// # Errors
/// `RevisionGone` if the remote has nothing of that name, and all that can be wrong with a remote.
pub fn fetch_revision(
    dir: &Path,
    url: &RemoteUrl,
    revision: &str,
    auth: &Auth,
    limits: &Limits,
    cancel: &AtomicBool,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<ObjectId, GitError> {
    let (dir, url, auth, revision) = (dir.to_owned(), url.clone(), auth.clone(), revision.to_owned());
    if let Some(path) = url.local_path() {
        return Repo::open(path)?.resolve(&revision);
    }
    budget::watched(limits, url.host(), cancel, progress, move |budget| {
        let clone = CloneDir::lock(&dir)?;
        let open = || Session::open(&url, &auth, budget);
        let end = [revision.find(['~', '^', ':']), revision.find("@{")].into_iter().flatten().min();
        let (name, steps) = revision.split_at(end.unwrap_or(revision.len()));
        let mut session = open()?;
        if let Some(wanted) = named(&mut session, name)? {
            bring(&clone, &mut Source::Remote(Box::new(session)), &wanted, false, budget)?;
            return Repo::open(&dir)?.resolve(&format!("{}{steps}", wanted.head));
        }
        if let Ok(id) = name.parse::<ObjectId>() {
            let wanted = Wanted { branch: "HEAD".to_owned(), asked: id, head: id, default_branch: None };
            match bring(&clone, &mut Source::Remote(Box::new(session)), &wanted, false, budget) {
                Ok(_) => return Repo::open(&dir)?.resolve(&revision),
                // It may be one that is not given out by itself.
                Err(GitError::Protocol { .. } | GitError::Unreachable { .. } | GitError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
            budget.forget();
            session = open()?;
        }
        let all = session.list()?;
        let gone = || {
            let branches = all.branch_names().map(str::to_owned).collect();
            GitError::RevisionGone { rev: revision.chars().take(200).collect(), branches }
        };
        if !is_hash(name) {
            return Err(gone());
        }
        bring(&clone, &mut Source::Remote(Box::new(session)), &Wanted::choose(&all, None)?, false, budget)?;
        Repo::open(&dir)?.resolve(&revision).map_err(|_| gone())
    })
}

/// What the remote has under a name.
fn named(session: &mut Session, name: &str) -> Result<Option<Wanted>, GitError> {
    if matches!(name, "HEAD" | "@") {
        let mut found = listed(&session.refs(&["HEAD"])?);
        if found.head.is_none() || found.default_branch.is_none() {
            found = session.list()?;
        }
        return Wanted::choose(&found, None).map(Some);
    }
    let names = [name.to_owned(), format!("refs/{name}"), format!("refs/tags/{name}"), format!("refs/heads/{name}")];
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("refs/")).collect();
    let refs = session.refs(&names)?;
    let found = names.iter().find_map(|name| refs.iter().find_map(|found| told(found, name)));
    Ok(found.map(|(name, asked, head)| {
        let branch = name.strip_prefix("refs/heads/").filter(|branch| clone_dir::is_branch_name(branch));
        Wanted { branch: branch.unwrap_or("HEAD").to_owned(), asked, head, default_branch: None }
    }))
}

/// The object of a ref, and the commit that a tag of it leads to, if it is the one of this name.
fn told<'a>(found: &Ref, name: &'a str) -> Option<(&'a str, ObjectId, ObjectId)> {
    let (full_name, asked, object) = match found {
        Ref::Direct { full_ref_name, object } => (full_ref_name, object, object),
        Ref::Peeled { full_ref_name, tag, object } => (full_ref_name, tag, object),
        Ref::Symbolic { full_ref_name, tag, object, .. } => (full_ref_name, tag.as_ref().unwrap_or(object), object),
        Ref::Unborn { .. } => return None,
    };
    (full_name == name).then(|| (name, to_entity(asked), to_entity(object)))
}

/// Whether it may be a hash, or the beginning of one.
fn is_hash(text: &str) -> bool {
    (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
