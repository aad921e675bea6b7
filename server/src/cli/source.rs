use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use entity::credential::shown_address;
use git::{Auth, FetchProgress, Limits, RemoteUrl, Repo, UrlPolicy};

use super::progress;

/// A repository to read: one that is here, or one cloned for the length of a command.
pub(super) struct Source {
    pub repo: Repo,
    /// Removed when the command ends.
    _clone: Option<tempfile::TempDir>,
}

/// Opens a local path, or clones a URL.
pub(super) fn open(place: &str, rev: &str) -> anyhow::Result<Source> {
    if Path::new(place).exists() {
        let repo = Repo::open(place)?;
        return Ok(Source { repo, _clone: None });
    }
    let url = RemoteUrl::parse(place, UrlPolicy { allow_local: true })
        .with_context(|| format!("{} is no folder, and no address of a repository either", shown_address(place)))?;
    let folder = tempfile::tempdir().context("a temporary folder for the clone cannot be made")?;
    let spinner = progress::spinner(format!("cloning {url}"));
    let mut said = |now: FetchProgress| {
        let megabytes = now.bytes as f64 / 1e6;
        spinner.set_message(format!("cloning {url}: {megabytes:.1} MB, {} objects", now.objects));
    };
    let clone = folder.path().join("clone.git");
    let token = std::env::var("KUBESTATS_GIT_TOKEN").ok().filter(|token| !token.is_empty());
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token)));
    // A revision that is no branch may still be found in the default branch's history.
    let refs = git::list_refs(&url, &auth, &Limits::default(), &AtomicBool::new(false))?;
    let branch = refs.branch(rev).map(|_| rev);
    let limits = Limits::default();
    let fetched = git::fetch(&clone, &url, branch, &auth, &limits, &AtomicBool::new(false), &mut said);
    spinner.finish_and_clear();
    fetched?;
    Ok(Source { repo: Repo::open(&clone)?, _clone: Some(folder) })
}
