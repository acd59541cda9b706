//! One call: a GET, or a POST of a form.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::either::Either;
use url::{Host, Url};

use super::is_public;
use crate::tls;

/// Why a host did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WebError {
    #[error("its address names no host")]
    NoHost,
    #[error("its host cannot be found")]
    UnknownHost,
    #[error("its host has a private address")]
    Private,
    #[error("its host cannot be reached")]
    Unreachable,
    #[error("its host speaks no HTTP")]
    NoHttp,
}

/// A call that is not made yet.
#[derive(Debug, Clone)]
pub(crate) struct WebCall<'a> {
    url: &'a Url,
    accept: &'static str,
    /// A form to be posted.
    form: Option<String>,
    /// A token that lets it in.
    bearer: Option<&'a str>,
    /// Whether an address may be talked to.
    may_reach: fn(IpAddr) -> bool,
}

impl<'a> WebCall<'a> {
    /// A GET.
    pub(crate) fn get(url: &'a Url, accept: &'static str) -> Self {
        Self {
            url,
            accept,
            form: None,
            bearer: None,
            may_reach: is_public,
        }
    }

    /// A POST of a form, for an answer in JSON.
    pub(crate) fn post_form(url: &'a Url, form: String) -> Self {
        Self {
            form: Some(form),
            ..Self::get(url, "application/json")
        }
    }

    /// The call with a token that lets it in.
    pub(crate) fn bearer(self, token: &'a str) -> Self {
        Self {
            bearer: Some(token),
            ..self
        }
    }

    /// The call where other addresses may be talked to than public ones.
    pub(crate) fn reaching(self, may_reach: fn(IpAddr) -> bool) -> Self {
        Self { may_reach, ..self }
    }

    /// The status and the body of the answer, as long as it has at most so many bytes and comes within this time.
    pub(crate) async fn read(self, most: usize, limit: Duration) -> Result<(u16, Bytes), String> {
        let read = async {
            let response = self.send().await.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), most).collect().await;
            let body =
                body.map_err(|_| format!("its answer broke off, or has more than {most} bytes"))?;
            Ok((status, body.to_bytes()))
        };
        let in_time = timeout(limit, read).await;
        in_time.unwrap_or_else(|_| Err(format!("it did not answer within {} s", limit.as_secs())))
    }

    /// The answer, whatever its status.
    pub(crate) async fn send(self) -> Result<Response<Incoming>, WebError> {
        let (Some(host), Some(port)) = (self.url.host(), self.url.port_or_known_default()) else {
            return Err(WebError::NoHost);
        };
        let address = self.resolve(&host, port).await?;
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|_| WebError::Unreachable)?;
        let name = host.to_string();
        let stream = if self.url.scheme() == "http" {
            Either::Left(stream)
        } else {
            let server = ServerName::try_from(name.trim_matches(['[', ']']).to_owned());
            let server = server.map_err(|_| WebError::NoHost)?;
            let stream = tls::connector().connect(server, stream).await;
            Either::Right(stream.map_err(|_| WebError::Unreachable)?)
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|_| WebError::NoHttp)?;
        // Ends with the answer's body, or when that is dropped.
        tokio::spawn(async move {
            connection.await.ok();
        });
        let request = self.request(&name)?;
        let response = sender.send_request(request).await;
        response.map_err(|_| WebError::NoHttp)
    }

    fn request(self, host: &str) -> Result<Request<Full<Bytes>>, WebError> {
        let path = self.url.query().map_or_else(
            || self.url.path().to_owned(),
            |query| format!("{}?{query}", self.url.path()),
        );
        let host = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let is_post = self.form.is_some();
        let mut request = Request::builder()
            .method(if is_post { Method::POST } else { Method::GET })
            .uri(path)
            .header(HOST, host)
            .header(
                USER_AGENT,
                concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION")),
            )
            .header(ACCEPT, self.accept);
        if is_post {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(token) = self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = Full::new(Bytes::from(self.form.unwrap_or_default()));
        request.body(body).map_err(|_| WebError::NoHost)
    }

    /// The address to connect to. One address that may not be reached condemns them all.
    async fn resolve(&self, host: &Host<&str>, port: u16) -> Result<SocketAddr, WebError> {
        let addresses: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new((*ip).into(), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new((*ip).into(), port)],
            Host::Domain(name) => {
                let found = lookup_host((*name, port)).await;
                found.map_err(|_| WebError::UnknownHost)?.collect()
            }
        };
        let mut all = addresses.iter();
        if !all.all(|address| (self.may_reach)(address.ip())) {
            return Err(WebError::Private);
        }
        addresses.first().copied().ok_or(WebError::UnknownHost)
    }
}
