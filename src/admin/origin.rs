//! The origin that a request names.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use url::{Host, Url};

/// Whether a page of another site sent this. A browser says so in `Sec-Fetch-Site`, which no page can forge; one that
/// is too old for it says at least from where (`Origin`).
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match (text(ORIGIN.as_str()), text(HOST.as_str())) {
        (None, _) => false,
        (Some(origin), host) => {
            let origin = origin.split_once("://").map(|(_, host)| host);
            origin.is_none() || origin != host
        }
    }
}

/// Whether this came to this machine's own address without encryption.
pub(super) fn is_plain_loopback(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("x-forwarded-proto").is_some_and(|scheme| scheme != "http") {
        return false;
    }
    let host = text(HOST.as_str()).and_then(|host| Url::parse(&format!("http://{host}/")).ok());
    match host.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a cookie for encrypted connections would be lost: neither this machine's own address nor encrypted.
pub(super) fn loses_cookies(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    origin.is_some_and(|origin| origin.starts_with("http://")) && !is_plain_loopback(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn pages_of_other_sites_are_foreign() {
        let host = ("host", "gateway:4000");
        let table: [(&[(&str, &str)], bool); 7] = [
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    host,
                    ("origin", "http://gateway:4000"),
                ],
                true,
            ),
            (&[host, ("origin", "http://gateway:4000")], false),
            (&[host, ("origin", "http://evil")], true),
            (&[host, ("origin", "null")], true),
        ];
        for (lines, foreign) in table {
            let lines: Vec<_> = lines.iter().map(|(n, v)| (*n, *v)).collect();
            let map: HeaderMap = lines
                .iter()
                .map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap()))
                .collect();
            assert_eq!(is_foreign(&map), foreign, "{lines:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_s_own_address_without_encryption() {
        for host in [
            "127.0.0.1:4000",
            "localhost:4000",
            "[::1]:4000",
            "localhost",
        ] {
            assert!(is_plain_loopback(&headers(&[("host", host)])), "{host}");
        }
        for host in ["10.0.0.1", "localhost.evil.example", "", "gateway"] {
            assert!(!is_plain_loopback(&headers(&[("host", host)])), "{host}");
        }
    }
}
