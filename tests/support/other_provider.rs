//! `oidc-provider-mock` from PyPI, which shares no code with the identity provider in these tests.
//!
//! `OIDC_PROVIDER_MOCK` names the program; without it the tests only say that they did not run.

use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::AbortHandle;

/// The provider at work. It ends with the value.
pub struct OtherProvider {
    /// What it calls itself.
    pub issuer: String,
    _program: Child,
    server: AbortHandle,
}

impl OtherProvider {
    /// `None`: there is no such program here.
    pub async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("OIDC_PROVIDER_MOCK") else {
            println!("not run: OIDC_PROVIDER_MOCK names no oidc-provider-mock");
            return None;
        };
        let (child, relay, listener) = started(&program).await;
        let issuer = format!("http://{}", relay.host);
        let router = Router::new().fallback(relayed).with_state(relay);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some(Self {
            issuer,
            _program: child,
            server: server.abort_handle(),
        })
    }

    /// The lines of a configuration with which maria is an admin.
    pub fn settings(&self) -> String {
        format!(
            "general_settings:\n  identity:\n    issuers:\n      - issuer: {}\n        audience: gateway\n        \
             roles: {{admin: {{email: maria@example.com}}}}\n        sign_in: {{client_id: gateway}}\n",
            self.issuer
        )
    }
}

impl Drop for OtherProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Where the provider is, and a client to reach it with.
#[derive(Clone)]
struct Relay {
    provider: String,
    host: String,
    http: reqwest::Client,
}

/// The provider takes no public clients: on the way to it a code gets a secret, any of which is right.
async fn relayed(State(relay): State<Relay>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = to_bytes(body, 1_000_000).await.unwrap().to_vec();
    if parts.uri.path() == "/oauth2/token" {
        body.extend(b"&client_secret=any");
    }
    let path = parts.uri.path_and_query().unwrap().as_str();
    let mut sent = relay
        .http
        .request(parts.method, format!("{}{path}", relay.provider));
    // It calls itself what it is called.
    sent = sent.header("host", &relay.host).body(body);
    if let Some(kind) = parts.headers.get("content-type") {
        sent = sent.header("content-type", kind);
    }
    let answer = sent.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for name in ["location", "content-type"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}

async fn started(program: &std::ffi::OsStr) -> (Child, Relay, TcpListener) {
    // Free a moment ago: the program takes no port of 0.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = Command::new(program)
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay {
        provider: format!("http://127.0.0.1:{port}"),
        host: listener.local_addr().unwrap().to_string(),
        http: http.build().unwrap(),
    };
    for _ in 0..600 {
        if relay.http.get(&relay.provider).send().await.is_ok() {
            return (child, relay, listener);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("oidc-provider-mock does not answer");
}
