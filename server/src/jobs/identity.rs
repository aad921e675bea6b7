//! Who this process is among those that share the work.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::Path;

use entity::view::Timestamp;
use store::workers::{self, FoundWorker};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Deps, LiveDeps};
use crate::clock;

/// More processes than this do not share one data directory.
const SLOTS: u32 = 256;

/// How often a process without a runner shows itself.
const SHOWN_EVERY: std::time::Duration = std::time::Duration::from_secs(15);

/// What a process is called where it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessName {
    /// The name that stands in the jobs.
    pub worker: String,
    /// The machine's.
    pub host: String,
}

/// A process' name: of the data directory and of a slot in it that the process holds for as long as it lives. No two
/// living processes have the same, and one that is started again gets that of its predecessor and with it its jobs.
pub struct Identity {
    /// The name that stands in the jobs.
    pub worker: String,
    /// `web`, `worker` or `all`.
    pub role: &'static str,
    host: String,
    started_at: Timestamp,
    /// Freed by the operating system when the process ends, however it ends.
    _slot: File,
}

impl Identity {
    /// Takes the first slot of the data directory that nobody holds.
    ///
    /// # Errors
    /// If the directory cannot be written to.
    pub fn take(data_dir: &Path, role: &'static str) -> std::io::Result<Self> {
        let folder = data_dir.join("workers");
        std::fs::create_dir_all(&folder)?;
        let directory = directory_id(&folder)?;
        let host = host();
        for slot in 0..SLOTS {
            let path = folder.join(format!("{slot}.lock"));
            let file = File::options().create(true).truncate(false).write(true).open(path)?;
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        worker: format!("{directory}-{slot}"),
                        role,
                        host,
                        started_at: clock::now(),
                        _slot: file,
                    });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(std::io::Error::other(format!("{SLOTS} processes use {} already", data_dir.display())))
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> ProcessName {
        ProcessName { worker: self.worker.clone(), host: self.host.clone() }
    }

    /// Shows the process to others until it ends, for one that has no runner.
    pub async fn show(self, deps: LiveDeps, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let deps = deps.load();
            let shown = workers::record_worker(&deps.db.write, &self.shown(&deps), clock::now()).await;
            deps.queue.note_write(shown.is_ok());
            if let Err(error) = shown {
                tracing::warn!(%error, "this process could not show itself");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(SHOWN_EVERY) => {}
            }
        }
    }

    /// The process as it shows itself to others.
    pub(super) fn shown(&self, deps: &Deps) -> FoundWorker {
        FoundWorker {
            id: self.worker.clone(),
            role: self.role,
            host: self.host.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            capacity: if self.role == "web" { 0 } else { deps.polling.max_workers },
            disk_limit_bytes: deps.max_disk_bytes,
        }
    }
}

/// What tells this data directory from those of other machines with the same name. Made once.
fn directory_id(folder: &Path) -> std::io::Result<String> {
    let guard = File::options().create(true).truncate(false).write(true).open(folder.join("id.lock"))?;
    guard.lock()?;
    let path = folder.join("id");
    if let Ok(id) = std::fs::read_to_string(&path)
        && !id.trim().is_empty()
    {
        return Ok(id.trim().to_owned());
    }
    // The random end of an id that begins with the time.
    let id = Uuid::now_v7().simple().to_string().split_off(24);
    let mut file = File::create(&path)?;
    file.write_all(id.as_bytes())?;
    file.sync_all()?;
    Ok(id)
}

/// The machine's name.
fn host() -> String {
    let name = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_processes_differ_and_a_restarted_one_is_its_predecessor() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Identity::take(folder.path(), "all").unwrap();
        let (first, second) = (take(), take());
        assert_ne!(first.worker, second.worker);
        let name = first.worker.clone();
        drop(first);
        assert_eq!(take().worker, name);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(Identity::take(elsewhere.path(), "all").unwrap().worker, name);
    }
}
