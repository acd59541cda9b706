//! A POST over TLS, with what is linked anyway: hyper, rustls, and the AWS SDK's signatures.
//!
//! A service of AWS of which one call is made needs no SDK of its own.

use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::either::Either;
use url::Url;

use crate::tls;

/// The longest answer that is read where no other length is named: most say in a line what was wrong.
pub(crate) const LONGEST_ANSWER: usize = 64 * 1024;
/// How much of an answer stands in an error.
const LONGEST_QUOTE: usize = 300;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PostError {
    /// It could not be sent, or nothing came back.
    #[error("{0}")]
    NoAnswer(String),
    /// The service refused it.
    #[error("{status}: {quote}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// How its answer begins.
        quote: String,
    },
    /// More came than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// Sends requests, with the credentials of the process where they are for AWS.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    credentials: Option<SharedCredentialsProvider>,
}

/// A request to a service of AWS.
pub(crate) struct AwsRequest<'a> {
    pub(crate) url: &'a Url,
    /// The service, as signatures name it.
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    /// Headers beside the host, which are signed.
    pub(crate) headers: &'a [(&'static str, &'static str)],
    pub(crate) body: String,
    /// The most bytes of an answer that are read.
    pub(crate) longest_answer: usize,
}

impl Transport {
    /// A transport that signs with these credentials.
    pub fn new(credentials: Option<SharedCredentialsProvider>) -> Self {
        Self { credentials }
    }

    /// Sends a request to AWS. Returns the answer's body where its status is good.
    pub(crate) async fn post_signed(&self, request: AwsRequest<'_>) -> Result<String, PostError> {
        let no_answer = |why: String| PostError::NoAnswer(why);
        let provider = self.credentials.as_ref();
        let provider =
            provider.ok_or_else(|| no_answer("this process has no AWS credentials".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials
            .map_err(|error| no_answer(format!("no AWS credentials were found: {error}")))?;
        let identity = credentials.into();
        let unsigned = |error: &dyn std::fmt::Display| {
            PostError::NoAnswer(format!("it could not be signed: {error}"))
        };
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(request.region)
            .name(request.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?;
        let host = authority(request.url);
        let plain = [("host", host.as_str())]
            .into_iter()
            .chain(request.headers.iter().copied());
        let body = SignableBody::Bytes(request.body.as_bytes());
        let signable = SignableRequest::new("POST", request.url.as_str(), plain, body);
        let signable = signable.map_err(|error| unsigned(&error))?;
        let signed = sign(signable, &params.into()).map_err(|error| unsigned(&error))?;
        let (instructions, _) = signed.into_parts();
        let mut headers: Vec<(String, String)> = instructions
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (name, value) in request.headers {
            headers.push(((*name).to_owned(), (*value).to_owned()));
        }
        post(request.url, &headers, request.body, request.longest_answer).await
    }

    /// Sends JSON to another host, with these headers.
    pub(crate) async fn post_json(
        &self,
        url: &Url,
        headers: &[(String, String)],
        body: String,
    ) -> Result<String, PostError> {
        let json = (CONTENT_TYPE.to_string(), "application/json".to_owned());
        post(url, &[&[json], headers].concat(), body, LONGEST_ANSWER).await
    }
}

/// Host, and port where it is not the usual one.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn post(
    url: &Url,
    headers: &[(String, String)],
    body: String,
    longest_answer: usize,
) -> Result<String, PostError> {
    let no_answer = |why: &dyn std::fmt::Display| PostError::NoAnswer(why.to_string());
    let unreachable = |error: std::io::Error| no_answer(&format!("it cannot be reached: {error}"));
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(no_answer(&"its address names no host"));
    };
    let host = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(unreachable)?;
    let stream = if url.scheme() == "http" {
        Either::Left(stream)
    } else {
        let server = ServerName::try_from(host.to_owned());
        let server = server.map_err(|_| no_answer(&"its address names no valid host"))?;
        Either::Right(
            tls::connector()
                .connect(server, stream)
                .await
                .map_err(unreachable)?,
        )
    };
    let failed = |error: hyper::Error| no_answer(&format!("it did not answer: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // Ends with the answer's body, or when that is dropped.
    tokio::spawn(async move {
        connection.await.ok();
    });
    let path = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let mut request = Request::post(path)
        .header(HOST, authority(url))
        .header(
            USER_AGENT,
            concat!("bedrock-sidecar/", env!("CARGO_PKG_VERSION")),
        )
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| no_answer(&error))?;
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|error| no_answer(&error))?;
        let value = HeaderValue::try_from(value).map_err(|error| no_answer(&error))?;
        request.headers_mut().insert(name, value);
    }
    let response = sender.send_request(request).await.map_err(failed)?;
    read(response, longest_answer).await
}

async fn read(
    response: Response<hyper::body::Incoming>,
    longest_answer: usize,
) -> Result<String, PostError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), longest_answer)
        .collect()
        .await;
    let text = |body: Bytes| String::from_utf8_lossy(&body).into_owned();
    match (status, body.map(|body| text(body.to_bytes()))) {
        (StatusCode::OK, Ok(text)) => Ok(text),
        (StatusCode::OK, Err(error)) if error.is::<LengthLimitError>() => {
            Err(PostError::TooLong(longest_answer))
        }
        (StatusCode::OK, Err(error)) => Err(PostError::NoAnswer(format!(
            "its answer broke off: {error}"
        ))),
        (status, text) => Err(PostError::Refused {
            status,
            quote: text
                .unwrap_or_default()
                .chars()
                .take(LONGEST_QUOTE)
                .collect(),
        }),
    }
}
