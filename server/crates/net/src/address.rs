//! What kind of address it is, by the registries of special-purpose addresses (RFC 6890 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address is not a public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Loopback,
    /// `169.254.0.0/16` and `fe80::/10`; clouds serve their metadata there.
    LinkLocal,
    /// RFC 1918.
    Private,
    /// Addresses that carriers share among customers, `100.64.0.0/10`.
    CarrierShared,
    /// `fc00::/7`.
    UniqueLocal,
    Multicast,
    Broadcast,
    Unspecified,
    Documentation,
    Benchmarking,
    /// Kept for protocols or for the future.
    Reserved,
    /// Another address is written inside, by a scheme whose gateway would decide where it leads.
    Translated,
}

impl Class {
    /// For sentences: "a loopback address".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Private => "a private address",
            Self::CarrierShared => "an address that carriers share",
            Self::UniqueLocal => "a unique local address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Unspecified => "the unspecified address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Reserved => "a reserved address",
            Self::Translated => "an address that a gateway translates",
        }
    }
}

/// `None` for public addresses. An IPv4 address inside an IPv6 one counts as itself.
#[must_use]
pub fn class(address: IpAddr) -> Option<Class> {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => class_v6(v6),
    }
}

fn class_v4(ip: Ipv4Addr) -> Option<Class> {
    Some(match ip.octets() {
        [0, 0, 0, 0] => Class::Unspecified,
        [0, ..] => Class::Reserved,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private,
        [100, 64..=127, ..] => Class::CarrierShared,
        [127, ..] => Class::Loopback,
        [169, 254, ..] => Class::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Documentation,
        [192, 0, 0, _] | [192, 88, 99, _] => Class::Reserved,
        [198, 18..=19, ..] => Class::Benchmarking,
        [224..=239, ..] => Class::Multicast,
        [255, 255, 255, 255] => Class::Broadcast,
        [240..=255, ..] => Class::Reserved,
        _ => return None,
    })
}

/// Whether what is sent to an address stays on this machine, so that a secret needs no TLS on its way.
#[must_use]
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => v6.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn class_v6(ip: Ipv6Addr) -> Option<Class> {
    if ip.is_unspecified() {
        return Some(Class::Unspecified);
    }
    if ip.is_loopback() {
        return Some(Class::Loopback);
    }
    if let Some(v4) = ip.to_ipv4_mapped() {
        return class_v4(v4);
    }
    let [a, b, c, ..] = ip.segments();
    Some(match (a, b, c) {
        (0xfe80..=0xfebf, ..) => Class::LinkLocal,
        (0xfc00..=0xfdff, ..) => Class::UniqueLocal,
        (0xff00..=0xffff, ..) => Class::Multicast,
        // NAT64, 6to4 and Teredo, and addresses that are compatible with IPv4.
        (0x64, 0xff9b, _) | (0x2002 | 0, ..) | (0x2001, 0, _) => Class::Translated,
        (0x2001, 0xdb8, _) | (0x3fff, 0..=0xfff, _) => Class::Documentation,
        (0x2001, 2, 0) => Class::Benchmarking,
        (0x2001, 0..=0x1ff, _) => Class::Reserved,
        (0x2000..=0x3fff, ..) => return None,
        // Only 2000::/3 is given out to the public Internet.
        _ => Class::Reserved,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(text: &str) -> Option<Class> {
        class(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_have_no_class() {
        for text in ["1.1.1.1", "140.82.121.3", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:50c0:8000::153"] {
            assert_eq!(class_of(text), None, "{text}");
        }
    }

    #[test]
    fn special_addresses_are_known() {
        for (text, expected) in [
            ("127.0.0.1", Class::Loopback),
            ("127.255.0.9", Class::Loopback),
            ("::1", Class::Loopback),
            ("10.1.2.3", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.31.255.255", Class::Private),
            ("192.168.178.1", Class::Private),
            ("169.254.169.254", Class::LinkLocal),
            ("fe80::1", Class::LinkLocal),
            ("100.100.100.200", Class::CarrierShared),
            ("fd00:ec2::254", Class::UniqueLocal),
            ("224.0.0.1", Class::Multicast),
            ("ff02::1", Class::Multicast),
            ("255.255.255.255", Class::Broadcast),
            ("0.0.0.0", Class::Unspecified),
            ("0.1.2.3", Class::Reserved),
            ("::", Class::Unspecified),
            ("192.0.2.7", Class::Documentation),
            ("2001:db8::1", Class::Documentation),
            ("198.18.0.1", Class::Benchmarking),
            ("240.0.0.1", Class::Reserved),
            ("4000::1", Class::Reserved),
        ] {
            assert_eq!(class_of(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn addresses_within_addresses_do_not_slip_through() {
        for (text, expected) in [
            ("::ffff:127.0.0.1", Class::Loopback),
            ("::ffff:10.0.0.1", Class::Private),
            ("::ffff:169.254.169.254", Class::LinkLocal),
            ("::10.0.0.1", Class::Translated),
            ("64:ff9b::a00:1", Class::Translated),
            ("2002:a00:1::1", Class::Translated),
            ("2001:0:1::1", Class::Translated),
        ] {
            assert_eq!(class_of(text), Some(expected), "{text}");
        }
        assert_eq!(class_of("::ffff:1.1.1.1"), None);
    }

    #[test]
    fn only_loopback_addresses_and_localhost_are_here() {
        for (text, expected) in [
            ("http://localhost:8080/a", true),
            ("http://LOCALHOST/", true),
            ("http://127.0.0.1/", true),
            ("http://127.9.9.9:1/", true),
            ("http://[::1]:3000/", true),
            ("http://0.0.0.0/", false),
            ("http://10.0.0.1/", false),
            ("http://[fe80::1]/", false),
            ("http://localhost.example.org/", false),
            ("http://127.0.0.1.example.org/", false),
            ("file:///tmp/a", false),
        ] {
            assert_eq!(is_here(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
