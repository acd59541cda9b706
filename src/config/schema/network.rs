//! Networks of addresses.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserializer;

use crate::config::file::lenient;

/// All addresses that share their first bits, or one address alone. An IPv4 address that is written as an IPv6 one
/// (`::ffff:192.0.2.1`) is the same address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address or a network such as 10.0.0.0/8")]
pub struct NotANetwork;

impl Network {
    /// Whether the address is one of it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let different = u32::from(own) ^ u32::from(other);
                different.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let different = u128::from(own) ^ u128::from(other);
                different.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                bits.parse().map_err(|_| NotANetwork)?
            }
            Some(_) => return Err(NotANetwork),
        };
        if bits > most {
            return Err(NotANetwork);
        }
        Ok(canonical(address, bits))
    }
}

/// A network of IPv4 addresses in IPv6's clothes is one of IPv4.
fn canonical(address: IpAddr, bits: u32) -> Network {
    const MAPPED_BITS: u32 = 96;
    let mapped = match address {
        IpAddr::V6(address) => Ipv6Addr::to_ipv4_mapped(&address),
        IpAddr::V4(_) => None,
    };
    match (mapped, bits.checked_sub(MAPPED_BITS)) {
        (Some(address), Some(bits)) => Network {
            address: address.into(),
            bits,
        },
        _ => Network { address, bits },
    }
}

/// A list of addresses and networks, or one of them alone.
pub(super) fn list<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<Network>>, D::Error> {
    let expected = "a list of IP addresses and of networks such as 10.0.0.0/8";
    let expected_item = "an IP address or a network such as 10.0.0.0/8";
    lenient::list(d, expected, expected_item, |text| text.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        for (network, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
            ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ] {
            let read: Network = network.parse().unwrap();
            assert!(read.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(
                !read.contains(outside.parse().unwrap()),
                "{network} {outside}"
            );
        }
    }

    #[test]
    fn what_is_neither_an_address_nor_a_network_is_none() {
        for text in [
            "",
            "proxy",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0",
            "10.0.0.1:80",
            "[::1]",
            "*",
            "10.0.0.0/255.0.0.0",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
