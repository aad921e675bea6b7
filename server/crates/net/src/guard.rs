//! The guard itself: checks literal addresses, resolves names and checks what they lead to.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::address::{Class, class};

/// Why an address may not be talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "{host} leads to {address}, {}: security.allowed_networks can name its network if that is meant",
        class.as_str()
    )]
    Address { host: String, address: IpAddr, class: Class },
    #[error("the name {host} leads nowhere: {reason}")]
    Unresolved { host: String, reason: String },
    #[error("{url} names no host")]
    NoHost { url: String },
}

/// Public addresses, the networks that the operator allows, and the hosts that the operator named himself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressGuard {
    allowed: Vec<IpNet>,
    trusted: BTreeSet<String>,
}

/// Reads `10.0.0.0/8`, or one address.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network| network.trunc()).ok_or_else(|| {
        format!("{text:?} is no network; write an address or a network, such as 10.0.0.7 or 192.168.0.0/16")
    })
}

impl AddressGuard {
    /// A guard that lets these networks through beside public addresses. Proxies that the environment names are trusted, as
    /// without them nothing could be reached.
    #[must_use]
    pub fn new(allowed: impl IntoIterator<Item = IpNet>) -> Self {
        let mut guard = Self { allowed: allowed.into_iter().collect(), trusted: BTreeSet::new() };
        for variable in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            if let Some(url) = std::env::var(variable).ok().and_then(|text| Url::parse(&text).ok()) {
                guard = guard.trusting_host_of(&url);
            }
        }
        guard
    }

    /// Lets the host of an address through that the operator wrote down, wherever it leads.
    #[must_use]
    pub fn trusting_host_of(mut self, url: &Url) -> Self {
        self.trusted.extend(url.host_str().map(normal));
        self
    }

    /// Whether one address may be talked to; `host` is named in the refusal.
    ///
    /// # Errors
    /// If it is not a public address and in no allowed network.
    pub fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let address = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        match class(address) {
            Some(class) if !self.allowed.iter().any(|network| network.contains(&address)) => {
                Err(Refused::Address { host: host.to_owned(), address, class })
            }
            _ => Ok(()),
        }
    }

    /// Whether the host of an address may be talked to as far as can be told without asking for its name: connectors do not
    /// resolve literal addresses, so this is to be called for every URL and every redirect.
    ///
    /// # Errors
    /// If the host is a literal address that is refused, or there is none.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        if self.trusted.contains(&normal(host)) {
            return Ok(());
        }
        match url.host() {
            Some(Host::Ipv4(v4)) => self.check_address(host, v4.into()),
            Some(Host::Ipv6(v6)) => self.check_address(host, v6.into()),
            // Schemes that are not of the web keep addresses as text.
            Some(Host::Domain(name)) => match name.trim_matches(['[', ']']).parse() {
                Ok(address) => self.check_address(name, address),
                Err(_) => Ok(()),
            },
            None => Err(Refused::NoHost { url: url.as_str().chars().take(200).collect() }),
        }
    }

    /// Resolves a name and checks every address behind it. Blocks.
    ///
    /// # Errors
    /// If the name is unknown or one of its addresses is refused: a name that leads both ways is not to be trusted.
    pub fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let host = host.trim_matches(['[', ']']);
        let unresolved = |reason: String| Refused::Unresolved { host: host.to_owned(), reason };
        let found: Vec<SocketAddr> =
            (host, port).to_socket_addrs().map_err(|error| unresolved(error.to_string()))?.collect();
        self.check_all(host, found)
    }

    fn check_all(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        if found.is_empty() {
            return Err(Refused::Unresolved { host: host.to_owned(), reason: "it has no address".to_owned() });
        }
        if !self.trusted.contains(&normal(host)) {
            for address in &found {
                self.check_address(host, address.ip())?;
            }
        }
        Ok(found)
    }

    /// For HTTP clients: what is checked is what is connected to.
    #[must_use]
    pub fn resolver(self: &Arc<Self>) -> Arc<GuardedResolver> {
        Arc::new(GuardedResolver(Arc::clone(self)))
    }
}

fn normal(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

/// Resolves names for an HTTP client and gives only addresses that may be talked to.
#[derive(Debug)]
pub struct GuardedResolver(Arc<AddressGuard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = match tokio::net::lookup_host((host.as_str(), 0)).await {
                Ok(found) => found.collect(),
                Err(error) => {
                    return Err(Refused::Unresolved { host: host.clone(), reason: error.to_string() }.into());
                }
            };
            let checked = guard.check_all(&host, found)?;
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn literal_addresses_are_refused_however_they_are_written() {
        let guard = AddressGuard::default();
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:a9fe:a9fe]/latest/meta-data",
            "http://169.254.169.254/",
            "ssh://git@10.0.0.1/n",
            "ssh://git@[fd00::1]/n",
        ] {
            assert!(matches!(guard.check_url(&url(text)), Err(Refused::Address { .. })), "{text}");
        }
        assert_eq!(guard.check_url(&url("https://140.82.121.3/")), Ok(()));
        assert_eq!(guard.check_url(&url("https://github.com/")), Ok(()));
    }

    #[test]
    fn names_are_refused_by_what_they_lead_to() {
        let guard = AddressGuard::default();
        let refused = guard.resolve("localhost", 22).unwrap_err();
        assert!(matches!(refused, Refused::Address { class: Class::Loopback, .. }), "{refused}");
        assert!(refused.to_string().contains("security.allowed_networks"), "{refused}");
        assert!(matches!(guard.resolve("no-such-host.invalid", 22), Err(Refused::Unresolved { .. })));
        let mixed = ["1.1.1.1:1", "10.0.0.1:1"].map(|text| text.parse().unwrap()).to_vec();
        assert!(guard.check_all("both.example", mixed).is_err());
    }

    #[test]
    fn allowed_networks_and_trusted_hosts_pass() {
        let guard = AddressGuard::new([parse_network("127.0.0.0/8").unwrap(), parse_network("::1").unwrap()]);
        assert!(guard.resolve("localhost", 22).is_ok());
        assert_eq!(guard.check_url(&url("http://[::ffff:127.0.0.1]/")), Ok(()));
        assert!(guard.check_url(&url("http://10.0.0.1/")).is_err());
        let guard = guard.trusting_host_of(&url("https://10.0.0.1:8443/api/v4"));
        assert_eq!(guard.check_url(&url("http://10.0.0.1/")), Ok(()));
        assert!(guard.check_url(&url("http://10.0.0.2/")).is_err());
    }

    #[test]
    fn networks_are_read_or_refused_with_an_example() {
        assert_eq!(parse_network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(parse_network("fd00::1").unwrap().to_string(), "fd00::1/128");
        assert!(parse_network("home").unwrap_err().contains("192.168.0.0/16"));
    }

    #[tokio::test]
    async fn a_client_connects_to_no_name_that_leads_inside() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let guard = Arc::new(AddressGuard::default());
        let client = reqwest::Client::builder().dns_resolver(guard.resolver()).no_proxy().build().unwrap();
        let error = client.get(format!("http://localhost:{port}/")).send().await.unwrap_err();
        let mut causes = format!("{error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            causes = format!("{causes}: {cause}");
            source = cause.source();
        }
        assert!(causes.contains("loopback"), "{causes}");
        let nobody = tokio::time::timeout(std::time::Duration::from_millis(100), listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }
}
