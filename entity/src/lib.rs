//! The data crate: what the words mean, how they are stored, every question asked of them.
//!
//! Without features this is serde types only, safe for WebAssembly. `db` adds the tables, the
//! queries and the job queue; `openapi` adds schemas for the REST description.

pub mod credential;
pub mod found;
pub mod kind;
pub mod value;
pub mod view;

#[cfg(feature = "db")]
pub mod db;
#[cfg(feature = "db")]
pub mod query;
#[cfg(feature = "db")]
pub mod queue;
#[cfg(feature = "db")]
pub mod row;
#[cfg(feature = "db")]
pub mod table;
