//! Every question that pages, REST and jobs ask, and every write: all of our SQL.
//!
//! Questions take any connection first (`&db.read`, a transaction), then ids or one filter, and give back views.
//! Writes take `&db.write` or a transaction, and the time as `now`.

pub mod accounts;
pub mod audit;
pub mod charts;
pub mod commits;
pub(crate) mod days;
pub mod db;
pub mod discovery;
pub mod ecosystem;
pub mod events;
pub mod figures;
pub mod forges;
pub mod given;
pub mod images;
pub mod jobs;
pub mod kept;
pub mod mail;
pub mod maintenance;
pub mod outcomes;
pub mod overview;
pub mod problems;
pub mod queue;
pub mod reloads;
pub mod repositories;
pub mod resources;
pub mod scans;
pub mod schedules;
pub mod secrets;
pub mod tasks;
pub mod triggers;
pub mod watch;
pub mod workers;

pub use db::{ConnectionTrait, DataError, Result};
