//! The client's address behind proxies: what they say of it, as far as they may be believed.
//!
//! A proxy adds the address that it was called from at the right end of `X-Forwarded-For`, or of `Forwarded` (RFC 7239).
//! Everything further left was there before, and may be the client's own invention. So the headers are read from the
//! right, for as long as the address that has been reached is a trusted proxy's.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderValue};

use crate::config::Network;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address. `peer` is the other end of the connection; it is the client itself unless it is a trusted proxy.
///
/// A proxy writes one of the two headers and may hand on the other as its client sent it. Where both are there and do not
/// agree, neither is believed.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let read = |name: &str, hops: fn(&HeaderValue) -> Vec<Hop>| {
        let lines = headers.get_all(name).iter();
        let hops: Vec<Hop> = lines.flat_map(hops).collect();
        (!hops.is_empty()).then(|| believed(peer, hops, trusted))
    };
    match (
        read(X_FORWARDED_FOR, x_forwarded_for),
        read(FORWARDED.as_str(), forwarded),
    ) {
        (None, None) => peer,
        (Some(client), None) | (None, Some(client)) => client,
        (Some(one), Some(other)) if one == other => one,
        (Some(_), Some(_)) => peer,
    }
}

/// Whether a request has a header of a proxy that names its client.
pub(super) fn is_said(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// Where a request has been; `None`: what stands there is no address.
type Hop = Option<IpAddr>;

/// Whether an address is a trusted proxy's.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The first hop from the right that is no trusted proxy; the last one before what cannot be read.
fn believed(peer: IpAddr, hops: Vec<Hop>, trusted: &[Network]) -> IpAddr {
    let mut reached = peer;
    for hop in hops.into_iter().rev() {
        match hop {
            Some(address) if is_trusted(reached, trusted) => reached = address.to_canonical(),
            _ => break,
        }
    }
    reached
}

/// `203.0.113.7, 10.0.0.1`
fn x_forwarded_for(line: &HeaderValue) -> Vec<Hop> {
    match line.to_str() {
        Ok(line) => line.split(',').map(|hop| address(hop.trim())).collect(),
        Err(_) => vec![None],
    }
}

/// `for=203.0.113.7;proto=https, for="[2001:db8::1]:4711"`. Quotes may hold anything: a line that is not read to its end
/// says nothing.
fn forwarded(line: &HeaderValue) -> Vec<Hop> {
    let hops = line.to_str().ok().and_then(elements);
    hops.unwrap_or_else(|| vec![None])
}

fn elements(line: &str) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    let mut whose: Option<&str> = None;
    let mut rest = line;
    loop {
        let (name, after) = rest.trim_start().split_once('=')?;
        let (value, after) = value(after)?;
        let is_name = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if name.is_empty() || !is_name {
            return None;
        }
        if name.eq_ignore_ascii_case("for") && whose.replace(value).is_some() {
            return None;
        }
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(';') {
            rest = after;
            continue;
        }
        hops.push(whose.take().and_then(address));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return after.is_empty().then_some(hops),
        }
    }
}

/// A value and what follows it. An address needs no backslash, and so none is understood.
fn value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, after) = quoted.split_once('"')?;
        return (!value.contains('\\')).then_some((value, after));
    }
    let is_end = |c: char| matches!(c, ';' | ',') || c.is_whitespace();
    let (value, after) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    (!value.contains('"')).then_some((value, after))
}

/// An address, with or without a port.
fn address(text: &str) -> Hop {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    text.parse()
        .or_else(|_| text.parse().map(|address: SocketAddr| address.ip()))
        .ok()
        .or_else(|| bare?.parse().ok().filter(IpAddr::is_ipv6))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    const PEER: &str = "10.0.0.1";
    const CLIENT: &str = "203.0.113.9";

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(name, value);
        }
        map
    }

    /// The client of a request with these lines, from a proxy of a network that is trusted.
    fn of(lines: &[(&str, &str)]) -> String {
        let trusted = networks(&["10.0.0.0/8", "2001:db8:a::/48"]);
        client(PEER.parse().unwrap(), &headers(lines), &trusted).to_string()
    }

    #[test]
    fn x_forwarded_for_is_read_from_the_right_up_to_the_first_stranger() {
        for (value, client) in [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1,203.0.113.9 , 10.0.0.2", "203.0.113.9"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("203.0.113.9:4711, 10.0.0.2", "203.0.113.9"),
            ("[2001:db8::1]:80, 2001:db8:a::7", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
            ("203.0.113.9, unknown", PEER),
            ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
            ("203.0.113.9, 10.0.0", PEER),
            ("203.0.113.9,", PEER),
            ("203.0.113.9, \u{e4}", PEER),
            ("[203.0.113.9]", PEER),
            ("", PEER),
        ] {
            assert_eq!(of(&[("x-forwarded-for", value)]), client, "{value}");
        }
    }

    #[test]
    fn forwarded_is_read_the_same() {
        for (value, client) in [
            ("for=203.0.113.9", "203.0.113.9"),
            (
                "For=\"203.0.113.9:80\";proto=https;by=10.0.0.1",
                "203.0.113.9",
            ),
            (
                "for=198.51.100.1, for=203.0.113.9, for=10.0.0.2",
                "203.0.113.9",
            ),
            ("for=\"[2001:db8::1]:4711\";host=\"a,b;c\"", "2001:db8::1"),
            ("proto=http;for=203.0.113.9,for=10.0.0.2", "203.0.113.9"),
            ("for=203.0.113.9, for=unknown", PEER),
            ("for=203.0.113.9, for=\"_hidden\", for=10.0.0.2", "10.0.0.2"),
            ("for=203.0.113.9, proto=https", PEER),
            ("for=203.0.113.9;for=198.51.100.1", PEER),
            ("for=203.0.113.9, for=\"10.0.0.2", PEER),
            ("for=203.0.113.9 for=10.0.0.2", PEER),
            ("for=\"203.0.113\\.9\"", PEER),
            ("203.0.113.9", PEER),
            ("", PEER),
        ] {
            assert_eq!(of(&[("forwarded", value)]), client, "{value}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = ["198.51.100.1", "203.0.113.9", "10.0.0.2"];
        assert_eq!(of(&lines.map(|line| ("x-forwarded-for", line))), CLIENT);
        let lines = ["for=\"x", "for=203.0.113.9", "for=10.0.0.2"];
        assert_eq!(of(&lines.map(|line| ("forwarded", line))), CLIENT);
    }

    #[test]
    fn where_the_two_headers_do_not_agree_neither_is_believed() {
        let both = |one, other| of(&[("x-forwarded-for", one), ("forwarded", other)]);
        assert_eq!(both(CLIENT, "for=203.0.113.9"), CLIENT);
        assert_eq!(both("198.51.100.1, 203.0.113.9", "for=203.0.113.9"), CLIENT);
        assert_eq!(both(CLIENT, "for=198.51.100.1"), PEER);
        assert_eq!(both("198.51.100.1", "for=203.0.113.9"), PEER);
    }

    #[test]
    fn a_stranger_is_not_believed_whatever_he_says() {
        let said = headers(&[
            ("x-forwarded-for", CLIENT),
            ("forwarded", "for=203.0.113.9"),
        ]);
        let client = |peer: &str, trusted: &[&str]| {
            client(peer.parse().unwrap(), &said, &networks(trusted)).to_string()
        };
        assert_eq!(client(PEER, &[]), PEER);
        assert_eq!(client("11.0.0.1", &["10.0.0.0/8"]), "11.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["10.0.0.0/8"]), CLIENT);
        assert_eq!(client("::ffff:11.0.0.1", &["10.0.0.0/8"]), "11.0.0.1");
    }

    proptest! {
        /// Whatever a client writes, the proxy's own word follows it, in its line or in one of its own.
        #[test]
        fn a_client_is_never_taken_for_another(said in "[ -~]{0,60}") {
            for (name, own) in [("x-forwarded-for", CLIENT), ("forwarded", "for=203.0.113.9"),
                ("forwarded", "for=\"203.0.113.9\";proto=https")] {
                let appended = format!("{said}, {own}");
                for lines in [&[(name, appended.as_str())][..], &[(name, said.as_str()), (name, own)]] {
                    let client = of(lines);
                    prop_assert!(client == CLIENT || client == PEER, "{lines:?}: {client}");
                }
            }
        }
    }
}
