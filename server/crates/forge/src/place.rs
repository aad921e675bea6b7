//! The place that a forge's API is at, which answers must not lead away from.

use url::Url;

/// Whether an address is at the place of another: same scheme, so that a token never goes unencrypted, same host, same port.
pub(crate) fn is_same_place(api: &Url, url: &Url) -> bool {
    url.scheme() == api.scheme()
        && url.host_str() == api.host_str()
        && url.port_or_known_default() == api.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_plain_http_nor_another_host_or_port_is_the_same_place() {
        let is_same = |url: &str| is_same_place(&Url::parse("https://h/api/v3").unwrap(), &Url::parse(url).unwrap());
        for url in ["https://h/api/v3/repos/a/b", "https://h:443/x", "https://H/x"] {
            assert!(is_same(url), "{url}");
        }
        for url in ["http://h/api/v3/x", "http://h:443/x", "https://other/x", "https://h.other/x", "https://h:8443/x"] {
            assert!(!is_same(url), "{url}");
        }
    }
}
