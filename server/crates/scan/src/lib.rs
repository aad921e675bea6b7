//! Blobs in, facts out: what YAML files say, and what changed between two commits.
//!
//! Knows neither git nor the database: callers hand in texts and get [`entity::found`] types back.

pub mod identity;
pub mod mask;
pub mod yaml;
