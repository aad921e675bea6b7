use std::sync::Arc;

use entity::db::{DataError, Db};
use entity::found::{FoundProblem, KnownResource, ObjectId, ResourceKey, ScannedCommit};
use entity::query::problems::known_problems;
use entity::query::scans;
use git::{FileKind, Repo, TreeLimits};
use scan::file::ParsedFile;
use scan::namespace::is_kustomization;
use scan::replay::{Memory, MemoryError, ProblemOrigin};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::Parser;
use super::origin::Origins;

/// What the database and the clone know of a repository. Blocks: for threads of its own.
pub struct StoredMemory<'a> {
    pub db: &'a Db,
    pub runtime: &'a Handle,
    pub repository: Uuid,
    pub repo: &'a Repo,
    pub parser: &'a Parser,
    origins: Option<Origins>,
}

impl<'a> StoredMemory<'a> {
    /// What is known of `repository`, whose clone is `repo`.
    #[must_use]
    pub fn new(db: &'a Db, runtime: &'a Handle, repository: Uuid, repo: &'a Repo, parser: &'a Parser) -> Self {
        Self { db, runtime, repository, repo, parser, origins: None }
    }
}

impl StoredMemory<'_> {
    fn ask(
        &self,
        question: impl Future<Output = Result<Vec<KnownResource>, DataError>>,
    ) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.runtime.block_on(question)?)
    }

    /// Every resource, deleted ones too.
    ///
    /// # Errors
    /// What the database says.
    pub fn all(&self) -> Result<Vec<KnownResource>, MemoryError> {
        self.ask(scans::known_all(&self.db.read, self.repository))
    }

    /// Every YAML file of a commit, parsed.
    ///
    /// # Errors
    /// What the clone says.
    pub fn files_at(
        &self,
        commit: ObjectId,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Arc<ParsedFile>)>, MemoryError> {
        let listing = self.repo.tree_files(commit, &TreeLimits::default())?;
        Ok(self.repo.with_blob_reader(self.parser.max_bytes(), |reader| {
            let regular =
                listing.files.into_iter().filter(|file| matches!(file.kind, FileKind::Regular | FileKind::Executable));
            let wanted = regular.filter(|file| git::is_yaml_path(&file.path) && wanted(&file.path));
            wanted.map(|file| (file.path, self.parser.file(reader, file.id))).collect()
        }))
    }
}

impl Memory for StoredMemory<'_> {
    fn by_files(&mut self, paths: &[&str]) -> Result<Vec<KnownResource>, MemoryError> {
        self.ask(scans::known_by_files(&self.db.read, self.repository, paths))
    }

    fn deleted_by_keys(&mut self, keys: &[&ResourceKey]) -> Result<Vec<KnownResource>, MemoryError> {
        let keys: Vec<ResourceKey> = keys.iter().map(|key| (*key).clone()).collect();
        self.ask(scans::known_by_keys(&self.db.read, self.repository, &keys))
    }

    fn sources(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError> {
        self.ask(scans::known_sources(&self.db.read, self.repository, kind, name))
    }

    fn dependents(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError> {
        self.ask(scans::known_by_source(&self.db.read, self.repository, kind, name))
    }

    fn active(&mut self) -> Result<Vec<KnownResource>, MemoryError> {
        self.all().map(|mut rows| {
            rows.retain(|row| row.status == entity::kind::ResourceStatus::Active);
            rows
        })
    }

    fn file(&mut self, _path: &str, blob: ObjectId) -> Result<Arc<ParsedFile>, MemoryError> {
        Ok(self.repo.with_blob_reader(self.parser.max_bytes(), |reader| self.parser.file(reader, blob)))
    }

    fn problems_since(
        &mut self,
        at: ScannedCommit,
        path: &str,
        problems: &[FoundProblem],
    ) -> Result<ProblemOrigin, MemoryError> {
        if self.origins.is_none() {
            let stored = self.runtime.block_on(known_problems(&self.db.read, self.repository))?;
            self.origins = Some(Origins::new(self.repo.first_parent_chain(at.id, None)?.commits, stored));
        }
        match &self.origins {
            Some(origins) => origins.of_file(self.repo, self.parser, path, problems),
            None => Ok((at.id, at.committed_at)),
        }
    }

    fn kustomizations(&mut self, commit: ObjectId) -> Result<Vec<(String, Arc<ParsedFile>)>, MemoryError> {
        self.files_at(commit, is_kustomization)
    }
}
