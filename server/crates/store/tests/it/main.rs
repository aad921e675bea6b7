//! Every question and every write, on SQLite always and on PostgreSQL when `KUBESTATS_TEST_POSTGRES_URL` names a
//! server (`pg_virtualenv` gives one).
#![allow(clippy::disallowed_methods, reason = "tests look behind the entities")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests stop where something is wrong, and say what they skip"
)]

#[path = "../../examples/generate/fill.rs"]
mod fill;
mod support;

mod accounts;
mod chart_keys;
mod chart_steps;
mod deliveries;
mod ecosystem;
mod ecosystem_charts;
mod encryption;
mod forges;
mod history;
mod kept;
mod limits;
mod maintenance;
mod metrics;
mod migrations;
mod outcomes;
mod overview;
mod plans;
mod problems;
mod queue;
mod reloads;
mod repositories;
mod resources;
mod same_rows;
mod scans;
mod schedules;
mod tables;
mod tasks;
mod totals;
mod triggers;
mod watch;
