//! The server's tests, in one binary: by route and verb (`api`), by job (`jobs`), by command (`cli`), by room (`layering`), by mail (`mail`), with a test app per database engine (`support`).

#![allow(clippy::disallowed_methods, reason = "tests look behind the entities")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop where something is wrong, and say what they skip"
)]

mod api;
mod backup;
mod bootstrap;
mod bounds;
mod certificates;
mod cli;
mod connections;
mod doctor;
mod framing;
mod jobs;
mod layering;
mod mail;
mod reload;
mod replicas;
mod samples;
mod ssh;
mod support;
mod tls;
mod traces;
mod watching;
