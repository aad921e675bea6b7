//! What does the work: configuration, forge clients, git, the scan engine, jobs, REST.

pub mod clock;
pub mod config;
pub mod state;
pub mod web;
