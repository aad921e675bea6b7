//! Which names the program answers to. A page can let its own name lead to this machine after it was loaded (DNS
//! rebinding): for the browser it then is of one origin with us. What it cannot change is the name in `Host`.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, Uri, header};

use super::api::problem::Problem;

/// What of a refused name is told.
const SHOWN: usize = 100;

/// The names that are answered to; without a list, every one.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Option<Vec<String>>);

impl AllowedHosts {
    /// The configured names. Where there are none, a program that only this machine reaches answers to this machine's
    /// names; one that others reach cannot know how they call it.
    #[must_use]
    pub fn new(listen: SocketAddr, names: &[String]) -> Self {
        let is_local = listen.ip().to_canonical().is_loopback();
        Self((is_local || !names.is_empty()).then(|| names.to_vec()))
    }

    /// Whether a request is meant for this program.
    ///
    /// # Errors
    /// A 421 that names the host and what to do about it.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        // Browsers always send one. `X-Forwarded-Host` says nothing here: whoever comes past the proxy may send it too.
        let told = headers.get_all(header::HOST).into_iter().map(|host| String::from_utf8_lossy(host.as_bytes()));
        let asked = uri.authority().map(|authority| Cow::from(authority.as_str()));
        match told.chain(asked).find(|host| !self.answers_to(host)) {
            None => Ok(()),
            Some(host) => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "Kubestats does not answer to the host {:?}. If it is one of its names, add it to app.allowed_hosts.",
                    host.chars().take(SHOWN).collect::<String>()
                ),
            )),
        }
    }

    fn answers_to(&self, host: &str) -> bool {
        let Some(names) = &self.0 else { return true };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, ""),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        // No name server has a word in where an address leads.
        if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        if name.parse::<Ipv4Addr>().is_ok() {
            return true;
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let fits = |allowed: &str| match allowed.strip_prefix("*.") {
            Some(above) => {
                let below = name.strip_suffix(above).and_then(|rest| rest.strip_suffix('.'));
                below.is_some_and(|below| !below.is_empty() && is_name(below))
            }
            None => name == allowed,
        };
        ["localhost", "*.localhost"].into_iter().chain(names.iter().map(String::as_str)).any(fits)
    }
}

/// Whether a path tells no more than how the program is: probes ask for it under any name.
#[must_use]
pub fn is_health(path: &str) -> bool {
    matches!(
        path,
        "/health" | "/health/live" | "/health/ready" | "/health/detailed" | "/healthz" | "/ready" | "/api/health"
    ) || path.starts_with("/api/health/")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn hosts(listen: &str, names: &[&str]) -> AllowedHosts {
        AllowedHosts::new(listen.parse().unwrap(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    fn is_answered(hosts: &AllowedHosts, host: &'static str) -> bool {
        let headers = [(header::HOST, HeaderValue::from_static(host))].into_iter().collect();
        hosts.check(&Uri::from_static("/"), &headers).is_ok()
    }

    const OWN: [&str; 9] = [
        "localhost",
        "LocalHost:3000",
        "kubestats.localhost:3000",
        "localhost.",
        "127.0.0.1:3000",
        "127.0.0.1",
        "10.0.0.7:3000",
        "[::1]:3000",
        "[2001:db8::1]",
    ];

    #[test]
    fn a_program_for_this_machine_answers_to_its_names_and_to_addresses_alone() {
        for hosts in ["127.0.0.1:3000", "[::1]:80", "[::ffff:127.0.0.1]:80"].map(|listen| hosts(listen, &[])) {
            for host in OWN {
                assert!(is_answered(&hosts, host), "{host}");
            }
            for host in [
                "evil.example",
                "evil.example:3000",
                "localhost.evil.example",
                "evillocalhost",
                ".localhost",
                "127.0.0.1.evil.example",
                "localhost@evil.example",
                "evil.example@localhost",
                "[::1].evil.example",
                "[evil]",
                "local host",
                "localhost:x",
                "localhost:3000:3000",
                "evil example.localhost",
                "::1",
                "",
            ] {
                assert!(!is_answered(&hosts, host), "{host}");
            }
        }
    }

    #[test]
    fn configured_names_are_answered_to_wherever_the_program_listens() {
        for listen in ["127.0.0.1:3000", "0.0.0.0:3000"] {
            let hosts = hosts(listen, &["box.lan", "*.example.org"]);
            for host in ["box.lan", "BOX.lan:3000", "kubestats.example.org:443", "a.b.example.org."].iter().chain(&OWN)
            {
                assert!(is_answered(&hosts, host), "{host}");
            }
            for host in ["example.org", ".example.org", "evilexample.org", "box.lan.evil.example", "a.box.lan"] {
                assert!(!is_answered(&hosts, host), "{host}");
            }
        }
    }

    #[test]
    fn without_names_a_program_for_a_network_answers_to_all() {
        let hosts = hosts("0.0.0.0:3000", &[]);
        assert!(is_answered(&hosts, "anything.example"));
    }

    #[test]
    fn every_name_that_a_request_carries_counts_but_what_a_proxy_is_said_to_have_seen() {
        let hosts = hosts("127.0.0.1:3000", &[]);
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        let check = |uri: &'static str, pairs: &[_]| hosts.check(&Uri::from_static(uri), &headers(pairs)).is_ok();
        assert!(check("/", &[]), "a program without a name for us is no browser");
        assert!(check("http://localhost:3000/", &[]));
        assert!(!check("http://evil.example/", &[("host", "localhost")]));
        assert!(!check("/", &[("host", "localhost"), ("host", "evil.example")]));
        assert!(!check("/", &[("host", "evil.example"), ("x-forwarded-host", "localhost")]));
        let refused = hosts.check(&Uri::from_static("/"), &headers(&[("host", "evil.example")])).unwrap_err();
        assert_eq!(refused.status, 421);
        assert!(refused.detail.contains("\"evil.example\"") && refused.detail.contains("app.allowed_hosts"));
    }

    #[test]
    fn only_health_is_told_under_any_name() {
        for path in ["/health", "/api/health", "/api/health/db"] {
            assert!(is_health(path), "{path}");
        }
        for path in ["/", "/healthy", "/health/x", "/api/healthy", "/api/v1/jobs"] {
            assert!(!is_health(path), "{path}");
        }
    }
}
