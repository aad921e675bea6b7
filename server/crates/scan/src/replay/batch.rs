//! Handing over what waits: rows as they stand now, events, texts, problems.

use std::sync::Arc;

use entity::found::{Batch, FoundManifest};
use entity::view::file_of;

use super::{Memory, MemoryError, Pending, Replay, RowId};
use crate::file::ParsedFile;
use crate::namespace::{KustomizeFile, Layout, Memo, is_kustomization};

/// Packs a text as the store wants it.
pub type Compress<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, MemoryError> + 'a;

impl Replay {
    /// Everything since the last batch. `compress` packs the texts as the store wants them.
    ///
    /// # Errors
    /// What the memory or `compress` says; the replay is of no use afterwards.
    pub fn take_batch(&mut self, memory: &mut dyn Memory, compress: &Compress<'_>) -> Result<Batch, MemoryError> {
        if self.options.events {
            self.inherit_namespaces(memory)?;
        }
        self.placed.clear();
        self.layout_changed = false;
        let mut resources = Vec::new();
        let mut dirty = self.rows.take_dirty();
        dirty.sort_by(|a, b| {
            let place = |row: &RowId| (&self.rows[*row].file_path, self.rows[*row].first_sequence, self.rows[*row].id);
            place(a).cmp(&place(b))
        });
        for row in dirty {
            if self.options.events {
                self.load_body(row, memory)?;
                if let Some(body) = &self.rows[row].body {
                    resources.push(self.rows[row].found(body));
                }
            }
            let state = &mut self.rows[row];
            state.dirty = false;
            state.new_events = 0;
            if !state.is_active() {
                state.body = None;
            }
        }
        let manifest = |(id, text): (_, Vec<u8>)| {
            let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
            Ok(FoundManifest { id, size, compressed: compress(&text)? })
        };
        let batch = Batch {
            after: self.stored.map(|stored| stored.id),
            through: self.through,
            commits: std::mem::take(&mut self.commits),
            resources,
            manifests: std::mem::take(&mut self.texts).into_iter().map(manifest).collect::<Result<_, MemoryError>>()?,
            problems: std::mem::take(&mut self.problems).into_values().collect(),
        };
        self.stored = self.through;
        self.pending = Pending::default();
        Ok(batch)
    }

    fn inherit_namespaces(&mut self, memory: &mut dyn Memory) -> Result<(), MemoryError> {
        if !self.layout_changed && self.placed.is_empty() {
            return Ok(());
        }
        if !self.complete && !self.asked.active {
            // Flux Kustomizations decide, wherever they stand; with a changed layout everybody is asked.
            self.asked.active = true;
            for known in memory.active()? {
                self.rows.remember(known);
            }
        }
        let deciding: Vec<RowId> = self
            .rows
            .active()
            .filter(|row| {
                let key = &self.rows[*row].key;
                key.kind == "Kustomization" && key.group == "kustomize.toolkit.fluxcd.io"
            })
            .collect();
        for row in &deciding {
            self.load_body(*row, memory)?;
        }
        let stored = match (self.complete, self.through) {
            (false, Some(through)) => memory.kustomizations(through.id)?,
            _ => Vec::new(),
        };
        let live = self.files.iter().map(|(path, live)| (&**path, &live.file));
        let files = stored.iter().map(|(path, file)| (path.as_str(), file)).chain(live.filter(|_| self.complete));
        let kustomizations = files.filter_map(kustomization);
        let applies = deciding.iter().filter_map(|row| {
            let applies = self.rows[*row].body.as_ref()?.manifest().facts.applies.as_ref()?;
            Some((applies.path.as_deref().unwrap_or_default(), applies.target_namespace.as_deref()?))
        });
        let layout = Layout::new(kustomizations, applies);
        let asked: Vec<RowId> = match self.layout_changed {
            true => self.rows.active().collect(),
            false => self.placed.iter().copied().filter(|row| self.rows[*row].is_active()).collect(),
        };
        let mut memo = Memo::default();
        for row in asked {
            let state = &self.rows[row];
            let inherited = layout
                .inherited(file_of(&state.file_path), &mut memo)
                .filter(|namespace| *namespace != state.key.namespace);
            if inherited != state.inherited {
                self.rows[row].inherited = inherited;
                self.rows.touch(row);
            }
        }
        Ok(())
    }
}

fn kustomization<'a>((path, file): (&'a str, &'a Arc<ParsedFile>)) -> Option<(&'a str, &'a KustomizeFile)> {
    is_kustomization(path).then_some(())?;
    Some((path, file.kustomize.as_ref()?))
}
