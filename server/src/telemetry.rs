//! Logs: text on a terminal, JSON otherwise, always to standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::AppConfig;

/// Starts logging. Called once, by the program itself.
///
/// # Errors
/// If the level is no `tracing` filter, or logging runs already.
pub fn start(config: &AppConfig) -> anyhow::Result<()> {
    let wrong = |error| anyhow::anyhow!("app.log_level {:?} is no log filter: {error}", config.log_level);
    // A bare level is for our own rooms and for libraries that have something to warn about.
    let filter = match config.log_level.as_str() {
        "debug" | "trace" => format!("warn,server={0},entity={0},scan={0},git={0},app={0}", config.log_level),
        level => level.to_owned(),
    };
    let filter = EnvFilter::try_new(filter).map_err(wrong)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let text = match config.log_format {
        "text" => true,
        "json" => false,
        _ => std::io::stderr().is_terminal(),
    };
    let started = if text {
        builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
