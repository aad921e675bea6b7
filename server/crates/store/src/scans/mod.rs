//! What a replay reads and writes: known resources, batches, scan runs.

use super::{ConnectionTrait, DataError, Result};
use crate::db::Connection;

mod apply;
mod deltas;
mod events;
mod figures;
mod known;
mod known_uses;
mod parts;
mod past;
mod raw;
mod regroup;
mod resources;
mod rewind;
mod runs;
mod templates;
pub(crate) mod totals;
mod unused;
mod uses;

pub use apply::apply_batch;
pub use known::{event_commits, known_all, known_by_files, known_by_keys, known_by_source, known_sources};
pub use known_uses::{known_images, known_references, known_uses, known_values, newest_use_time};
pub(crate) use past::leaves_at;
pub use past::{gone_for_a_while, known_at};
pub(crate) use rewind::first_use_after;
pub use rewind::rewind;
pub use runs::{begin_scan, fail_scan, finish_scan, list_scan_runs, record_format, record_odd_paths};
pub use templates::mark_helm_templates;
pub use unused::remove_unused_manifests;

/// `apps` of `apps/v1`, nothing of `v1`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}
