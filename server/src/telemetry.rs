//! Logs: text on a terminal, JSON otherwise, always to standard error. Traces: to a collector, where one is configured.

mod otlp;

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{AppConfig, TelemetryConfig};

pub use otlp::{continue_trace, name, traceparent};

/// Keeps telemetry going; what was not sent yet is sent when this is dropped.
#[must_use]
pub struct Telemetry(Option<otlp::Traces>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.0.take() {
            traces.end();
        }
    }
}

/// Starts logging and, where a collector is configured, tracing. Called once, by the program itself, before it runs
/// anything asynchronous.
///
/// # Errors
/// If the level is no `tracing` filter, or logging runs already.
pub fn start(config: &AppConfig, telemetry: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let wrong = |error| anyhow::anyhow!("app.log_level {:?} is no log filter: {error}", config.log_level);
    // A bare level is for our own rooms and for libraries that have something to warn about.
    let filter = match config.log_level.as_str() {
        "debug" | "trace" => format!("warn,server={0},entity={0},scan={0},git={0},app={0}", config.log_level),
        level => level.to_owned(),
    };
    let filter = EnvFilter::try_new(filter).map_err(wrong)?;
    let text = match config.log_format {
        "text" => true,
        "json" => false,
        _ => std::io::stderr().is_terminal(),
    };
    let failed = |error: TryInitError| anyhow::anyhow!("logging cannot start: {error}");
    let Some(endpoint) = &telemetry.otlp.endpoint else {
        tracing_subscriber::registry().with(filter).with(lines(text)).try_init().map_err(failed)?;
        return Ok(Telemetry(None));
    };
    // What is logged does not decide what is traced.
    let (traces, layer) = otlp::Traces::start(endpoint)?;
    tracing_subscriber::registry().with(lines(text).with_filter(filter)).with(layer).try_init().map_err(failed)?;
    Ok(Telemetry(Some(traces)))
}

/// What is written, as text or as one JSON object a line.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(text: bool) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = fmt::layer().with_writer(std::io::stderr);
    match text {
        true => layer.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
        false => layer.json().flatten_event(true).boxed(),
    }
}
