//! Addresses: which of them are public.
//!
//! A pure table look-up. The tables are IANA's registries of special-purpose addresses (RFC 6890 and what it lists
//! today), stricter where a registry calls reachable what leads to somebody's inside: translation (NAT64, 6to4, Teredo)
//! hides an IPv4 address that nobody judged. `std`'s `is_global` is unstable and takes site-local for global.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::denial::Denial;

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// IPv4 that is not public. What the registry lists as globally reachable is not here: 192.31.196.0/24,
/// 192.52.193.0/24, 192.175.48.0/24.
const NOT_PUBLIC_V4: [(Ipv4Net, &str); 17] = [
    (v4(0, 0, 0, 0, 8), "this network (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private use (RFC 1918)"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT (RFC 6598)"),
    (v4(127, 0, 0, 0, 8), "loopback (RFC 1122)"),
    (v4(168, 63, 129, 16, 32), "Azure's host, which is in public address space"),
    (v4(169, 254, 0, 0, 16), "link-local (RFC 3927)"),
    (v4(172, 16, 0, 0, 12), "private use (RFC 1918)"),
    (v4(192, 0, 0, 0, 24), "protocol assignments (RFC 6890)"),
    (v4(192, 0, 2, 0, 24), "documentation (RFC 5737)"),
    (v4(192, 88, 99, 0, 24), "6to4 relays (RFC 7526)"),
    (v4(192, 168, 0, 0, 16), "private use (RFC 1918)"),
    (v4(198, 18, 0, 0, 15), "benchmarking (RFC 2544)"),
    (v4(198, 51, 100, 0, 24), "documentation (RFC 5737)"),
    (v4(203, 0, 113, 0, 24), "documentation (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "multicast (RFC 5771)"),
    (v4(255, 255, 255, 255, 32), "broadcast (RFC 919)"),
    (v4(240, 0, 0, 0, 4), "reserved (RFC 1112)"),
];

/// The only IPv6 that can be public: global unicast (RFC 4291, section 2.4). Outside of it lie loopback, mapped,
/// compatible, translated, unique local, link-local, site-local, multicast, segment routing and discard addresses, and
/// what nobody has assigned yet.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 3);

/// What is not public inside of it.
const NOT_PUBLIC_V6: [(Ipv6Net, &str); 4] = [
    (v6(0x2001, 0, 23), "protocol assignments: Teredo, benchmarking, ORCHID (RFC 2928)"),
    (v6(0x2001, 0xdb8, 32), "documentation (RFC 3849)"),
    (v6(0x2002, 0, 16), "6to4 (RFC 3056)"),
    (v6(0x3fff, 0, 20), "documentation (RFC 9637)"),
];

/// Which addresses may be connected to.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    allowed: Vec<IpNet>,
    denied: Vec<IpNet>,
}

impl Networks {
    /// What is public, and `allowed`, without `denied`. What is in both is denied.
    pub fn new(allowed: &[IpNet], denied: &[IpNet]) -> Self {
        let unmapped = |networks: &[IpNet]| networks.iter().map(unmapped).collect();
        Self { allowed: unmapped(allowed), denied: unmapped(denied) }
    }

    /// Whether `address` may be connected to. `own` are the addresses of this host, which is no client's media server.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, address: IpAddr, own: &[IpAddr]) -> Result<(), Denial> {
        let address = address.to_canonical();
        let denied = |why| Err(Denial::Address(address, why));
        if self.denied.iter().any(|network| network.contains(&address)) {
            return denied("denied by the operator");
        }
        if self.allowed.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        if let Some(why) = special_purpose(address) {
            return denied(why);
        }
        if own.iter().any(|own| own.to_canonical() == address) {
            return denied("an address of this host");
        }
        Ok(())
    }
}

/// Why an address, not a mapped one, is not public.
fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            NOT_PUBLIC_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, why)| *why)
        }
        IpAddr::V6(address) if !GLOBAL_UNICAST.contains(&address) => Some("not global unicast (RFC 4291)"),
        IpAddr::V6(address) => {
            NOT_PUBLIC_V6.iter().find(|(network, _)| network.contains(&address)).map(|(_, why)| *why)
        }
    }
}

/// A network of mapped addresses as the IPv4 network that it means, because addresses are compared in that form.
fn unmapped(network: &IpNet) -> IpNet {
    if let IpNet::V6(mapped) = network
        && let (Some(address), Some(length)) = (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(96))
        && let Ok(network) = Ipv4Net::new(address, length)
    {
        return network.into();
    }
    *network
}

/// The addresses of this host's interfaces, as they are now.
///
/// # Errors
/// The machine does not tell.
pub fn own_addresses() -> std::io::Result<Vec<IpAddr>> {
    Ok(if_addrs::get_if_addrs()?.iter().map(if_addrs::Interface::ip).collect())
}
