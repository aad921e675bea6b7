//! Blobs in, facts out: what YAML files say, and what changed between two commits.
//!
//! Knows neither git nor the database: callers hand in texts and get [`entity::input`] types back.

pub mod build;
pub mod chart;
pub mod count;
pub mod detect;
pub mod diff;
mod elsewhere;
pub mod figures;
pub mod file;
pub mod identity;
pub mod mask;
pub mod replay;
pub mod uses;
