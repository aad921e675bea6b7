//! Names that many rows share are stored once, under ids that follow from them.

use std::collections::HashSet;

use entity::input::{FoundChartSource, UsesBatch};
use entity::kind::ChartResolution;
use entity::value::clean;

use super::super::chart_use::ChartUse;

/// An id that follows from parts. Nobody can choose a part so that it meets a given id; that two of a billion meet by chance is
/// less likely than a broken disk.
pub fn stable_id(what: &str, parts: &[&[u8]]) -> i64 {
    let mut hash = blake3::Hasher::new();
    hash.update(what.as_bytes());
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let bytes = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&bytes.as_bytes()[..8]);
    // Positive, so that it reads well wherever it is shown.
    i64::from_le_bytes(first) & i64::MAX
}

/// The same for what people ask by its id: of JSON's numbers only 53 bits are exact everywhere.
fn shown_id(what: &str, name: &str) -> i64 {
    stable_id(what, &[name.as_bytes()]) & ((1 << 53) - 1)
}

/// Longest key in bytes: indexes of databases hold no longer ones, and none that is real comes near. A chart with a longer one is
/// stored as if it were not known where it comes from.
pub const MAX_KEY: usize = 1_000;

/// What was told to the database in this scan.
#[derive(Default)]
pub struct Names {
    charts: HashSet<i64>,
    aliases: HashSet<(Box<str>, i64)>,
    paths: HashSet<i64>,
    images: HashSet<i64>,
}

impl Names {
    /// Ids of a use's chart and source. A chart in a folder of the repository is its own: `charts/web` of one is not that of another.
    pub fn chart(&mut self, one: &ChartUse, batch: &mut UsesBatch) -> (Option<i64>, Option<i64>) {
        if one.how == ChartResolution::Local {
            return (None, None);
        }
        let key = one.key.as_deref().filter(|key| key.len() <= MAX_KEY);
        let group = one.group.as_deref().filter(|key| key.len() <= MAX_KEY);
        let (Some(key), Some(group)) = (key, group) else { return (None, None) };
        let id = shown_id("source", key);
        let chart_id = chart_id(group);
        if self.charts.insert(id) {
            batch.sources.push(FoundChartSource {
                id,
                key: clean(key),
                url: clean(one.source.as_deref().unwrap_or_default()),
                chart_id,
                chart_key: clean(group),
                chart_name: clean(group.trim_end_matches('/').rsplit('/').next().unwrap_or(group)),
            });
        }
        for alias in one.kubesearch.iter().filter(|alias| alias.len() <= MAX_KEY) {
            if self.aliases.insert((alias.clone(), chart_id)) {
                batch.aliases.push((clean(alias), chart_id));
            }
        }
        (Some(chart_id), Some(id))
    }

    /// The id of a path of values.
    pub fn path(&mut self, path: &str, batch: &mut UsesBatch) -> i64 {
        let id = path_id(path);
        if self.paths.insert(id) {
            batch.paths.push((id, clean(path)));
        }
        id
    }

    /// The id of an image.
    pub fn image(&mut self, name: &str, batch: &mut UsesBatch) -> i64 {
        let id = shown_id("image", name);
        if self.images.insert(id) {
            batch.images.push((id, clean(name)));
        }
        id
    }
}

/// The id of a chart.
#[must_use]
pub fn chart_id(key: &str) -> i64 {
    shown_id("chart", key)
}

/// The id of a path of values.
pub fn path_id(path: &str) -> i64 {
    stable_id("path", &[path.as_bytes()])
}
