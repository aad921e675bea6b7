//! What does the work: configuration, forge clients, git, the scan engine, jobs, REST.

// A page is one type, as deep as its elements are nested.
#![recursion_limit = "512"]

pub mod clock;
pub mod config;
pub mod state;
pub mod web;
