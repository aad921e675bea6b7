//! Taking in what is stored: everything at once, or what a commit touches.

use std::collections::HashMap;
use std::sync::Arc;

use entity::input::KnownResource;
use entity::view::file_of;

use super::matching::After;
use super::rows::{Body, RowId};
use super::{FileChange, LiveFile, Memory, MemoryError, Replay};
use crate::file::ParsedFile;

impl Replay {
    /// Everything that is stored, and the whole tree that it was read from.
    pub(super) fn stand(&mut self, rows: Vec<KnownResource>, files: Vec<(String, Arc<ParsedFile>)>) {
        let mut by_file = self.take_in(rows);
        for (path, file) in files {
            let rows = by_file.remove(&path).unwrap_or_default();
            let file = file.at_path(&path);
            self.paths.insert(path.as_str().into());
            if self.is_worth_keeping(&file) {
                self.place_file(path.into(), file, rows);
            }
        }
    }

    /// The files before a commit and their rows, where they were not met yet.
    pub(super) fn load_files(&mut self, changes: &[FileChange], memory: &mut dyn Memory) -> Result<(), MemoryError> {
        self.load_missing(changes, memory)?;
        // What is held of a file is compared with what it says next.
        for change in changes {
            let held = self.files.get(change.path.as_str()).map(|live| live.held.clone()).unwrap_or_default();
            for row in held {
                self.load_body(row, memory)?;
            }
        }
        Ok(())
    }

    fn load_missing(&mut self, changes: &[FileChange], memory: &mut dyn Memory) -> Result<(), MemoryError> {
        if self.complete {
            return Ok(());
        }
        let unknown: Vec<_> = changes
            .iter()
            .filter_map(|change| Some((change.path.as_str(), change.before?)))
            .filter(|(path, _)| !self.asked.paths.contains(*path))
            .collect();
        for change in changes {
            self.asked.paths.insert(change.path.as_str().into());
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let paths: Vec<&str> = unknown.iter().map(|(path, _)| *path).collect();
        let mut by_file = self.take_in(memory.by_files(&paths)?);
        for (path, blob) in unknown {
            let file = memory.file(path, blob)?.at_path(path);
            let rows = by_file.remove(path).unwrap_or_default();
            self.place_file(path.into(), file, rows);
        }
        Ok(())
    }

    /// Deleted resources that the manifests could be the return of.
    pub(super) fn load_deleted(&mut self, new: &[After], memory: &mut dyn Memory) -> Result<(), MemoryError> {
        if self.complete {
            return Ok(());
        }
        let mut keys: Vec<_> = new.iter().map(|after| &after.body.manifest().key).collect();
        keys.retain(|key| !self.asked.keys.contains(*key));
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        for known in memory.deleted_by_keys(&keys)? {
            self.rows.remember(known);
        }
        self.asked.keys.extend(keys.into_iter().cloned());
        Ok(())
    }

    fn take_in(&mut self, rows: Vec<KnownResource>) -> HashMap<String, Vec<RowId>> {
        let mut by_file: HashMap<String, Vec<RowId>> = HashMap::new();
        for known in rows {
            let row = self.rows.remember(known);
            let state = &self.rows[row];
            if state.is_active() {
                by_file.entry(file_of(&state.file_path).to_owned()).or_default().push(row);
            }
        }
        by_file
    }

    /// Gives each of a file's manifests its row: by place and key, else by key.
    fn place_file(&mut self, path: Arc<str>, file: Arc<ParsedFile>, mut known: Vec<RowId>) {
        let mut rows: Vec<Option<RowId>> = vec![None; file.manifests.len()];
        for exact in [true, false] {
            for (at, manifest) in file.manifests.iter().enumerate() {
                if rows[at].is_some() {
                    continue;
                }
                let place = manifest.place(&path);
                let found = known.iter().position(|row| {
                    let state = &self.rows[*row];
                    state.key == manifest.key && (!exact || state.file_path == place)
                });
                let Some(found) = found else { continue };
                let row = known.swap_remove(found);
                self.rows[row].body = Some(Body { file: Arc::clone(&file), at });
                if self.rows[row].file_path != place {
                    // Documents before it came or went without an event of its own.
                    self.rows[row].file_path = place;
                    self.rows.touch(row);
                }
                rows[at] = Some(row);
            }
        }
        let held = if file.is_elsewhere() { known } else { Vec::new() };
        self.files.insert(path, LiveFile { file, rows, held });
    }
}
