//! Logs: text on a terminal, JSON otherwise, always to standard error. Traces: to a collector, where one is configured.

mod otlp;

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt, reload};

use crate::config::{AppConfig, TelemetryConfig};

pub use otlp::{continue_trace, name, traceparent};

/// Keeps telemetry going; what was not sent yet is sent when this is dropped.
#[must_use]
pub struct Telemetry {
    traces: Option<otlp::Traces>,
    log_level: LogLevel,
}

impl Telemetry {
    /// What is logged, to be changed.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            traces.end();
        }
    }
}

/// Changes what is logged while the program runs.
#[derive(Clone)]
pub struct LogLevel(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl Default for LogLevel {
    /// Of a process that does not log.
    fn default() -> Self {
        Self(Arc::new(|_| Ok(())))
    }
}

impl LogLevel {
    fn new<S: Subscriber + 'static>(handle: reload::Handle<EnvFilter, S>) -> Self {
        Self(Arc::new(move |filter| handle.reload(filter)))
    }

    /// Logs by another `app.log_level` from now on.
    ///
    /// # Errors
    /// If it is no filter, or nothing is logged any more.
    pub fn set(&self, level: &str) -> Result<(), String> {
        let filter = filter(level)?;
        (self.0)(filter).map_err(|error| error.to_string())
    }
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    // A bare level is for our own rooms and for libraries that have something to warn about.
    let directives = match level {
        "debug" | "trace" => format!("warn,server={level},entity={level},scan={level},git={level},app={level}"),
        level => level.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|error| format!("app.log_level {level:?} is no log filter: {error}"))
}

/// Starts logging and, where a collector is configured, tracing. Called once, by the program itself, before it runs
/// anything asynchronous.
///
/// # Errors
/// If the level is no `tracing` filter, or logging runs already.
pub fn start(config: &AppConfig, telemetry: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let filter = filter(&config.log_level).map_err(anyhow::Error::msg)?;
    let text = match config.log_format {
        "text" => true,
        "json" => false,
        _ => std::io::stderr().is_terminal(),
    };
    let failed = |error: TryInitError| anyhow::anyhow!("logging cannot start: {error}");
    let Some(endpoint) = &telemetry.otlp.endpoint else {
        let (filter, handle) = reload::Layer::new(filter);
        tracing_subscriber::registry().with(filter).with(lines(text)).try_init().map_err(failed)?;
        return Ok(Telemetry { traces: None, log_level: LogLevel::new(handle) });
    };
    // What is logged does not decide what is traced.
    let (filter, handle) = reload::Layer::new(filter);
    let (traces, layer) = otlp::Traces::start(endpoint)?;
    tracing_subscriber::registry().with(lines(text).with_filter(filter)).with(layer).try_init().map_err(failed)?;
    Ok(Telemetry { traces: Some(traces), log_level: LogLevel::new(handle) })
}

/// What is written, as text or as one JSON object a line.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(text: bool) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = fmt::layer().with_writer(std::io::stderr);
    match text {
        true => layer.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
        false => layer.json().flatten_event(true).boxed(),
    }
}
