//! All repositories together, day by day: computed by a job, read by pages and REST. Charts alone are counted when somebody asks.

mod activity;
mod aggregate;
mod births;
mod changes;
mod charts;
mod fold;
mod gather;
mod read;
mod spans;

pub use activity::list_release_activity;
pub use aggregate::{Plan, aggregate, ask_if_stale, finish, mark_stale, plan, run_step};
pub use charts::charts;
pub use read::{database_stats, find_latest, is_stale, list_days, overview, trends};
pub(crate) use read::{last_whole_day, of_days, with_newest};

use super::{ConnectionTrait, Result};

/// The kind whose resources are counted as releases.
const RELEASE: &str = "HelmRelease";
