//! The words: what they mean and how they are stored. No question is asked here.
//!
//! Without features this is serde types only, safe for WebAssembly. `db` adds the tables, `openapi` schemas for the REST
//! description.

pub mod address;
pub mod credential;
pub mod duration;
pub mod input;
pub mod kind;
pub mod pattern;
pub mod value;
pub mod view;

#[cfg(feature = "db")]
pub mod table;
