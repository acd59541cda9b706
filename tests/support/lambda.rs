//! Lambda around the real binary: it gets one event at a time and is frozen in between, beside a simulated
//! Bedrock and a table that go on while it is frozen.

use std::process::Command;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::{Ledger, LedgerOptions, Record};
use bedrock_sidecar::store::{Embedded, Table};
use serde_json::{Value, json};
use tokio::process::{Child, Command as Process};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use super::bedrock::all_models;
use super::keys::sha256;
use super::runtime_api::{self, Event, Told};

const TABLE: &str = "lambda";

/// The master key of a function under test: not the published one, which is refused there.
pub const KEY: &str = "sk-a-function-s-own-key";

/// An execution environment.
pub struct Lambda {
    pub bedrock: Simulated,
    pub ledger: Ledger,
    process: Child,
    events: mpsc::Sender<Event>,
    told: Mutex<mpsc::Receiver<Told>>,
    _embedded: Embedded,
}

/// What became of an invocation.
pub struct Invocation {
    pub status: u16,
    pub headers: serde_json::Map<String, Value>,
    /// Lambda hands them over apart from the headers.
    pub cookies: Vec<String>,
    /// The body's pieces, each with the time since the event.
    pub pieces: Vec<(Duration, Bytes)>,
    /// When the response was whole.
    pub whole: Duration,
    /// When the function was ready for the next event, and was frozen.
    pub over: Duration,
}

impl Invocation {
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self
            .pieces
            .iter()
            .flat_map(|(_, piece)| piece.to_vec())
            .collect();
        String::from_utf8(bytes).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    pub fn first_byte(&self) -> Duration {
        self.pieces[0].0
    }
}

impl Lambda {
    /// An environment that has asked for its first event.
    pub async fn start() -> Self {
        Self::with_variables(&[]).await
    }

    /// An environment with further variables.
    pub async fn with_variables(variables: &[(&str, &str)]) -> Self {
        let bedrock = bedrock(None).await;
        let embedded = Embedded::in_memory().await.unwrap();
        let table: Table = embedded.table(TABLE).await.unwrap();
        let (events, waiting) = mpsc::channel(1);
        let (tell, told) = mpsc::channel(1024);
        let api = runtime_api::serve(waiting, tell).await;
        let process = Process::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
            .env_clear()
            .current_dir(std::env::temp_dir())
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "bedrock-sidecar"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "AKIATEST"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &bedrock.url()),
                ("AWS_ENDPOINT_URL_DYNAMODB", embedded.endpoint()),
                ("CONFIG_FILE", "iam_role_config.yml"),
                ("TABLE_NAME", TABLE),
                ("MASTER_KEY_SHA256", &sha256(KEY)),
            ])
            .envs(variables.iter().copied())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lambda = Self {
            bedrock,
            ledger: Ledger::new(table, LedgerOptions::default()),
            process,
            events,
            told: Mutex::new(told),
            _embedded: embedded,
        };
        assert!(matches!(lambda.told().await, Told::Ready));
        lambda
    }

    /// A request through the function URL.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Invocation {
        self.invoke(event(method, path, body), Duration::from_secs(60))
            .await
    }

    /// A chat.
    pub async fn chat(&self, body: &Value) -> Invocation {
        self.request("POST", "/v1/chat/completions", Some(body))
            .await
    }

    /// One invocation from thaw to freeze. Longer than `limit` it must not take: Lambda would have killed it.
    pub async fn invoke(&self, event: Value, limit: Duration) -> Invocation {
        self.signal("CONT");
        let started = Instant::now();
        let deadline = SystemTime::now() + limit;
        self.events
            .send(Event {
                body: event,
                deadline,
            })
            .await
            .unwrap_or_else(|_| panic!("the process is gone"));
        let mut head: Vec<u8> = Vec::new();
        let mut invocation = Invocation {
            status: 0,
            headers: Default::default(),
            cookies: Vec::new(),
            pieces: Vec::new(),
            whole: Duration::ZERO,
            over: Duration::ZERO,
        };
        loop {
            match self.told().await {
                Told::Piece(piece) if invocation.status == 0 => {
                    head.extend_from_slice(&piece);
                    if let Some(end) = head.windows(8).position(|eight| eight == [0; 8]) {
                        let prelude: Value = serde_json::from_slice(&head[..end]).unwrap();
                        invocation.status = prelude["statusCode"].as_u64().unwrap() as u16;
                        invocation.headers = prelude["headers"].as_object().unwrap().clone();
                        invocation.cookies =
                            serde_json::from_value(prelude["cookies"].clone()).unwrap_or_default();
                        let rest = head.split_off(end + 8);
                        if !rest.is_empty() {
                            invocation.pieces.push((started.elapsed(), rest.into()));
                        }
                    }
                }
                Told::Piece(piece) => invocation.pieces.push((started.elapsed(), piece)),
                Told::Whole => invocation.whole = started.elapsed(),
                Told::Failed(error) => panic!("the invocation failed: {error}"),
                Told::Ready => break,
            }
        }
        invocation.over = started.elapsed();
        self.signal("STOP");
        assert!(invocation.over < limit, "killed after {limit:?}");
        invocation
    }

    /// The record of a reply's id, as it is while the function is frozen.
    pub async fn record(&self, id: &str) -> Option<Record> {
        self.ledger.get(&id.parse().unwrap()).await.unwrap()
    }

    /// Bedrock goes away with all its connections and comes back at the same address.
    pub async fn restart_bedrock(&mut self) {
        let address = self.bedrock.address();
        let old = std::mem::replace(&mut self.bedrock, bedrock(None).await);
        old.stop();
        // Its port is free as soon as its task has ended.
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Ok(probe) = std::net::TcpListener::bind(address) {
                drop(probe);
                break;
            }
        }
        self.bedrock = bedrock(Some(address)).await;
    }

    async fn told(&self) -> Told {
        let told = tokio::time::timeout(Duration::from_secs(60), async {
            self.told.lock().await.recv().await
        });
        told.await
            .expect("the function says nothing")
            .expect("the Runtime API is there")
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().expect("the process lives").to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }
}

/// An event as a function URL makes it.
pub fn event(method: &str, path: &str, body: Option<&Value>) -> Value {
    let domain = "abcdefghij.lambda-url.us-east-1.on.aws";
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {KEY}"), "content-type": "application/json", "host": domain},
        "requestContext": {
            "accountId": "anonymous", "apiId": "abcdefghij", "domainName": domain, "domainPrefix": "abcdefghij",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test"},
            "requestId": "5d1ffa33-1b07-4d3e-9d2e-7c5b8f1f6a00", "routeKey": "$default", "stage": "$default",
            "time": "12/Jan/2026:20:00:00 +0000", "timeEpoch": 1768248000000u64,
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

async fn bedrock(address: Option<std::net::SocketAddr>) -> Simulated {
    let options = match address {
        Some(address) => all_models().with_address(address),
        None => all_models(),
    };
    Simulated::start(options).await.unwrap()
}
