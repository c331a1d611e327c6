//! Which network addresses the desk may be sent to by others.
//!
//! The base URL of a peer is chosen by that peer, so following it blindly would let any party make
//! the desk ask services of the desk's own network. Addresses are judged after name resolution, on
//! the very list that the connection is then made to, so that a name cannot change in between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether peers may be reached at addresses that are not public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// Loopback, private, link-local and other special addresses are refused.
    #[default]
    Refuse,
    /// Every address is allowed; for one machine, a laboratory or a closed network.
    Allow,
}

impl PrivateAddresses {
    /// Tells whether `address` may be connected to.
    pub(crate) fn permits(self, address: IpAddr) -> bool {
        self == PrivateAddresses::Allow || is_public(address)
    }
}

/// Resolves names by the operating system and drops addresses that are not permitted.
pub(crate) struct CheckedResolver(pub(crate) PrivateAddresses);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_addresses = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> =
                found.filter(|address| private_addresses.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the name leads to no address that may be reached",
                )
                .into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Tells whether an address is one of the public internet (IANA special-purpose registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    match (a, b) {
        // "This network", private, loopback, and multicast, reserved, broadcast.
        (0 | 10 | 127 | 224.., _) => false,
        // Shared by carriers (RFC 6598), link-local, private.
        (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) => false,
        // Protocol assignments, documentation, 6to4 relays, benchmarking.
        (192, 0) => c != 0 && c != 2,
        (192, 88) => c != 99,
        (198, 18 | 19) => false,
        (198, 51) => c != 100,
        (203, 0) => c != 113,
        _ => true,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is global unicast; documentation and protocol assignments lie inside it.
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8)) && a != 0x3fff
}

/// Returns the IPv4 address that an IPv6 address stands for: mapped, NAT64 (RFC 6052) or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], public: bool) {
        for address in addresses {
            let parsed: IpAddr = address.parse().expect("the test writes addresses");
            assert_eq!(is_public(parsed), public, "{address}");
        }
    }

    #[test]
    fn takes_special_addresses_for_private() {
        check(
            &[
                "0.0.0.0",
                "10.1.2.3",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.0.9",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.8",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.0.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.7",
                "203.0.113.9",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::127.0.0.1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "64:ff9b:1::1",
                "2001:db8::1",
                "2001::1",
                "2002:7f00:1::",
                "2002:a00:1::1",
                "3fff::1",
                "fc00::1",
                "fd12:3456::1",
                "fe80::1",
                "fec0::1",
                "ff02::1",
            ],
            false,
        );
    }

    #[test]
    fn takes_other_addresses_for_public() {
        check(
            &[
                "1.1.1.1",
                "100.63.255.255",
                "100.128.0.1",
                "172.15.0.1",
                "172.32.0.1",
                "192.0.1.1",
                "192.167.1.1",
                "198.17.0.1",
                "223.255.255.255",
                "2001:200::1",
                "2606:4700::1111",
                "2a00:1450:4001::1",
                "::ffff:1.1.1.1",
                "64:ff9b::101:101",
            ],
            true,
        );
    }

    #[test]
    fn permits_every_address_where_private_ones_are_allowed() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);

        assert!(PrivateAddresses::Allow.permits(loopback));
        assert!(!PrivateAddresses::Refuse.permits(loopback));
    }

    #[tokio::test]
    async fn resolves_a_local_name_to_nothing_unless_allowed() {
        let name = || "localhost".parse::<Name>().expect("it is a name");

        let refused = CheckedResolver(PrivateAddresses::Refuse).resolve(name()).await;
        let allowed = CheckedResolver(PrivateAddresses::Allow).resolve(name()).await;

        assert!(refused.is_err());
        assert!(allowed.is_ok_and(|addresses| 0 < addresses.count()));
    }
}
