use std::sync::Arc;

use entity::input::{FoundProblem, KnownResource, ObjectId, ResourceKey, ScannedCommit};

use entity::view::Timestamp;

use crate::file::ParsedFile;

/// What failed when a replay asked for what is stored: the database or the clone said so.
pub type MemoryError = Box<dyn std::error::Error + Send + Sync>;

/// What is stored, asked for piece by piece, so that one new commit costs work in proportion to the commit.
/// A replay that was given everything at its start ([`Start::Fresh`](super::Start::Fresh),
/// [`Start::Full`](super::Start::Full)) asks nothing.
///
/// Answers are about what is stored: batches not yet taken and stored are the replay's own business.
pub trait Memory {
    /// Active resources that stand in these files, whatever their place in them (`path`, `path#2`, `path#0.3`).
    ///
    /// # Errors
    /// What the database says.
    fn by_files(&mut self, paths: &[&str]) -> Result<Vec<KnownResource>, MemoryError>;

    /// Deleted resources of these keys; active ones do no harm.
    ///
    /// # Errors
    /// What the database says.
    fn deleted_by_keys(&mut self, keys: &[&ResourceKey]) -> Result<Vec<KnownResource>, MemoryError>;

    /// Active resources of Flux' source group with this kind and name.
    ///
    /// # Errors
    /// What the database says.
    fn sources(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError>;

    /// Active resources whose `source` has this kind and name.
    ///
    /// # Errors
    /// What the database says.
    fn dependents(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError>;

    /// All active resources; asked when something that decides about inherited namespaces changed.
    ///
    /// # Errors
    /// What the database says.
    fn active(&mut self) -> Result<Vec<KnownResource>, MemoryError>;

    /// The parsed file of a path and blob.
    ///
    /// # Errors
    /// What the clone says.
    fn file(&mut self, path: &str, blob: ObjectId) -> Result<Arc<ParsedFile>, MemoryError>;

    /// The commit of the line up to `at` that gave a file the problems that it has there: theirs alone, not those of
    /// commits that a rewritten branch no longer has.
    ///
    /// # Errors
    /// What the database or the clone says.
    fn problems_since(
        &mut self,
        at: ScannedCommit,
        path: &str,
        problems: &[FoundProblem],
    ) -> Result<ProblemOrigin, MemoryError>;

    /// The paths of a commit's tree, and its kustomizations; asked when something that decides about inherited namespaces
    /// changed.
    ///
    /// # Errors
    /// What the clone says.
    fn tree(&mut self, commit: ObjectId) -> Result<StoredTree, MemoryError>;
}

/// What decides in a commit's tree, apart from resources.
#[derive(Clone, Debug, Default)]
pub struct StoredTree {
    /// Of every file that a walk hands in: YAML files, and kustomizations of whatever name.
    pub paths: Vec<String>,
    pub kustomizations: Vec<(String, Arc<ParsedFile>)>,
}

/// The commit that a file has its problems since, and when it was made.
pub type ProblemOrigin = (ObjectId, Timestamp);

/// For replays that were given everything: nothing more is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn by_files(&mut self, _: &[&str]) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(Vec::new())
    }

    fn deleted_by_keys(&mut self, _: &[&ResourceKey]) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(Vec::new())
    }

    fn sources(&mut self, _: &str, _: &str) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(Vec::new())
    }

    fn dependents(&mut self, _: &str, _: &str) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(Vec::new())
    }

    fn active(&mut self) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(Vec::new())
    }

    fn file(&mut self, path: &str, blob: ObjectId) -> Result<Arc<ParsedFile>, MemoryError> {
        Err(format!("{path} (blob {blob}) was not given to the replay").into())
    }

    fn problems_since(&mut self, at: ScannedCommit, _: &str, _: &[FoundProblem]) -> Result<ProblemOrigin, MemoryError> {
        Ok((at.id, at.committed_at))
    }

    fn tree(&mut self, _: ObjectId) -> Result<StoredTree, MemoryError> {
        Ok(StoredTree::default())
    }
}
