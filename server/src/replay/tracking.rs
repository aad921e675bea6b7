//! Charts, values and images along a replay.

use std::sync::Arc;

use entity::input::{KnownValue, ObjectId, ScannedCommit, UsesBatch};
use git::Repo;
use scan::mask::Rules;
use scan::replay::MemoryError;
use scan::uses::{Change, ChartSources, Delta, Evaluator, KnownSpans, TrackedCommit, Tracker};
use store::db::Db;
use store::scans;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::kept::Followed;
use super::uses::{RepoBlobs, tree_changes};
use super::{Parser, ReplayError};

/// What a repository uses, followed from commit to commit.
pub struct Tracking<'a> {
    evaluator: Evaluator,
    tracker: Tracker,
    blobs: RepoBlobs<'a>,
    stored: StoredSpans<'a>,
    /// Bytes of YAML that were read, of the tree and of commits since; nothing where the tree was not.
    bytes: Option<usize>,
}

/// How uses of a repository are found, and where they are stored.
#[derive(Clone, Copy)]
pub struct TrackingSettings<'a> {
    pub db: &'a Db,
    pub runtime: &'a Handle,
    pub repository: Uuid,
    pub repo: &'a Repo,
    pub sources: &'a Arc<ChartSources>,
    pub rules: Rules,
    pub parser: &'a Parser,
    pub threads: usize,
}

impl<'a> Tracking<'a> {
    /// From the first commit on.
    #[must_use]
    pub fn fresh(settings: TrackingSettings<'a>) -> Self {
        Self {
            evaluator: Evaluator::masking(Arc::clone(settings.sources), settings.rules),
            tracker: Tracker::new(settings.repository.as_bytes()),
            blobs: RepoBlobs::new(settings.repo, settings.parser.max_bytes()),
            stored: StoredSpans { settings, sequence: -1 },
            bytes: None,
        }
    }

    /// From a commit whose uses are stored.
    ///
    /// # Errors
    /// What the database or the clone says.
    pub fn from(settings: TrackingSettings<'a>, at: ScannedCommit) -> Result<Self, ReplayError> {
        let mut tracking = Self::fresh(settings);
        tracking.stored.sequence = at.sequence;
        let (changes, bytes) =
            tree_changes(settings.repo, at.id, &settings.rules, settings.parser.max_bytes(), settings.threads)?;
        tracking.bytes = Some(bytes);
        let tree = tracking.evaluator.apply(changes, &tracking.blobs);
        let asked = async {
            let (db, repository) = (&settings.db.read, settings.repository);
            let time = scans::newest_use_time(db, repository, at.sequence).await?;
            let uses = scans::known_uses(db, repository, at.sequence).await?;
            let images = scans::known_images(db, repository, at.sequence).await?;
            let references = scans::known_references(db, repository, at.sequence).await?;
            Ok::<_, store::db::DataError>((time, uses, images, references))
        };
        let (time, uses, images, references) = settings.runtime.block_on(asked).map_err(memory_error)?;
        tracking.tracker = Tracker::known(settings.repository.as_bytes(), time, tree, uses, images, references);
        Ok(tracking)
    }

    /// From a commit up to which it was followed before.
    #[must_use]
    pub fn again(settings: TrackingSettings<'a>, followed: Followed) -> Self {
        let Followed { evaluator, tracker, sequence, bytes } = followed;
        let blobs = RepoBlobs::new(settings.repo, settings.parser.max_bytes());
        Self { evaluator, tracker, blobs, stored: StoredSpans { settings, sequence }, bytes: Some(bytes) }
    }

    /// What it knows, for commits that come later; nothing where how large that is is not known.
    #[must_use]
    pub fn into_followed(mut self) -> Option<Followed> {
        // Names are told again: those that nobody uses may have been taken away meanwhile.
        self.tracker.forget_names();
        let (sequence, bytes) = (self.stored.sequence, self.bytes?);
        Some(Followed { evaluator: self.evaluator, tracker: self.tracker, sequence, bytes })
    }

    /// Applies what a commit did to files, which were read from so many bytes.
    ///
    /// # Errors
    /// What the database says.
    pub fn follow(&mut self, commit: TrackedCommit, changes: Vec<Change>, bytes: u64) -> Result<(), ReplayError> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(read) = &mut self.bytes {
            *read = read.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        let delta: Delta = self.evaluator.apply(changes, &self.blobs);
        self.tracker.follow(commit, delta, &self.evaluator, &mut self.stored).map_err(ReplayError::Memory)
    }

    /// How many spans wait to be taken.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.tracker.pending()
    }

    /// What began and ended since the last batch.
    pub fn take_batch(&mut self) -> UsesBatch {
        self.tracker.take_batch()
    }
}

fn memory_error(error: store::db::DataError) -> ReplayError {
    ReplayError::Memory(error.into())
}

/// The spans of a repository as they stand in the database at the commit from which a scan goes on.
struct StoredSpans<'a> {
    settings: TrackingSettings<'a>,
    sequence: i64,
}

impl KnownSpans for StoredSpans<'_> {
    type Error = MemoryError;

    fn values(&mut self, release_id: i64) -> Result<Vec<KnownValue>, MemoryError> {
        let TrackingSettings { db, runtime, .. } = self.settings;
        Ok(runtime.block_on(scans::known_values(&db.read, release_id, self.sequence))?)
    }
}

/// A change of a file as evaluations take it.
#[must_use]
pub fn change_of(path: &str, after: Option<(ObjectId, Option<Arc<scan::file::ParsedFile>>)>) -> Change {
    let facts = |file: Arc<scan::file::ParsedFile>| Arc::clone(&file.uses).at_path(path);
    Change { path: path.into(), after: after.map(|(id, file)| (id, file.map(facts))) }
}
