use std::sync::Arc;

use entity::db::{DataError, Db};
use entity::found::{KnownResource, ObjectId, ResourceKey};
use entity::query::scans;
use git::{FileKind, Repo, TreeFile, TreeLimits};
use scan::build::is_kustomization;
use scan::file::ParsedFile;
use scan::replay::{Memory, MemoryError, StoredTree};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::Parser;

/// What the database and the clone know of a repository. Blocks: for threads of its own.
pub struct StoredMemory<'a> {
    pub db: &'a Db,
    pub runtime: &'a Handle,
    pub repository: Uuid,
    pub repo: &'a Repo,
    pub parser: &'a Parser,
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

    /// Every file of a commit that is read, parsed.
    ///
    /// # Errors
    /// What the clone says.
    pub fn files_at(&self, commit: ObjectId) -> Result<Vec<(String, Arc<ParsedFile>)>, MemoryError> {
        Ok(self.parsed(self.read_at(commit)?))
    }

    fn read_at(&self, commit: ObjectId) -> Result<Vec<TreeFile>, MemoryError> {
        let mut files = self.repo.tree_files(commit, &TreeLimits::default())?.files;
        files.retain(|file| {
            matches!(file.kind, FileKind::Regular | FileKind::Executable) && git::is_read_path(&file.path)
        });
        Ok(files)
    }

    fn parsed(&self, files: Vec<TreeFile>) -> Vec<(String, Arc<ParsedFile>)> {
        self.repo.with_blob_reader(self.parser.max_bytes(), |reader| {
            files.into_iter().map(|file| (file.path, self.parser.file(reader, file.id))).collect()
        })
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

    fn tree(&mut self, commit: ObjectId) -> Result<StoredTree, MemoryError> {
        let files = self.read_at(commit)?;
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let kustomizations = files.into_iter().filter(|file| is_kustomization(&file.path)).collect();
        Ok(StoredTree { paths, kustomizations: self.parsed(kustomizations) })
    }
}
