//! What a replay is given: commits, changed files, where it begins and what it is asked for.

use std::sync::Arc;

use entity::input::{KnownResource, ObjectId, ScannedCommit};
use entity::value::uncounted;
use entity::view::Timestamp;
use uuid::Uuid;

use crate::file::ParsedFile;

/// A commit of the first-parent line.
#[derive(Clone, Debug)]
pub struct CommitInfo {
    pub id: ObjectId,
    /// Place on the line, 0 for the first commit.
    pub sequence: i64,
    pub committed_at: Timestamp,
    pub author_name: String,
    /// First line of the message; cut to 500 characters here.
    pub subject: String,
}

/// A YAML file that a commit added, changed or removed.
#[derive(Clone, Debug)]
pub struct FileChange {
    pub path: String,
    /// The blob before the commit; `None` where there was no regular file.
    pub before: Option<ObjectId>,
    /// The file after the commit; `None` where it is gone, or became a symlink or submodule.
    pub after: Option<Arc<ParsedFile>>,
}

/// What a replay is asked to bring out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Events, rows and changed fields. Without them only the ledger and the count of moves are kept up.
    pub events: bool,
    /// Texts of the manifests that events point to.
    pub texts: bool,
    /// The figures of [`Replay::ledger`]; only of use from the first commit on.
    pub ledger: bool,
    /// Whether new resources get ids that do not count: those of a branch that is scanned beside the main one.
    pub uncounted: bool,
}

impl Options {
    /// The id of a resource that was not there before.
    pub(super) fn new_id(self) -> Uuid {
        let id = Uuid::now_v7();
        if self.uncounted { uncounted(id) } else { id }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { events: true, texts: true, ledger: false, uncounted: false }
    }
}

/// Where a replay begins.
pub enum Start {
    /// Before the first commit.
    Fresh,
    /// At a scanned commit, with everything that is stored and every YAML file of its tree: for long ways to go.
    Full { at: ScannedCommit, rows: Vec<KnownResource>, files: Vec<(String, Arc<ParsedFile>)> },
    /// At a scanned commit, with nothing: what the commits touch is asked of the [`Memory`].
    Incremental { at: ScannedCommit },
}
