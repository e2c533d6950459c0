//! Addresses of the internet, and those that are not of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: u128,
    prefix: u32,
}

impl Network {
    pub(super) fn contains(self, ip: IpAddr) -> bool {
        self.prefix == 0 || (bits(ip) ^ self.address) >> (128 - self.prefix) == 0
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, prefix) = text.split_once('/').map_or((text, None), |(ip, prefix)| (ip, Some(prefix)));
        let ip: IpAddr = ip.parse().map_err(drop)?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(drop))?;
        if prefix > most {
            return Err(());
        }
        Ok(Self { address: bits(ip), prefix: prefix + 128 - most })
    }
}

/// An address as 128 bits; one of IPv4 as it is mapped into IPv6.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// Tells whether an address is one of the public internet, whatever it is wrapped into.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !matches!(
        (a, b, c),
        // "This network", private, carriers' own, loopback, link-local with the clouds' metadata.
        (0 | 10 | 127, _, _) | (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _)
        // Protocols' own, documentation, 6to4 relays, benchmarks, multicast, reserved, broadcast.
        | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) | (224..=255, _, _)
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        // Mapped, compatible and translated addresses are what is in them.
        (0, 0) if (c, d, e) == (0, 0, 0) && (f == 0xffff || f == 0) => (g, h) > (0, 1) && is_public_v4(v4(g, h)),
        (0, 0) if (c, d, e, f) == (0, 0, 0xffff, 0) => is_public_v4(v4(g, h)),
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && is_public_v4(v4(g, h)),
        (0x2002, _) => is_public_v4(v4(b, c)),
        // Teredo, benchmarks, ORCHID and documentation lie within what is global.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_wrapped_is_what_is_in_it() {
        for (ip, public) in [
            ("8.8.8.8", true),
            ("2606:4700::1111", true),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::808:808", true),
            ("2002:808:808::1", true),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("::127.0.0.1", false),
            ("::ffff:0:127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::808:808", false),
            ("2002:7f00:1::", false),
            ("2001:0:808:808::", false),
            ("::", false),
            ("::1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("100::1", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_mapped_or_not() {
        let network: Network = "10.0.0.0/8".parse().unwrap();
        assert!(network.contains("10.9.8.7".parse().unwrap()) && network.contains("::ffff:10.9.8.7".parse().unwrap()));
        assert!(!network.contains("11.0.0.1".parse().unwrap()));
        assert!("fd00::/8".parse::<Network>().unwrap().contains("fd12::1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "ten/8", "::/129", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
