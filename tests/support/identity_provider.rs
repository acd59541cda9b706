//! An identity provider: it says what it is, publishes its keys, signs people in, and signs tokens, good ones and others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

const RSA: [&[u8]; 2] = [
    include_bytes!("../fixtures/identity/rsa_1.pk8"),
    include_bytes!("../fixtures/identity/rsa_2.pk8"),
];

/// An identity provider on this machine. It ends with the value.
pub struct IdentityProvider {
    pub url: String,
    state: Arc<Mutex<ProviderState>>,
    server: AbortHandle,
}

struct ProviderState {
    url: String,
    keys: Vec<SigningKey>,
    fault: Option<Fault>,
    key_fetches: usize,
    /// Who signs in, and what else an identity token says.
    person: Map<String, Value>,
    /// What it says of the person to who has the access token; empty: it has no such endpoint.
    userinfo: Map<String, Value>,
    now: Timestamp,
    /// Sign-ins that were begun: the code, and what it was asked with.
    codes: Vec<(String, Map<String, Value>)>,
    exchanges: Vec<Map<String, Value>>,
}

/// A key, by its id, with the way in which it signs.
pub struct SigningKey {
    pub id: String,
    pub alg: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What goes wrong at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers 500 to everything.
    Down,
    /// Its discovery document is another's.
    OtherIssuer,
    /// Its keys are no JSON.
    NoKeys,
    /// Its keys are larger than anybody needs.
    HugeKeys,
    /// Its keys stand behind a redirect.
    Redirect,
    /// Its identity tokens answer another sign-in.
    WrongNonce,
    /// Its identity tokens are not signed.
    Unsigned,
    /// It takes no code.
    NoToken,
    /// It takes a code only with the client's secret.
    WantsSecret,
    /// It answers the sign-in in another's name.
    WrongIss,
}

impl SigningKey {
    /// One of two RSA keys, which signs with RS256 or PS256.
    pub fn rsa(id: &str, n: usize, alg: &'static str) -> Self {
        let pair = Pair::Rsa(RsaKeyPair::from_pkcs8(RSA[n]).unwrap());
        Self {
            id: id.into(),
            alg,
            pair,
        }
    }

    /// A new key on a curve: ES256 or ES384.
    pub fn ecdsa(id: &str, alg: &'static str) -> Self {
        let way = match alg {
            "ES256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
            _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(way, key.as_ref(), &random).unwrap();
        Self {
            id: id.into(),
            alg,
            pair: Pair::Ecdsa(pair),
        }
    }

    /// A new key that signs with EdDSA.
    pub fn ed25519(id: &str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Pair::Ed25519(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap());
        Self {
            id: id.into(),
            alg: "EdDSA",
            pair,
        }
    }

    /// The public half, as a set of keys has it.
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": base64(&key.n), "e": base64(&key.e)})
            }
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if self.alg == "ES256" {
                    "P-256"
                } else {
                    "P-384"
                };
                json!({"kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref())})
            }
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        key["alg"] = json!(self.alg);
        key
    }

    /// A token with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let bytes = message.as_bytes();
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                match self.alg {
                    "PS256" => pair.sign(&RSA_PSS_SHA256, &random, bytes, &mut signature),
                    _ => pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature),
                }
                .unwrap();
                signature
            }
            Pair::Ecdsa(pair) => pair.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
        };
        format!("{message}.{}", base64(&signature))
    }

    /// Its header.
    pub fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": self.alg, "kid": self.id})
    }
}

/// The first two parts of a token.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// As the parts of tokens are written.
pub fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl IdentityProvider {
    /// One whose clock stands at this time, with one RSA key.
    pub async fn start(now: Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let person = json!({"sub": "maria", "email": "maria@example.com"});
        let state = Arc::new(Mutex::new(ProviderState {
            url: url.clone(),
            keys: vec![SigningKey::rsa("rsa-1", 0, "RS256")],
            fault: None,
            key_fetches: 0,
            person: person.as_object().cloned().unwrap(),
            userinfo: Map::new(),
            now,
            codes: Vec::new(),
            exchanges: Vec::new(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/moved", get(|| async { Redirect::temporary("/keys") }))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            state,
            server: server.abort_handle(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, ProviderState> {
        self.state.lock().unwrap()
    }

    /// The lines of a configuration that believe it: `more` is added to its entry.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "general_settings:\n  identity:\n    issuers:\n      - issuer: {}\n        audience: gateway\n{more}",
            self.url
        )
    }

    /// What a good token of `maria` says.
    pub fn claims(&self) -> Value {
        let now = self.state().now.as_second();
        json!({"iss": self.url, "aud": "gateway", "sub": "maria", "iat": now, "exp": now + 3600})
    }

    /// A token that is signed as it should be, with these claims over the good ones; `null` takes one away.
    pub fn token(&self, changes: Value) -> String {
        let claims = changed(self.claims(), changes);
        let state = self.state();
        let key = state.keys.last().unwrap();
        key.sign(&key.header(), &claims)
    }

    /// The provider's clock goes on.
    pub fn advance(&self, by: Duration) {
        self.state().now += by;
    }

    /// From now on this key signs; the earlier ones are still published where they are kept.
    pub fn add_key(&self, key: SigningKey, keep_others: bool) {
        let mut state = self.state();
        if !keep_others {
            state.keys.clear();
        }
        state.keys.push(key);
    }

    /// From now on this goes wrong, or nothing does.
    pub fn fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// How often its keys were read.
    pub fn key_fetches(&self) -> usize {
        self.state().key_fetches
    }

    /// Whoever signs in from now on is this person.
    pub fn person(&self, person: Value) {
        self.state().person = person.as_object().cloned().unwrap();
    }

    /// From now on its identity tokens are not all that it says of who signs in.
    pub fn userinfo(&self, said: Value) {
        self.state().userinfo = said.as_object().cloned().unwrap();
    }

    /// What codes were exchanged with.
    pub fn exchanges(&self) -> Vec<Map<String, Value>> {
        self.state().exchanges.clone()
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The claims with others over them; `null` takes one away.
pub fn changed(mut claims: Value, changes: Value) -> Value {
    let object = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    claims
}

type Shared = State<Arc<Mutex<ProviderState>>>;

async fn discovery(State(state): Shared) -> Response {
    let state = state.lock().unwrap();
    if state.fault == Some(Fault::Down) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let url = &state.url;
    let issuer = match state.fault {
        Some(Fault::OtherIssuer) => "https://issuer.example",
        _ => url.as_str(),
    };
    let keys = match state.fault {
        Some(Fault::Redirect) => "moved",
        _ => "keys",
    };
    let mut document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{url}/{keys}"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "authorization_response_iss_parameter_supported": true,
    });
    if !state.userinfo.is_empty() {
        document["userinfo_endpoint"] = json!(format!("{url}/userinfo"));
    }
    Json(document).into_response()
}

/// More of the person, for the token that was given out.
async fn userinfo(State(state): Shared, headers: HeaderMap) -> Response {
    let state = state.lock().unwrap();
    if headers
        .get("authorization")
        .is_none_or(|sent| sent != "Bearer opaque")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(&state.userinfo).into_response()
}

async fn keys(State(state): Shared) -> Response {
    let mut state = state.lock().unwrap();
    state.key_fetches += 1;
    let keys: Vec<Value> = state.keys.iter().map(SigningKey::public).collect();
    match state.fault {
        Some(Fault::Down) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::NoKeys) => "<html>".into_response(),
        Some(Fault::HugeKeys) => {
            Json(json!({"keys": keys, "more": "x".repeat(70_000)})).into_response()
        }
        _ => Json(json!({"keys": keys})).into_response(),
    }
}

/// Everybody who comes is the one person, who has signed in already.
async fn authorize(State(state): Shared, Query(asked): Query<Map<String, Value>>) -> Response {
    let mut state = state.lock().unwrap();
    let text = |name: &str| {
        asked
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let code = format!("code-{}", state.codes.len());
    let iss = match state.fault {
        Some(Fault::WrongIss) => "https://issuer.example".to_owned(),
        _ => state.url.clone(),
    };
    let back = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &text("state"))
        .append_pair("iss", &iss)
        .finish();
    let address = format!("{}?{back}", text("redirect_uri"));
    state.codes.push((code, asked));
    // 302, as providers answer: the browser comes back with a GET.
    (StatusCode::FOUND, [("location", address)]).into_response()
}

#[derive(Deserialize)]
struct Exchange {
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// A code becomes a token once, for who can show what it was asked with.
async fn token(State(state): Shared, Form(Exchange { fields }): Form<Exchange>) -> Response {
    let mut state = state.lock().unwrap();
    state.exchanges.push(fields.clone());
    let text = |map: &Map<String, Value>, name: &str| {
        map.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let refused = |why: &str| {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant", "why": why})),
        )
            .into_response()
    };
    if state.fault == Some(Fault::WantsSecret) {
        let said = json!({"error": "invalid_client", "error_description": "The <client> needs a client_secret."});
        return (StatusCode::UNAUTHORIZED, Json(said)).into_response();
    }
    let code = text(&fields, "code");
    let Some(at) = state.codes.iter().position(|(known, _)| *known == code) else {
        return refused("no such code");
    };
    let (_, asked) = state.codes[at].clone();
    state.codes[at].0 = String::new();
    let challenge = base64(&Sha256::digest(text(&fields, "code_verifier")));
    if challenge != text(&asked, "code_challenge")
        || text(&asked, "code_challenge_method") != "S256"
    {
        return refused("another verifier");
    }
    if text(&fields, "redirect_uri") != text(&asked, "redirect_uri")
        || text(&fields, "client_id") != text(&asked, "client_id")
        || state.fault == Some(Fault::NoToken)
    {
        return refused("another client");
    }
    let nonce = match state.fault {
        Some(Fault::WrongNonce) => "another".to_owned(),
        _ => text(&asked, "nonce"),
    };
    let now = state.now.as_second();
    let mut claims = json!({
        "iss": state.url, "aud": text(&asked, "client_id"), "nonce": nonce, "iat": now, "exp": now + 300,
    });
    claims.as_object_mut().unwrap().extend(state.person.clone());
    let key = state.keys.last().unwrap();
    let id_token = match state.fault {
        Some(Fault::Unsigned) => {
            format!(
                "{}.",
                unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims)
            )
        }
        _ => key.sign(&key.header(), &claims),
    };
    Json(json!({"token_type": "Bearer", "access_token": "opaque", "expires_in": 300, "id_token": id_token}))
        .into_response()
}
