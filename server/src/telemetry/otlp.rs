//! Traces by OTLP (HTTP, protobuf): our own spans of requests and jobs, of which those that belong together are one trace.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::seldom::Seldom;

/// A collector that takes longer does not answer.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// What is left at the end is sent by then, or lost.
const ENDED_WITHIN: Duration = Duration::from_secs(5);

/// Nothing is asked of a span where nobody traces.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Traces on their way to a collector.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to this address of a collector.
    pub(super) fn start<S>(endpoint: &url::Url) -> anyhow::Result<(Self, impl Layer<S> + Send + Sync)>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(of_traces(endpoint))
            .with_timeout(SENT_WITHIN)
            .build()
            .map_err(|error| {
                anyhow::anyhow!("telemetry.otlp.endpoint: traces cannot be sent to {endpoint}: {error}")
            })?;
        // OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME are read by the builder.
        let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name("kubestats"),
        };
        let exporter = Exporter { exporter, failed: Seldom::default() };
        let provider =
            SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("kubestats"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(Targets::new().with_target("server", LevelFilter::INFO));
        IS_ON.store(true, Ordering::Relaxed);
        Ok((Self(provider), layer))
    }

    /// Sends what is left.
    pub(super) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(ENDED_WITHIN) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// The place for traces below a collector's address, as its standard has it.
fn of_traces(endpoint: &url::Url) -> String {
    let base = endpoint.as_str().trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

/// Says in the log, once in a while, that a collector takes nothing; the program goes on without.
struct Exporter {
    exporter: opentelemetry_otlp::SpanExporter,
    failed: Seldom,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        if let Err(error) = &sent
            && let Some(times) = self.failed.say(Instant::now())
        {
            tracing::warn!(%error, times, "traces could not be sent to telemetry.otlp.endpoint and are lost");
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Names a span among traces, and says what the log has no use for.
pub fn name(span: &Span, name: impl FnOnce() -> String, attributes: impl FnOnce() -> Vec<KeyValue>) {
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    let context = span.context();
    let span = context.span();
    span.update_name(name());
    span.set_attributes(attributes());
}

/// Where a span stands, as W3C's `traceparent` has it; nothing where nobody traces.
#[must_use]
pub fn traceparent(span: &Span) -> Option<String> {
    if !IS_ON.load(Ordering::Relaxed) {
        return None;
    }
    let context = span.context();
    let of = context.span().span_context().clone();
    of.is_valid().then(|| format!("00-{}-{}-{:02x}", of.trace_id(), of.span_id(), of.trace_flags().to_u8()))
}

/// Makes a span that was just made a part of what caused it.
pub fn continue_trace(span: &Span, traceparent: Option<&str>) {
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    if let Some(parent) = traceparent.and_then(parse) {
        // Fails only where nobody listens to the span.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let ("00", trace, span, flags, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE)).filter(SpanContext::is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_its_standard_has_it() {
        let found = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(found.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(found.is_sampled() && found.is_remote());
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-x-y-z",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn traces_have_their_place_below_the_collector() {
        for (endpoint, place) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("https://c.example/otlp/", "https://c.example/otlp/v1/traces"),
            ("https://c.example/v1/traces", "https://c.example/v1/traces"),
        ] {
            assert_eq!(of_traces(&endpoint.parse().unwrap()), place);
        }
    }
}
