//! Notices that a file of the configuration changed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::kind::ReloadCause;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::reload::Reloader;

/// Editors write in several steps; a file that still changes is not read.
const SETTLED: Duration = Duration::from_millis(500);
/// How often files are looked at where nothing tells of their changes: shares over the network tell nothing.
const LOOK: Duration = Duration::from_secs(30);
/// More than a configuration may have.
const MAX_BYTES: u64 = 8 << 20;

/// What was in the files; nothing of one that can't be read.
type Contents = Vec<(PathBuf, Option<blake3::Hash>)>;

/// Reads the configuration again whenever a file of it has another content, until the program stops.
pub(super) async fn watch(reloader: Arc<Reloader>, stop: CancellationToken) {
    let bell = Arc::new(Notify::new());
    let mut known = contents(reloader.files()).await;
    let mut watcher = Watched::new(Arc::clone(&bell));
    // Between the start's reading and ours somebody may have written.
    if reloader.is_behind().await {
        let _ = reloader.run(ReloadCause::File, None).await;
    }
    while !stop.is_cancelled() {
        watcher.follow(&reloader.files());
        tokio::select! {
            () = stop.cancelled() => return,
            () = bell.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        reloader.keep_rest().await;
        // Of folders we hear more than of our files.
        let seen = contents(reloader.files()).await;
        if seen == known {
            continue;
        }
        let now = settled(&reloader, seen).await;
        if now == known {
            continue;
        }
        known = now;
        let _ = reloader.run(ReloadCause::File, None).await;
        // Other files may be named now.
        let files = reloader.files();
        if files.len() != known.len() || files.iter().zip(&known).any(|(file, (known, _))| file != known) {
            known = contents(files).await;
            if reloader.is_behind().await {
                // Somebody wrote in them between the reload and this look.
                known.clear();
                bell.notify_one();
            }
        }
        if reloader.was_hindered() {
            // The database was away, say: the next look tries again.
            known.clear();
        }
    }
}

/// What is in the files once that stays the same for a moment.
async fn settled(reloader: &Reloader, seen: Contents) -> Contents {
    let mut before = seen;
    loop {
        tokio::time::sleep(SETTLED).await;
        let now = contents(reloader.files()).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

async fn contents(files: Vec<PathBuf>) -> Contents {
    let read = move || files.into_iter().map(|file| (file.clone(), content(&file))).collect();
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn content(file: &Path) -> Option<blake3::Hash> {
    let is_small = std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() <= MAX_BYTES);
    let text = is_small.then(|| std::fs::read(file).ok()).flatten()?;
    Some(blake3::hash(&text))
}

/// Whether it may be about a file of ours. Volumes of Kubernetes change by a link beside the files, whose name begins with two dots.
fn is_ours(path: &Path, names: &BTreeSet<OsString>) -> bool {
    path.file_name().is_some_and(|name| names.contains(name) || name.as_encoded_bytes().starts_with(b".."))
}

/// The folders that the files are in: files themselves are put in place of others, by editors and by Kubernetes.
struct Watched {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    /// What the files are called: databases may lie in the same folders.
    names: Arc<Mutex<BTreeSet<OsString>>>,
}

impl Watched {
    fn new(bell: Arc<Notify>) -> Self {
        let names: Arc<Mutex<BTreeSet<OsString>>> = Arc::default();
        let known = Arc::clone(&names);
        let ring = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return bell.notify_one() };
            let names = known.lock().unwrap_or_else(PoisonError::into_inner);
            if !event.kind.is_access()
                && (event.paths.is_empty() || event.paths.iter().any(|path| is_ours(path, &names)))
            {
                bell.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(ring).inspect_err(|error| {
            warn!(%error, "changes of the configuration's files are noticed within {} s only", LOOK.as_secs());
        });
        Self { watcher: watcher.ok(), folders: BTreeSet::new(), names }
    }

    fn follow(&mut self, files: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let names = files.iter().filter_map(|file| file.file_name().map(OsString::from)).collect();
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        let folder = |file: &PathBuf| match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let wanted: BTreeSet<PathBuf> = files.iter().map(folder).collect();
        for left in self.folders.difference(&wanted) {
            let _ = watcher.unwatch(left);
        }
        let mut followed: BTreeSet<PathBuf> = self.folders.intersection(&wanted).cloned().collect();
        for new in wanted.difference(&self.folders) {
            match watcher.watch(new, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    followed.insert(new.clone());
                }
                // It may be there later; until then its files are looked at now and then.
                Err(error) => {
                    debug!(%error, folder = %new.display(), "a folder of the configuration can't be followed");
                }
            }
        }
        self.folders = followed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_files_and_the_links_of_volumes_ring() {
        let names: BTreeSet<OsString> = ["kubestats.yaml".into()].into();
        for (path, ours) in
            [("/etc/k/kubestats.yaml", true), ("/etc/k/..data", true), ("/etc/k/kubestats.db-wal", false), ("/", false)]
        {
            assert_eq!(is_ours(Path::new(path), &names), ours, "{path}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_put_in_place_of_another_rings_and_has_another_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubestats.yaml");
        let missing = contents(vec![file.clone()]).await;
        assert_eq!(missing, [(file.clone(), None)]);
        let bell = Arc::new(Notify::new());
        let mut watched = Watched::new(Arc::clone(&bell));
        watched.follow(std::slice::from_ref(&file));
        assert!(watched.watcher.is_none() || !watched.folders.is_empty());
        std::fs::write(folder.path().join("new"), "app: {}").unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        if watched.watcher.is_some() {
            tokio::time::timeout(Duration::from_mins(1), bell.notified()).await.unwrap();
        }
        assert_ne!(contents(vec![file]).await, missing);
    }
}
