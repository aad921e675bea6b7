//! Brings git and scan together: commits are walked and their files parsed on all cores, then applied in order.
//!
//! Used by the scan job, which stores the batches, and by the command line, which prints figures.

mod commit;
mod follower;
mod head;
mod kept;
mod memory;
mod origin;
mod parse;
mod tracking;
mod uses;
mod walk;

pub use commit::{read_commit, read_pushes};
pub use head::{HeadScan, scan_head};
pub use kept::{Followed, KeptUses};
pub use memory::StoredMemory;
pub use origin::Origins;
pub use parse::{Parser, scan_format};
pub use tracking::{Tracking, TrackingSettings};
pub use uses::{RepoBlobs, tree_changes, uses_of_head};
pub use walk::{BatchLimits, Progress, ReplayError, Walk, pack};

use entity::view::FieldChange;

/// The fields in which two manifests differ, exact; empty where a text cannot be read.
#[must_use]
pub fn compare(old: &str, new: &str) -> Vec<FieldChange> {
    let limits = yaml::Limits::default();
    let (Ok(old), Ok(new)) = (yaml::parse(old.as_bytes(), &limits), yaml::parse(new.as_bytes(), &limits)) else {
        return Vec::new();
    };
    match (old.first(), new.first()) {
        (Some(old), Some(new)) => scan::diff::diff(old.root(), new.root()).kept,
        _ => Vec::new(),
    }
}
