//! Handing over what waits: rows as they stand now, events, texts, problems.

use entity::input::{Batch, FoundManifest};

use super::{Decisive, Memory, MemoryError, Pending, Replay, RowId};

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
        self.decisive = Decisive::default();
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
            uses: entity::input::UsesBatch::default(),
        };
        self.stored = self.through;
        self.pending = Pending::default();
        Ok(batch)
    }
}
