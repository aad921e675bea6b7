//! What a replay may ask of the store of these tests.

use std::sync::Arc;

use entity::input::{FoundProblem, KnownResource, ObjectId, ResourceKey, ScannedCommit};
use entity::kind::ResourceStatus;
use scan::build::is_kustomization;
use scan::file::ParsedFile;
use scan::replay::{Memory, MemoryError, ProblemOrigin, StoredTree};

use super::support::{History, Store, blob_id, commit_id, key, parsed};

/// The store as a replay sees it.
pub struct StoreMemory<'a> {
    pub history: &'a History,
    pub store: &'a Store,
}

impl Memory for StoreMemory<'_> {
    fn by_files(&mut self, paths: &[&str]) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.store.known(|row| {
            row.status == ResourceStatus::Active && paths.contains(&entity::view::file_of(&row.file_path))
        }))
    }

    fn deleted_by_keys(&mut self, keys: &[&ResourceKey]) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.store.known(|row| keys.contains(&&key(row))))
    }

    fn sources(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.store.known(|row| {
            row.status == ResourceStatus::Active
                && row.kind == kind
                && row.name == name
                && row.api_version.starts_with("source.toolkit.fluxcd.io/")
        }))
    }

    fn dependents(&mut self, kind: &str, name: &str) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.store.known(|row| {
            row.status == ResourceStatus::Active
                && row.source.as_ref().is_some_and(|source| source.kind == kind && source.name == name)
        }))
    }

    fn active(&mut self) -> Result<Vec<KnownResource>, MemoryError> {
        Ok(self.store.known(|row| row.status == ResourceStatus::Active))
    }

    fn file(&mut self, path: &str, blob: ObjectId) -> Result<Arc<ParsedFile>, MemoryError> {
        let texts = self.history.trees.iter().filter_map(|tree| tree.get(path));
        let mut all = texts.chain(self.history.trees.iter().flat_map(|tree| tree.values()));
        all.find(|text| blob_id(text) == blob).map(|text| parsed(text)).ok_or_else(|| format!("no blob {blob}").into())
    }

    fn problems_since(
        &mut self,
        at: ScannedCommit,
        path: &str,
        problems: &[FoundProblem],
    ) -> Result<ProblemOrigin, MemoryError> {
        let broken = |at: &usize| {
            let text = self.history.trees[*at].get(path);
            text.is_some_and(|text| parsed(text).problems == problems)
        };
        let first = (0..=at.sequence as usize).rev().take_while(broken).last().ok_or("no such problems")?;
        let info = History::info(first);
        Ok((info.id, info.committed_at))
    }

    fn tree(&mut self, commit: ObjectId) -> Result<StoredTree, MemoryError> {
        let at = (0..self.history.trees.len()).find(|at| commit_id(*at) == commit).ok_or("no such commit")?;
        let files = self.history.files(at);
        let paths = files.iter().map(|(path, _)| path.clone()).collect();
        let kustomizations = files.into_iter().filter(|(path, _)| is_kustomization(path)).collect();
        Ok(StoredTree { paths, kustomizations })
    }
}
