//! Which addresses may be asked: public ones, and those of the networks that the configuration names.
//!
//! By class, from IANA's registries of special-purpose addresses (RFC 6890 and its successors). An IPv4 address inside an
//! IPv6 one is judged as what it is where a packet would reach it (mapped, NAT64); the forms of abandoned tunnels (6to4,
//! Teredo, IPv4-compatible) are refused whole, for no public website has such an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Of as many addresses a message speaks; a name may have any number.
const SHOWN: usize = 4;

/// The networks that may be asked besides the public ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(pub(super) Vec<IpNet>);

impl Allowed {
    /// Why an address may not be asked: its class. `None`: it may.
    pub(super) fn refuses(&self, address: IpAddr) -> Option<&'static str> {
        let meant = meant(address);
        let is_named = self.0.iter().any(|net| net.contains(&address) || net.contains(&meant));
        if is_named { None } else { class(meant) }
    }

    /// What is said where all that a host has is refused.
    pub(super) fn refusal(&self, host: &str, addresses: &[IpAddr]) -> String {
        let shown = &addresses[..addresses.len().min(SHOWN)];
        let is_literal = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let each = shown.iter().map(|address| {
            let class = self.refuses(*address).unwrap_or("public");
            if is_literal { format!("is {class}") } else { format!("is at `{address}`, which is {class}") }
        });
        let nets = shown.iter().map(|address| match IpNet::from(meant(*address)) {
            net @ IpNet::V4(_) => net.to_string(),
            // A colon has a meaning in YAML.
            net @ IpNet::V6(_) => format!("\"{net}\""),
        });
        format!(
            "`{host}` {}: a website may only name public addresses; if this network is meant, write `allow_networks: \
             [{}]`, or the range that it is in",
            each.collect::<Vec<_>>().join(", and "),
            nets.collect::<Vec<_>>().join(", ")
        )
    }
}

/// The IPv4 address that an IPv6 address stands for where packets go; any other address itself.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    match v6.segments() {
        // The well-known prefix of NAT64 (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Ipv4Addr::new(a, b, c, d).into()
        }
        _ => address,
    }
}

/// The class of an address that is not public.
fn class(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => class_v6(v6),
    }
}

fn class_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, 0, 0, 0] => "unspecified",
        [0, ..] => "of this network only (RFC 791)",
        [127, ..] => "loopback",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private (RFC 1918)",
        [100, 64..=127, ..] => "private (RFC 6598)",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] => "reserved for protocols",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "for documentation",
        [192, 88, 99, _] => "reserved (6to4 relays)",
        [198, 18..=19, ..] => "for benchmarking",
        [224..=239, ..] => "multicast",
        [255, 255, 255, 255] => "broadcast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn class_v6(address: Ipv6Addr) -> Option<&'static str> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        [0, 0, 0, 0, 0, 0, ..] => "an embedded IPv4 address (IPv4-compatible)",
        [0x64, 0xff9b, 1, ..] => "an embedded IPv4 address (NAT64 of a local network)",
        [0x2001, 0, ..] => "an embedded IPv4 address (Teredo)",
        [0x2002, ..] => "an embedded IPv4 address (6to4)",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => "for documentation",
        [0x2001, 2, 0, ..] => "for benchmarking",
        [0x2001, 0..=0x01ff, ..] => "reserved for protocols",
        [0xfc00..=0xfdff, ..] => "private (RFC 4193)",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xff00..=0xffff, ..] => "multicast",
        // The one range that is given out to be reached from everywhere.
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_may_be_asked_whatever_their_neighbours_are() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a00::1",
            "3ffe::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(Allowed::default().refuses(public.parse().unwrap()), None, "{public}");
        }
    }

    #[test]
    fn a_network_that_is_named_allows_its_own_addresses_only() {
        let allowed = Allowed(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (address, may) in [
            ("10.1.2.3", true),
            ("10.2.0.0", false),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::10.1.2.3", true),
            ("64:ff9b::10.2.0.0", false),
            // The forms of tunnels lead elsewhere.
            ("2002:0a01:0203::", false),
            ("::10.1.2.3", false),
            ("fd12::1", true),
            ("fc12::1", false),
        ] {
            assert_eq!(allowed.refuses(address.parse().unwrap()).is_none(), may, "{address}");
        }
    }

    #[test]
    fn a_refusal_names_host_address_class_and_key() {
        let said = |host: &str, addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            Allowed::default().refusal(host, &addresses)
        };
        let named = said("portal.internal", &["10.1.2.3", "fd00::1"]);
        assert!(
            named.starts_with("`portal.internal` is at `10.1.2.3`, which is private (RFC 1918), and is at"),
            "{named}"
        );
        assert!(named.contains("write `allow_networks: [10.1.2.3/32, \"fd00::1/128\"]`"), "{named}");
        let literal = said("[::ffff:7f00:1]", &["::ffff:127.0.0.1"]);
        assert!(literal.starts_with("`[::ffff:7f00:1]` is loopback: "), "{literal}");
    }
}
