//! Where browsers find this gateway.
//!
//! The configuration says it (`public_url`), else Lambda does, else a browser on this machine. No header that a client or a
//! proxy may choose is believed for an address to which an identity provider sends people.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

use super::origin;
use crate::app::{AppState, BasePath, DomainName};

/// Where browsers find this gateway, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicAddress {
    /// `None`: nobody says it who is believed.
    certain: Option<String>,
    /// What the client has asked for, for showing it to that client alone.
    asked: Option<String>,
}

impl PublicAddress {
    fn new(
        app: &AppState,
        (domain, base): (Option<&DomainName>, Option<&BasePath>),
        headers: &HeaderMap,
    ) -> Self {
        let configured = app.config.general.public_url.as_ref();
        let configured = configured.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let base = base.map_or("", |BasePath(base)| base);
        let of_lambda = domain.map(|DomainName(name)| format!("https://{name}{base}"));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_plain = origin::is_plain_loopback(headers);
        let on_this_machine = host
            .filter(|_| is_plain)
            .map(|host| format!("http://{host}"));
        Self {
            certain: configured.or(of_lambda).or(on_this_machine),
            asked: asked(headers),
        }
    }

    /// For addresses that others send people to; `None`: the configuration has to say it.
    pub(super) fn certain(&self) -> Option<&str> {
        self.certain.as_deref()
    }

    /// For the client itself to read.
    pub(super) fn shown(self) -> Option<String> {
        self.certain.or(self.asked)
    }
}

impl FromRequestParts<AppState> for PublicAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let extensions = &parts.extensions;
        let of_lambda = (extensions.get::<DomainName>(), extensions.get::<BasePath>());
        Ok(Self::new(app, of_lambda, &parts.headers))
    }
}

/// What a browser has asked for, as that browser says it.
fn asked(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST)?;
    let origin = text(ORIGIN).and_then(|origin| origin.split_once("://"));
    let scheme = match origin {
        Some((scheme, of)) if of == host => scheme,
        _ => "https",
    };
    Some(format!("{scheme}://{host}"))
}

/// Whether browsers come without encryption: to this machine itself, or because the configuration says so.
pub(super) fn is_plain(app: &AppState, headers: &HeaderMap) -> bool {
    match &app.config.general.public_url {
        Some(url) => url.scheme() == "http",
        None => origin::is_plain_loopback(headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_shown_the_address_that_it_has_asked_for() {
        type Case<'a> = (&'a [(&'static str, &'a str)], Option<&'a str>);
        let table: [Case; 5] = [
            (&[("host", "gateway")], Some("https://gateway")),
            (
                &[("host", "gateway"), ("origin", "http://gateway")],
                Some("http://gateway"),
            ),
            (
                &[("host", "gateway"), ("origin", "http://evil")],
                Some("https://gateway"),
            ),
            (
                &[("host", "gateway"), ("x-forwarded-proto", "http")],
                Some("https://gateway"),
            ),
            (&[], None),
        ];
        for (lines, address) in table {
            let lines = lines.iter();
            let headers =
                lines.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            assert_eq!(asked(&headers.collect()).as_deref(), address);
        }
    }
}
