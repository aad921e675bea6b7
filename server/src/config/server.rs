use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use net::IpNet;
use serde::Serialize;

use super::duration;
use super::exposure::{MetricsConfig, RateLimitsConfig, TlsConfig, parse_proxy};
use super::reader::Section;

/// `server`: how many may be connected, how long they may let us wait, and what is believed of whom.
#[derive(Clone, Debug, Serialize)]
pub struct ServerConfig {
    /// Connections at once; for one more the one that waits longest for its next request is closed.
    pub max_connections: usize,
    /// The same from one address (of IPv6: one /64); nothing for no such bound.
    #[serde(serialize_with = "number_or_off")]
    pub max_connections_per_address: Option<usize>,
    /// A request's head is here by then, once it has begun.
    #[serde(serialize_with = "duration::serialize")]
    pub header_timeout: Duration,
    /// A connection without a request is closed then. Browsers give up such that they opened ahead after 10 s by themselves.
    #[serde(serialize_with = "duration::serialize")]
    pub idle_timeout: Duration,
    /// A request's body that does not go on, or an answer that nobody reads, is given up then.
    #[serde(serialize_with = "duration::serialize")]
    pub stall_timeout: Duration,
    /// Whether everybody who reaches the program may read.
    pub anonymous_read: bool,
    /// Where people find the program, such as https://kubestats.example.org; links and cookies depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Networks of proxies that are believed when they say who asks, and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpNet>,
    /// Plain HTTP where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// How often one may ask.
    pub rate_limits: RateLimitsConfig,
    /// Figures for Prometheus.
    pub metrics: MetricsConfig,
}

fn number_or_off<S: serde::Serializer>(number: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.serialize_u64(*number as u64),
        None => serializer.serialize_str("off"),
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_connections: 2_000,
            max_connections_per_address: Some(500),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_secs(20),
            anonymous_read: true,
            public_url: None,
            trusted_proxies: Vec::new(),
            tls: None,
            rate_limits: RateLimitsConfig::default(),
            metrics: MetricsConfig::default(),
        }
    }
}

impl ServerConfig {
    /// Whether others than this machine's own people come by an address that is named, or by a proxy.
    #[must_use]
    pub fn is_reached_by_others(&self) -> bool {
        let named = self.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
        !self.trusted_proxies.is_empty() || named.is_some_and(|url| !url.host_str().is_none_or(is_this_machine))
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        const MOST: usize = 1_000_000;
        const SECOND: Duration = Duration::from_secs(1);
        let or = Self::default();
        let per_address = section.value("max_connections_per_address", |text| match text.parse::<NonZeroUsize>() {
            // `off` is read as a switch by some.
            _ if matches!(text, "off" | "false") => Ok(None),
            Ok(number) if number.get() <= MOST => Ok(Some(number.get())),
            _ => Err(format!("found {text:?}; a whole number from 1 to {MOST}, or off, is allowed")),
        });
        let config = Self {
            max_connections: section
                .number("max_connections", 1..=MOST as u64)
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(or.max_connections),
            max_connections_per_address: per_address.unwrap_or(or.max_connections_per_address),
            header_timeout: section.duration("header_timeout", SECOND).unwrap_or(or.header_timeout),
            idle_timeout: section.duration("idle_timeout", SECOND).unwrap_or(or.idle_timeout),
            stall_timeout: section.duration("stall_timeout", SECOND).unwrap_or(or.stall_timeout),
            anonymous_read: section.switch("anonymous_read").unwrap_or(or.anonymous_read),
            public_url: section.value("public_url", public_url),
            trusted_proxies: section.list("trusted_proxies", parse_proxy).unwrap_or_default(),
            tls: TlsConfig::read(section.section("tls")),
            rate_limits: RateLimitsConfig::read(section.section("rate_limits")),
            metrics: MetricsConfig::read(section.section("metrics")),
        };
        section.finish();
        config
    }
}

/// Whether a host, as it stands in an address, is the machine that the address is used on.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = address.is_ok_and(|address| address.to_canonical().is_loopback());
    host == "localhost" || host.ends_with(".localhost") || is_loopback
}

/// An address that people type, without what follows the host and port.
fn public_url(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no address such as https://kubestats.example.org");
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let plain =
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.path() == "/" && url.query().is_none();
    if plain { Ok(url.origin().ascii_serialization()) } else { Err(wrong()) }
}
