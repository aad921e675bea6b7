use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use entity::input::{FoundChart, FoundProblem, KnownResource, ObjectId, ResourceKey, ScannedCommit};
use entity::view::file_of;
use git::{ChainCommit, FileKind, Repo, TreeFile, TreeLimits};
use scan::build::is_kustomization;
use scan::file::{Manifest, ParsedFile};
use scan::replay::{Memory, MemoryError, Options, ProblemOrigin, Replay, StoredTree};
use store::db::{DataError, Db};
use store::problems::known_problems;
use store::scans;
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

    /// Every resource as it was when `at` was the newest commit; `line` leads there from the first one.
    ///
    /// # Errors
    /// What the database or the clone says.
    pub fn rows_at(&mut self, at: ScannedCommit, line: &[ChainCommit]) -> Result<Vec<KnownResource>, MemoryError> {
        let mut rows = self.ask(scans::known_at(&self.db.read, self.repository, at.sequence))?;
        let gone = self.runtime.block_on(scans::gone_for_a_while(&self.db.read, self.repository, at.sequence))?;
        let mut gone: HashMap<Uuid, i64> = gone.into_iter().collect();
        // A whole tree is read for each commit that is left: who names no source tells its chart by itself.
        for row in &mut rows {
            if !gone.contains_key(&row.id) {
                continue;
            }
            let file = self.file(file_of(&row.file_path), row.place.blob)?;
            let same = |manifest: &&Manifest| (&manifest.key.kind, &manifest.key.name) == (&row.kind, &row.name);
            if file.manifests.iter().filter(same).any(|manifest| manifest.facts.source.is_some()) {
                continue;
            }
            gone.remove(&row.id);
            let chart = file.manifests.iter().find(same).and_then(|manifest| manifest.facts.charts.first().cloned());
            (row.chart_name, row.chart_url) = chart.map_or((None, None), |chart| (Some(chart.name), chart.url));
        }
        let mut by_commit: BTreeMap<i64, HashSet<Uuid>> = BTreeMap::new();
        for (resource, sequence) in gone {
            by_commit.entry(sequence).or_default().insert(resource);
        }
        for (sequence, resources) in by_commit {
            let Some(before) = line.iter().find(|commit| commit.sequence == sequence - 1) else { continue };
            let charts = self.charts_at(before, &resources)?;
            for row in rows.iter_mut().filter(|row| resources.contains(&row.id)) {
                let chart = charts.get(&row.id).cloned();
                (row.chart_name, row.chart_url) = chart.map_or((None, None), |chart| (Some(chart.name), chart.url));
            }
        }
        Ok(rows)
    }

    /// The main charts of some resources as they were deployed at a commit of the past.
    fn charts_at(
        &mut self,
        commit: &ChainCommit,
        wanted: &HashSet<Uuid>,
    ) -> Result<HashMap<Uuid, FoundChart>, MemoryError> {
        let at = ScannedCommit { id: commit.id, sequence: commit.sequence, committed_at: commit.committed_at };
        let rows = self.ask(scans::known_at(&self.db.read, self.repository, at.sequence))?;
        let files = self.files_at(at.id)?;
        let mut replay = Replay::standing(at, rows, files, Options { texts: false, ..Options::default() }, self)?;
        let batch = replay.take_batch(self, &|text| Ok(text.to_vec()))?;
        let resources = batch.resources.into_iter().filter(|resource| wanted.contains(&resource.id));
        Ok(resources.filter_map(|resource| Some((resource.id, resource.charts.into_iter().next()?))).collect())
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

    fn tree(&mut self, commit: ObjectId) -> Result<StoredTree, MemoryError> {
        let files = self.read_at(commit)?;
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let kustomizations = files.into_iter().filter(|file| is_kustomization(&file.path)).collect();
        Ok(StoredTree { paths, kustomizations: self.parsed(kustomizations) })
    }
}
