//! Who asks, and how: the peer of the connection, or what proxies say of it that the operator trusts.
//!
//! Anybody can send `X-Forwarded-For`. What it says is believed from its end, where the proxy that is connected to us has
//! written, only for as long as each address before belongs to a trusted proxy ([`TrustedProxies`]). A proxy speaks either
//! the `X-Forwarded-` headers or `Forwarded` (RFC 7239) and lets the other pass as its client sent it: where both are there
//! and differ, neither is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use net::IpNet;

/// More proxies in a row are none.
const MOST_PROXIES: usize = 16;
/// More than so many bytes of these headers are not read.
const MOST_BYTES: usize = 4 << 10;

/// A request's connection, as the listener knows it; in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Who is connected.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted by ourselves.
    pub is_tls: bool,
}

/// Who asks, in the request's extensions: the one place that knows addresses, scheme and host as the client has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where the client is; unspecified where there is no connection.
    pub address: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub https: bool,
    /// The host (with its port) that the client asked for.
    pub host: Option<Arc<str>>,
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Those of these networks.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who asks.
    #[must_use]
    pub fn client(&self, connection: Option<&Connection>, uri: &Uri, headers: &HeaderMap) -> Client {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = uri.authority().map(Authority::as_str).or(host).and_then(host_of);
        let Some(connection) = connection else {
            return Client { address: Ipv4Addr::UNSPECIFIED.into(), https: false, host };
        };
        let direct = Client { address: connection.peer.ip().to_canonical(), https: connection.is_tls, host };
        if !self.has(direct.address) {
            return direct;
        }
        let told = (self.told_by_headers(&direct, headers), self.told_by_forwarded(&direct, headers));
        match told {
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) if one == other => one,
            (None, None) => direct,
            (Some(_), Some(_)) => {
                tracing::debug!(proxy = %direct.address, "X-Forwarded- headers and Forwarded differ: neither is believed");
                direct
            }
        }
    }

    /// By `X-Forwarded-For`, `-Proto` and `-Host`. Of the last two the end counts: a trusted proxy has written it.
    fn told_by_headers(&self, direct: &Client, headers: &HeaderMap) -> Option<Client> {
        let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
        if !names.iter().any(|name| headers.contains_key(*name)) {
            return None;
        }
        let [addresses, schemes, hosts] = names.map(|name| list(headers, name));
        let mut address = direct.address;
        for told in addresses.into_iter().rev().take(MOST_PROXIES) {
            match address_of(told).filter(|_| self.has(address)) {
                Some(told) => address = told,
                None => break,
            }
        }
        Some(Client {
            address,
            https: schemes.last().and_then(|scheme| is_https(scheme)).unwrap_or(direct.https),
            host: hosts.last().and_then(|host| host_of(host)).or_else(|| direct.host.clone()),
        })
    }

    /// By `Forwarded`, each of whose parts a proxy has written of who was connected to it.
    fn told_by_forwarded(&self, direct: &Client, headers: &HeaderMap) -> Option<Client> {
        headers.contains_key(header::FORWARDED).then_some(())?;
        let mut client = direct.clone();
        for part in list(headers, "forwarded").into_iter().rev().take(MOST_PROXIES) {
            if !self.has(client.address) {
                break;
            }
            let mut address = None;
            for (name, value) in part.split(';').filter_map(|pair| pair.split_once('=')) {
                let value = unquoted(value.trim());
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => address = address_of(value),
                    "proto" => client.https = is_https(value).unwrap_or(client.https),
                    "host" => client.host = host_of(value).or(client.host),
                    _ => {}
                }
            }
            match address {
                Some(address) => client.address = address,
                None => break,
            }
        }
        Some(client)
    }
}

/// Puts the [`Client`] into every request's extensions.
pub async fn tell(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>();
    let client = proxies.client(connection, request.uri(), request.headers());
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// One party's addresses count as one: of IPv6 everybody has a whole /64.
#[must_use]
pub fn one_party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

/// A header's entries over all its lines, in order. A line that is no text hides those before it.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for value in headers.get_all(name) {
        bytes += value.len();
        match value.to_str() {
            Ok(text) if bytes <= MOST_BYTES => found.extend(text.split(',').map(str::trim)),
            _ => found = vec![""],
        }
    }
    found
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// An address with or without a port, as either header has it.
fn address_of(text: &str) -> Option<IpAddr> {
    let within = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let address = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.or_else(|| within?.parse::<Ipv6Addr>().ok().map(IpAddr::V6)).map(|address| address.to_canonical())
}

fn is_https(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

fn host_of(text: &str) -> Option<Arc<str>> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    ((1..=300).contains(&text.len()) && text.bytes().all(is_host)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    /// The client that proxies of 10.0.0.0/8 and `2001:db8:aa::/48` tell of: address, https, host.
    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, bool, String) {
        let proxies = TrustedProxies::new(&["10.0.0.0/8".parse().unwrap(), "2001:db8:aa::/48".parse().unwrap()]);
        let connection = Connection { peer: SocketAddr::new(peer.parse().unwrap(), 5000), is_tls: false };
        let mut map: HeaderMap = [(header::HOST, HeaderValue::from_static("direct.lan"))].into_iter().collect();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let client = proxies.client(Some(&connection), &Uri::from_static("/"), &map);
        (client.address.to_string(), client.https, client.host.unwrap().to_string())
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        let lies =
            [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")];
        assert_eq!(client("203.0.113.9", &lies), ("203.0.113.9".into(), false, "direct.lan".into()));
        let lies = [("forwarded", "for=1.1.1.1;proto=https;host=evil.example")];
        assert_eq!(client("203.0.113.9", &lies), ("203.0.113.9".into(), false, "direct.lan".into()));
        assert_eq!(client("10.0.0.1", &[]), ("10.0.0.1".into(), false, "direct.lan".into()));
    }

    #[test]
    fn the_chain_is_followed_from_its_end_to_the_first_who_is_no_trusted_proxy() {
        for (peer, told, address) in [
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9:1234, 10.9.9.9:80", "203.0.113.9"),
            ("2001:db8:aa::1", "[2001:db8:bb::7]:443", "2001:db8:bb::7"),
            ("10.0.0.1", "2001:db8:bb::7,[2001:db8:aa::2]", "2001:db8:bb::7"),
            // Whoever is not understood ends the chain: who wrote it is known, what is before it is not.
            ("10.0.0.1", "1.1.1.1, unknown", "10.0.0.1"),
            ("10.0.0.1", "1.1.1.1, junk, 10.9.9.9", "10.9.9.9"),
            ("10.0.0.1", "", "10.0.0.1"),
            // All of them proxies: the request comes from the outermost.
            ("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ] {
            assert_eq!(client(peer, &[("x-forwarded-for", told)]).0, address, "{peer}: {told}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1, 203.0.113.9"), ("x-forwarded-for", "10.9.9.9")];
        assert_eq!(client("10.0.0.1", &lines).0, "203.0.113.9", "lines are one list");
    }

    #[test]
    fn scheme_and_host_are_those_that_a_trusted_proxy_wrote_last() {
        let told = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example, stats.example.org"),
        ];
        assert_eq!(client("10.0.0.1", &told), ("203.0.113.9".into(), true, "stats.example.org".into()));
        let odd = [("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a b<script>")];
        assert_eq!(client("10.0.0.1", &odd), ("10.0.0.1".into(), false, "direct.lan".into()));
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        for (told, expected) in [
            ("for=203.0.113.9;proto=https;host=stats.example.org", ("203.0.113.9", true, "stats.example.org")),
            ("For=\"[2001:db8:bb::7]:4711\" ; Proto=HTTPS", ("2001:db8:bb::7", true, "direct.lan")),
            ("for=1.1.1.1;proto=https;host=evil.example, for=203.0.113.9", ("203.0.113.9", false, "direct.lan")),
            ("for=203.0.113.9;proto=https, for=10.2.2.2;proto=http", ("203.0.113.9", true, "direct.lan")),
            ("for=1.1.1.1, for=_hidden;proto=https", ("10.0.0.1", true, "direct.lan")),
            ("for=1.1.1.1, for=unknown", ("10.0.0.1", false, "direct.lan")),
        ] {
            let (address, https, host) = client("10.0.0.1", &[("forwarded", told)]);
            assert_eq!((address.as_str(), https, host.as_str()), expected, "{told}");
        }
    }

    #[test]
    fn where_both_ways_are_spoken_and_differ_neither_is_believed() {
        let smuggled = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(client("10.0.0.1", &smuggled).0, "10.0.0.1");
        let smuggled = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9;proto=https")];
        assert_eq!(client("10.0.0.1", &smuggled), ("10.0.0.1".into(), false, "direct.lan".into()));
        let alike = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(client("10.0.0.1", &alike).0, "203.0.113.9");
    }

    #[test]
    fn chains_are_bounded() {
        let long: &'static str = Box::leak(vec!["10.1.1.1"; 5_000].join(",").into_boxed_str());
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", long)]).0, "10.0.0.1");
        let long: &'static str = Box::leak(format!("1.1.1.1,{}", vec!["10.1.1.1"; 100].join(",")).into_boxed_str());
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", long)]).0, "10.1.1.1");
    }

    #[test]
    fn addresses_of_one_party_count_together() {
        for (a, b, same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("::1", "::2", false),
        ] {
            assert_eq!(one_party(a.parse().unwrap()) == one_party(b.parse().unwrap()), same, "{a} {b}");
        }
    }
}
