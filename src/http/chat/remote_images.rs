//! Pictures that stand elsewhere on the web, fetched before a request is planned.
//!
//! The one place where a client chooses a host that the gateway connects to. So: only hosts of the configured list
//! (`user_url_allowed_hosts`); every address of a host must be a public one ([`crate::web`]); redirects are followed by
//! hand under the same rules; and size, number and time have limits.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::LOCATION;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;
use url::{Host, ParseError, Url};

use crate::web::{WebCall, WebError, is_public};
use crate::wire::{ApiError, RemoteImage, WireRequest};

/// Bedrock's limits for pictures
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html>): 3.75 MB each, 20 of them.
const MAX_BYTES: usize = 3_932_160;
const MAX_PICTURES: usize = 20;

/// For all pictures of a request together, redirects included.
const TIME_LIMIT: Duration = Duration::from_secs(10);

const MAX_REDIRECTS: usize = 3;

/// Fetches what `request` refers to and puts it in its place.
pub(super) async fn fetch(request: &mut dyn WireRequest, hosts: &[String]) -> Result<(), ApiError> {
    let images = request.remote_images();
    if images.is_empty() {
        return Ok(());
    }
    let fetcher = Fetcher {
        hosts,
        may_reach: is_public,
    };
    // Boxed: few requests need its kilobytes.
    request.put_images(Box::pin(fetcher.all(&images)).await?);
    Ok(())
}

struct Fetcher<'a> {
    hosts: &'a [String],
    /// Whether an address may be talked to.
    may_reach: fn(IpAddr) -> bool,
}

impl Fetcher<'_> {
    async fn all(&self, images: &[RemoteImage]) -> Result<Vec<Bytes>, ApiError> {
        if let Some(image) = images.get(MAX_PICTURES) {
            let what = format!("is one picture too many: at most {MAX_PICTURES} are fetched.");
            return Err(refuse(&image.param, &what));
        }
        let each = images.iter().map(|image| async {
            let found = timeout(TIME_LIMIT, self.one(&image.url))
                .await
                .unwrap_or_else(|_| {
                    Err(format!("did not arrive within {} s.", TIME_LIMIT.as_secs()))
                });
            found.map_err(|what| refuse(&image.param, &what))
        });
        try_join_all(each).await
    }

    async fn one(&self, address: &str) -> Result<Bytes, String> {
        let mut url = Url::parse(address).map_err(no_address)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url).await?;
            let status = response.status();
            if status.is_redirection() {
                let next = response.headers().get(LOCATION);
                let next = next.and_then(|next| next.to_str().ok());
                let next = next.and_then(|next| url.join(next).ok());
                url = next.ok_or("leads to a redirect without an address.")?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(format!("could not be fetched: its host answers {status}."));
            }
            let body = Limited::new(response.into_body(), MAX_BYTES)
                .collect()
                .await;
            return body.map(|body| body.to_bytes()).map_err(|_| {
                format!("could not be read to its end, or has more than {MAX_BYTES} bytes.")
            });
        }
        Err(format!("leads to more than {MAX_REDIRECTS} redirects."))
    }

    async fn get(&self, url: &Url) -> Result<Response<Incoming>, String> {
        let (host, _) = self.allowed(url)?;
        let call = WebCall::get(url, "image/*").reaching(self.may_reach);
        call.send().await.map_err(|error| match error {
            WebError::NoHost => "names no valid host.".to_owned(),
            WebError::UnknownHost => format!("names the host '{host}', which cannot be found."),
            WebError::Private => "leads to a private address.".to_owned(),
            WebError::Unreachable => "could not be fetched: its host cannot be reached.".to_owned(),
            WebError::NoHttp => "could not be fetched: its host speaks no HTTP.".to_owned(),
        })
    }

    /// The host and port, where the configuration allows them.
    fn allowed(&self, url: &Url) -> Result<(Host, u16), String> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err("names no host.".to_owned());
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("leads to a '{}' address.", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password.".to_owned());
        }
        let name = host.to_string();
        let name_and_port = format!("{name}:{port}");
        let default_port = url.port().is_none();
        let allows = |entry: &String| {
            let entry = entry.trim().to_ascii_lowercase();
            let below = |domain: &str| {
                name.strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            entry == name_and_port
                || default_port && (entry == name || entry.strip_prefix("*.").is_some_and(below))
        };
        if !self.hosts.iter().any(allows) {
            return Err(format!(
                "stands on '{name}', from where this gateway fetches nothing; send the picture as a data URL \
                 ('data:image/png;base64,…')."
            ));
        }
        Ok((host.to_owned(), port))
    }
}

fn no_address(error: ParseError) -> String {
    match error {
        // Unicode's tables are left out of the binary: see Cargo.toml.
        ParseError::IdnaError => {
            "names a host that cannot be read: in place of letters outside ASCII \
             its 'xn--…' form is wanted."
                .to_owned()
        }
        error => format!("is no valid address: {error}."),
    }
}

fn refuse(param: &str, what: &str) -> ApiError {
    ApiError::bad_request(format!("'{param}' {what}"), param)
}

#[cfg(test)]
mod tests;
