//! Where answers lead: never away from the place that a forge's API is at.

use http::HeaderMap;
use http::header::LINK;
use url::Url;

/// Whether an address is at the place of another: same scheme, so that a token never goes unencrypted, same host, same port.
pub(super) fn is_same_place(api: &Url, url: &Url) -> bool {
    url.scheme() == api.scheme()
        && url.host_str() == api.host_str()
        && url.port_or_known_default() == api.port_or_known_default()
}

/// The address of the next page, as an answer's `Link` header tells it.
pub(super) fn next_page(headers: &HeaderMap) -> Option<&str> {
    next_link(headers.get(LINK)?.to_str().ok()?)
}

/// The address with `rel="next"` of a `Link` header.
fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.split_once(';')?;
        let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| address.trim().strip_prefix('<')?.strip_suffix('>')).flatten()
    })
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

    #[test]
    fn the_next_page_is_read_from_the_link_header() {
        let header = "<https://h/a?page=1>; rel=\"prev\", <https://h/a?page=3>; rel=\"next\"";
        assert_eq!(next_link(header), Some("https://h/a?page=3"));
        assert_eq!(next_link("<https://h/a?page=9>; rel=\"last\""), None);
        assert_eq!(next_link("nonsense"), None);
    }
}
