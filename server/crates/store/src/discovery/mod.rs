//! Discovery: runs and what they found, what forges know of repositories, and what people decide about them.

mod facts;
mod people;
mod runs;
mod why;

pub use facts::{
    Asked, KnownRepository, MetricsTarget, ask_anew, find_metrics_target, is_taken, list_known, list_metrics_targets,
    record_facts, record_gone, record_metrics, record_tags, take_up, touch_facts,
};
pub use people::{Decided, Tombstone, approve, block, lift_tombstones, list_tombstones, remove_repository_for_good};
pub use runs::{
    PageCounts, StoredRun, begin_run, count_seen, discovery, find_current_run, find_run, finish_run, forget_rejected,
    list_runs, record_rejected, record_run, record_seen,
};
pub use why::why_not;

pub use super::forges::budgets;
pub use entity::pattern::matches;
