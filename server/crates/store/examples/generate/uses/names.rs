//! What invented charts and images are called, their versions, and the ids that follow from names.

use std::collections::{BTreeMap, BTreeSet};

use entity::input::FoundChartSource;

use super::super::invent::{APPS, PARTS};
use super::Told;

/// Names that this repository has told, each once.
#[derive(Default)]
pub(super) struct Names {
    pub charts: BTreeSet<usize>,
    pub paths: BTreeMap<String, i64>,
    pub images: BTreeMap<String, i64>,
}

impl Told<'_> {
    /// Ids of a chart and of the place it comes from, that place's address, and the chart's name there.
    pub(super) fn chart(&mut self, chart: usize) -> (i64, i64, String, String) {
        let (key, name) = chart_key(chart);
        let chart_id = shown_id("chart", &key);
        // Some are kept in two places.
        let twice = chart % 4 == 1;
        let elsewhere = twice && self.dice.roll(3) == 0;
        if self.names.charts.insert(chart) {
            let keys = [Some(key.clone()), twice.then(|| format!("ghcr.io/mirrored/{name}"))];
            for source in keys.into_iter().flatten() {
                self.batch.sources.push(FoundChartSource {
                    id: shown_id("source", &source),
                    url: address_of(&source),
                    key: source,
                    chart_id,
                    chart_key: key.clone(),
                    chart_name: name.clone(),
                });
            }
            self.batch.aliases.push((format!("{}-{name}", key.replace(['/', '.'], "-")), chart_id));
        }
        let source = if elsewhere { format!("ghcr.io/mirrored/{name}") } else { key };
        (chart_id, shown_id("source", &source), address_of(&source), name)
    }

    pub(super) fn path(&mut self, path: String) -> i64 {
        let id = id_of(&["path", &path]);
        *self.names.paths.entry(path).or_insert(id)
    }

    pub(super) fn image(&mut self, name: String) -> i64 {
        let id = shown_id("image", &name);
        *self.names.images.entry(name).or_insert(id)
    }
}

/// Key and name of a chart, by its place among all.
fn chart_key(chart: usize) -> (String, String) {
    let Some(place) = chart.checked_sub(1) else {
        return ("ghcr.io/home-operations/charts/app-template".to_owned(), "app-template".to_owned());
    };
    let (app, part) = (APPS[place % APPS.len()], PARTS[place / APPS.len() % PARTS.len()]);
    let name = format!("{app}{part}");
    let key = if chart.is_multiple_of(2) {
        format!("ghcr.io/{app}/charts/{name}")
    } else {
        format!("{app}.example/charts/{name}")
    };
    (key, name)
}

/// The address of a registry or repository that has what a key names.
fn address_of(key: &str) -> String {
    let folder = key.rsplit_once('/').map_or(key, |(folder, _)| folder);
    let scheme = if key.starts_with("ghcr.io/") { "oci" } else { "https" };
    format!("{scheme}://{folder}")
}

pub(super) fn image_name(number: usize) -> String {
    let (app, part) = (APPS[number % APPS.len()], PARTS[number / APPS.len() % PARTS.len()]);
    let registry = ["ghcr.io", "docker.io", "quay.io"][number % 3];
    format!("{registry}/{app}/{app}{part}")
}

/// The nth version of a chart or image, higher than those before.
pub(super) fn version_of(of: usize, nth: usize) -> String {
    format!("{}.{}.{}", of % 9 + nth / 24, nth % 24 / 3, nth % 3)
}

/// An id that follows from words, positive.
pub(super) fn id_of(words: &[&str]) -> i64 {
    // FNV-1a, stirred once more: what is stored under it is invented.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in words.iter().flat_map(|word| word.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    (hash >> 1).cast_signed()
}

/// The same for what people ask by its id: of JSON's numbers only 53 bits are exact everywhere.
fn shown_id(what: &str, name: &str) -> i64 {
    id_of(&[what, name]) & ((1 << 53) - 1)
}
