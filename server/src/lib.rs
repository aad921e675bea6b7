//! What does the work: configuration, forge clients, git, the scan engine, jobs, REST.

// A page is one type, as deep as its elements are nested.
#![recursion_limit = "512"]

pub mod adding;
pub mod backup;
pub mod bootstrap;
pub mod build_info;
pub mod cli;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod forges;
pub mod jobs;
pub mod mail;
pub mod replay;
pub mod samples;
mod seldom;
pub mod start;
pub mod state;
pub mod telemetry;
mod turns;
pub mod watching;
pub mod web;
