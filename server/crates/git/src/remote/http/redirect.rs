//! Where a redirect may lead.

use url::Url;

/// Within the host only, as whoever answers elsewhere was not asked for by anybody; from plain http to https, and never back:
/// what was encrypted stays so, whoever in between would like it otherwise.
pub(super) fn may_follow(from: &Url, to: &Url) -> bool {
    let upgraded = from.scheme() == "http" && to.scheme() == "https" && to.port().is_none();
    let same_port = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    from.host_str() == to.host_str() && (upgraded || same_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follows(from: &str, to: &str) -> bool {
        may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap())
    }

    #[test]
    fn https_is_never_left_for_plain_http() {
        for to in ["http://h/b", "http://h:80/b", "http://h:443/b", "http://h:8443/b", "ftp://h/b"] {
            assert!(!follows("https://h/a", to), "{to}");
        }
        assert!(!follows("https://h:8443/a", "http://h:8443/a"));
    }

    #[test]
    fn the_same_place_and_its_encrypted_twin_are_followed_to() {
        for (from, to) in [
            ("https://h/a", "https://h/b"),
            ("https://h/a", "https://h:443/b"),
            ("http://h:3000/a", "http://h:3000/b"),
            ("http://h/a", "https://h/a"),
            ("http://h:3000/a", "https://h/a"),
        ] {
            assert!(follows(from, to), "{from} to {to}");
        }
    }

    #[test]
    fn another_host_or_port_is_not_followed_to() {
        for (from, to) in [
            ("https://h/a", "https://other/a"),
            ("https://h/a", "https://h:8443/a"),
            ("http://h/a", "https://other/a"),
            ("http://h/a", "https://h:8443/a"),
            ("http://h:3000/a", "http://h:3001/a"),
        ] {
            assert!(!follows(from, to), "{from} to {to}");
        }
    }
}
