use serde::Serialize;
use url::Url;

use super::reader::Section;

/// `telemetry`: what is told to other programs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TelemetryConfig {
    /// Traces.
    pub otlp: OtlpConfig,
}

/// `telemetry.otlp`: traces by OTLP.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OtlpConfig {
    /// A collector's address (HTTP), or `OTEL_EXPORTER_OTLP_ENDPOINT`; nothing is traced without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Url>,
}

impl TelemetryConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let otlp = section.section("otlp");
        let reader = section.reader();
        let endpoint = otlp.value("endpoint", parse).or_else(|| {
            let text = reader.environment().get(VARIABLE).filter(|text| !text.is_empty() && !otlp.has("endpoint"))?;
            parse(text).map_err(|message| reader.error(&format!("${VARIABLE}"), None, message)).ok()
        });
        otlp.finish();
        section.finish();
        Self { otlp: OtlpConfig { endpoint } }
    }
}

/// The address itself may be shown, so it holds no secret.
fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        return Err("is no address of a collector, such as http://localhost:4318".to_owned());
    };
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(url),
        false => Err("holds a password; OTEL_EXPORTER_OTLP_HEADERS says what the collector wants to see".to_owned()),
    }
}
