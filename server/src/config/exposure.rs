//! What `server` says of who may reach the program: proxies, TLS, how often one may ask, and figures for Prometheus.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use net::IpNet;
use serde::Serialize;

use super::reader::Section;
use super::secret::{Secret, read_secret};

/// A network whose proxies are believed.
///
/// # Errors
/// A sentence, also for "everybody": whoever is believed can take any address.
pub(super) fn parse_proxy(text: &str) -> Result<IpNet, String> {
    let network = net::parse_network(text)?;
    match network.prefix_len() {
        0 => Err(format!("{text:?} is everybody; name the proxies' own addresses or networks, such as 10.0.0.7")),
        _ => Ok(network),
    }
}

/// `server.tls`: the certificate that connections are encrypted with.
#[derive(Clone, Debug, Serialize)]
pub struct TlsConfig {
    /// The certificate with its chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl TlsConfig {
    pub(super) fn read(section: Section<'_>) -> Option<Self> {
        let (cert, key) = (section.text("cert").map(PathBuf::from), section.text("key").map(PathBuf::from));
        for (name, missing, other) in [("cert", cert.is_none(), key.is_some()), ("key", key.is_none(), cert.is_some())]
        {
            // One that was refused has its error already.
            if missing && other && !section.has(name) {
                section.error(name, "is missing; TLS needs a certificate and its key");
            }
        }
        section.finish();
        Some(Self { cert: cert?, key: key? })
    }
}

/// `server.rate_limits`: how often one may ask the API.
#[derive(Clone, Debug, Serialize)]
pub struct RateLimitsConfig {
    /// `auto` (unless only this machine reaches the program), `true` or `false`.
    pub enabled: &'static str,
    /// Without an account, by address (of IPv6: by /64).
    pub anonymous_per_hour: NonZeroU32,
    /// By account.
    pub signed_in_per_hour: NonZeroU32,
}

const ANONYMOUS: NonZeroU32 = NonZeroU32::new(100).unwrap();
const SIGNED_IN: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

impl Default for RateLimitsConfig {
    fn default() -> Self {
        Self { enabled: "auto", anonymous_per_hour: ANONYMOUS, signed_in_per_hour: SIGNED_IN }
    }
}

impl RateLimitsConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let or = Self::default();
        let per_hour = |name| {
            let number = section.number(name, 1..=1_000_000).and_then(|number| u32::try_from(number).ok());
            number.and_then(NonZeroU32::new)
        };
        let config = Self {
            enabled: section.one_of("enabled", &["auto", "true", "false"]).unwrap_or(or.enabled),
            anonymous_per_hour: per_hour("anonymous_per_hour").unwrap_or(or.anonymous_per_hour),
            signed_in_per_hour: per_hour("signed_in_per_hour").unwrap_or(or.signed_in_per_hour),
        };
        section.finish();
        config
    }
}

/// `server.metrics`: figures for Prometheus.
#[derive(Clone, Debug, Serialize)]
pub struct MetricsConfig {
    /// Whether they are served at all.
    pub enabled: bool,
    /// Who brings it may read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// An address of their own, in place of `/metrics` among the pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { enabled: true, token: None, listen: None }
    }
}

impl MetricsConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const SHORTEST: usize = 16;
        let token = read_secret(&section, "token", |text| match text.len() {
            ..SHORTEST => Err(format!("has fewer than {SHORTEST} characters, which can be guessed")),
            _ => Ok(()),
        });
        let config = Self {
            enabled: section.switch("enabled").unwrap_or(true),
            token,
            listen: section.value("listen", |text| {
                text.parse().map_err(|_| format!("{text:?} is no address with a port, such as 127.0.0.1:9090"))
            }),
        };
        section.finish();
        config
    }
}
