use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use entity::credential::shown_address;
use entity::input::ObjectId;
use git::{Auth, FetchProgress, Limits, RemoteUrl, Repo, UrlPolicy};

use super::progress;

/// A repository to read: one that is here, or one cloned for the length of a command.
pub(super) struct Source {
    pub repo: Repo,
    /// What the revision names.
    pub commit: ObjectId,
    /// Removed when the command ends.
    _clone: Option<tempfile::TempDir>,
}

/// Opens a local path, or clones what a URL has under `rev`.
pub(super) fn open(place: &str, rev: &str) -> anyhow::Result<Source> {
    if Path::new(place).exists() {
        return here(Path::new(place), rev);
    }
    let url = RemoteUrl::parse(place, UrlPolicy { allow_local: true })
        .with_context(|| format!("{} is no folder, and no address of a repository either", shown_address(place)))?;
    if let Some(path) = url.local_path() {
        return here(path, rev);
    }
    let folder = tempfile::tempdir().context("a temporary folder for the clone cannot be made")?;
    let spinner = progress::spinner(format!("cloning {url}"));
    let mut said = |now: FetchProgress| {
        let megabytes = now.bytes as f64 / 1e6;
        spinner.set_message(format!("cloning {url}: {megabytes:.1} MB, {} objects", now.objects));
    };
    let clone = folder.path().join("clone.git");
    let token = std::env::var("KUBESTATS_GIT_TOKEN").ok().filter(|token| !token.is_empty());
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token)));
    let limits = Limits::default();
    let fetched = git::fetch_revision(&clone, &url, rev, &auth, &limits, &AtomicBool::new(false), &mut said);
    spinner.finish_and_clear();
    let commit = fetched?;
    Ok(Source { repo: Repo::open(&clone)?, commit, _clone: Some(folder) })
}

fn here(path: &Path, rev: &str) -> anyhow::Result<Source> {
    let repo = Repo::open(path)?;
    let commit = repo.resolve(rev)?;
    Ok(Source { repo, commit, _clone: None })
}
