//! Pictures that stand elsewhere on the web, fetched before a request is planned.
//!
//! The one place where a client chooses a host that the gateway connects to. So: only hosts of the configured list
//! (`user_url_allowed_hosts`); the name is resolved here, every address of it must be a public one, and the connection
//! goes to the address that was checked, so that a second answer of the name server changes nothing; redirects are
//! followed by hand under the same rules; and size, number and time have limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_util::either::Either;
use url::{Host, ParseError, Url};

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
        let (host, port) = self.allowed(url)?;
        let address = self.resolve(&host, port).await?;
        let failed = |_| "could not be fetched: its host cannot be reached.".to_owned();
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        let name = host.to_string();
        let stream = if url.scheme() == "http" {
            Either::Left(stream)
        } else {
            let server = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
                .map_err(|_| "names no valid host.".to_owned())?;
            Either::Right(tls().connect(server, stream).await.map_err(failed)?)
        };
        send(stream, url, &name).await
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

    /// The address to connect to. One private address among them condemns them all.
    async fn resolve(&self, host: &Host, port: u16) -> Result<SocketAddr, String> {
        let addresses: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), port)],
            Host::Domain(name) => lookup_host((name.as_str(), port))
                .await
                .map_err(|_| format!("names the host '{name}', which cannot be found."))?
                .collect(),
        };
        if !addresses
            .iter()
            .all(|address| (self.may_reach)(address.ip()))
        {
            return Err("leads to a private address.".to_owned());
        }
        let first = addresses.first().copied();
        first.ok_or_else(|| "names a host without an address.".to_owned())
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

async fn send(
    stream: Either<TcpStream, TlsStream<TcpStream>>,
    url: &Url,
    host: &str,
) -> Result<Response<Incoming>, String> {
    let failed = |_| "could not be fetched: its host speaks no HTTP.".to_owned();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // Ends with the response's body, or when that is dropped.
    tokio::spawn(async move {
        connection.await.ok();
    });
    let path = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let host = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let request = Request::get(path)
        .header(HOST, host)
        .header(
            USER_AGENT,
            concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION")),
        )
        .header(ACCEPT, "image/*")
        .body(Empty::<Bytes>::new())
        .map_err(|_| "is no valid address.".to_owned())?;
    sender.send_request(request).await.map_err(failed)
}

/// Built at the first use: most gateways never fetch a picture.
fn tls() -> &'static TlsConnector {
    static TLS: OnceLock<TlsConnector> = OnceLock::new();
    TLS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(ring::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        #[allow(clippy::expect_used)] // ring has the default versions, whatever is configured
        let config = versions
            .expect("ring speaks the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    })
}

/// Whether an address belongs to the public internet (<https://www.iana.org/assignments/iana-ipv4-special-registry>
/// and its sister for IPv6).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        // Shared between carriers, protocol assignments, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let [.., y, z] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let bits = (u32::from(high) << 16) | u32::from(low);
        is_public_v4(Ipv4Addr::from_bits(bits))
    };
    if let Some(mapped) = ip.to_ipv4() {
        return is_public_v4(mapped);
    }
    match (a, b) {
        // NAT64 and 6to4 lead to an IPv4 address.
        (0x64, 0xff9b) => embedded(y, z),
        (0x2002, _) => embedded(b, ip.segments()[2]),
        // Teredo and documentation.
        (0x2001, 0 | 0xdb8) => false,
        // Global unicast is all that is left of the public internet.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests;
