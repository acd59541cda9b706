//! A network between the gateway and its table that does what networks and tables do: by a script, to one transaction
//! after the other, or to one update of a single item.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bedrock_sidecar::store::Embedded;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::TestApp;

/// What becomes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another transaction is at one of its items.
    Conflict,
    /// The table takes no more for now.
    Throttled,
    /// The table is unwell.
    InternalError,
    /// The table's disk has no room.
    Full,
    /// A proxy in between is unwell.
    BadGateway,
    /// It may not be made at all.
    Denied,
    /// One of its items is not as the table takes it.
    InvalidItem,
    /// It is not as the table takes it.
    InvalidCall,
    /// The connection is reset before it is made.
    ResetBefore,
    /// It is made, and the connection reset before the answer.
    ResetAfter,
    /// It is not made, and no answer comes.
    Swallowed,
    /// It is made, and no answer comes.
    AnswerLost,
}

/// The network. It ends with the value.
pub struct TableProxy {
    pub url: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

struct Shared {
    table: String,
    http: reqwest::Client,
    script: Mutex<Script>,
    /// How many transactions got no answer since the script was last replaced.
    silent: watch::Sender<usize>,
    /// How many calls there were of each kind.
    calls: watch::Sender<HashMap<String, usize>>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Fault>,
    rest: Option<Fault>,
    /// It is about calls of this kind, not about transactions.
    operation: Option<&'static str>,
    /// Nothing gets through at all.
    down: bool,
}

impl TableProxy {
    /// In front of the table at this address.
    pub async fn start(table: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            table: table.to_owned(),
            http: reqwest::Client::new(),
            script: Mutex::default(),
            silent: watch::Sender::default(),
            calls: watch::Sender::default(),
        });
        let serving = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // A connection that breaks is what this is for.
                tokio::spawn(async move { shared.serve(stream).await.ok() });
            }
        });
        Self {
            url,
            shared,
            server: server.abort_handle(),
        }
    }

    /// What becomes of the next transactions.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.script.lock().unwrap().next.extend(faults);
    }

    /// What becomes of every transaction that the script says nothing about.
    pub fn always(&self, fault: Option<Fault>) {
        let mut script = self.shared.script.lock().unwrap();
        script.next.clear();
        self.shared.silent.send_replace(0);
        script.rest = fault;
    }

    /// From now on it is updates of single items that the script is about.
    pub fn strike_updates(&self) {
        self.strike("UpdateItem");
    }

    /// From now on it is calls of this kind that the script is about.
    pub fn strike(&self, operation: &'static str) {
        self.shared.script.lock().unwrap().operation = Some(operation);
    }

    /// Whether nothing gets through, neither writes nor reads.
    pub fn down(&self, down: bool) {
        self.shared.script.lock().unwrap().down = down;
    }

    /// How many calls of this kind there were.
    pub fn calls(&self, operation: &str) -> usize {
        let calls = self.shared.calls.borrow();
        calls.get(operation).copied().unwrap_or_default()
    }

    /// How many calls there were that cost more than a read.
    pub fn writes(&self) -> usize {
        ["PutItem", "UpdateItem", "TransactWriteItems"]
            .iter()
            .map(|operation| self.calls(operation))
            .sum()
    }

    /// Waits until there were so many calls of this kind.
    pub async fn called(&self, operation: &str, times: usize) {
        let mut calls = self.shared.calls.subscribe();
        let enough = |calls: &HashMap<String, usize>| {
            calls.get(operation).is_some_and(|number| *number >= times)
        };
        calls.wait_for(enough).await.unwrap();
    }

    /// Waits until a transaction got no answer since [`Self::always`] was last called.
    pub async fn silent(&self) {
        let mut silent = self.shared.silent.subscribe();
        silent.wait_for(|silent| *silent > 0).await.unwrap();
    }
}

/// A gateway whose calls of its table go through a network, and the network.
pub async fn behind_a_network() -> (TestApp, TableProxy) {
    let table = Arc::new(Embedded::in_memory().await.unwrap());
    let proxy = TableProxy::start(table.endpoint()).await;
    let builder = TestApp::builder().table(&table, "test");
    (builder.table_at(&proxy.url).start().await, proxy)
}

impl Drop for TableProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Call {
    head: String,
    body: Vec<u8>,
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        while let Some(call) = read(&mut stream).await? {
            let fault = match self.fault_of(&call) {
                Ok(fault) => fault,
                Err(Down) => return reset(stream),
            };
            match fault {
                Some(Fault::ResetBefore) => return reset(stream),
                Some(Fault::Swallowed) => return self.be_silent(stream).await,
                Some(Fault::ResetAfter) => {
                    self.forward(&call).await;
                    return reset(stream);
                }
                Some(Fault::AnswerLost) => {
                    self.forward(&call).await;
                    return self.be_silent(stream).await;
                }
                Some(fault) => {
                    let (status, body) = refusal(fault, &call);
                    answer(&mut stream, status, body.as_bytes()).await?;
                }
                None => {
                    let (status, body) = self.forward(&call).await;
                    answer(&mut stream, status, &body).await?;
                }
            }
        }
        Ok(())
    }

    fn fault_of(&self, call: &Call) -> Result<Option<Fault>, Down> {
        let mut script = self.script.lock().unwrap();
        if script.down {
            return Err(Down);
        }
        let operation = script.operation.unwrap_or("TransactWriteItems");
        let called = header(&call.head, "x-amz-target").and_then(|name| name.split_once('.'));
        let called = called.map_or("", |(_, name)| name);
        self.calls
            .send_modify(|calls| *calls.entry(called.to_owned()).or_default() += 1);
        if called != operation {
            return Ok(None);
        }
        Ok(script.next.pop_front().or(script.rest))
    }

    async fn forward(&self, call: &Call) -> (u16, Vec<u8>) {
        let mut request = self.http.post(&self.table).body(call.body.clone());
        for name in [
            "x-amz-target",
            "content-type",
            "authorization",
            "x-amz-date",
        ] {
            if let Some(value) = header(&call.head, name) {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.bytes().await.unwrap().to_vec())
    }

    /// Says nothing until the other side gives up.
    async fn be_silent(&self, mut stream: TcpStream) -> std::io::Result<()> {
        self.silent.send_modify(|silent| *silent += 1);
        while stream.read(&mut [0; 64]).await? > 0 {}
        Ok(())
    }
}

struct Down;

fn refusal(fault: Fault, call: &Call) -> (u16, String) {
    let is_update = header(&call.head, "x-amz-target").is_some_and(|to| to.ends_with("UpdateItem"));
    let error = |kind: &str| format!(r#"{{"__type":"{kind}","message":"as the script says"}}"#);
    match fault {
        Fault::Conflict if is_update => (400, error("TransactionConflictException")),
        Fault::Conflict => {
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let reasons = r#"[{"Code":"None"},{"Code":"TransactionConflict"}]"#;
            (
                400,
                format!(r#"{{"__type":"{kind}","CancellationReasons":{reasons}}}"#),
            )
        }
        Fault::InvalidItem => {
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let reasons = r#"[{"Code":"ValidationError","Message":"Number overflow."}]"#;
            (
                400,
                format!(r#"{{"__type":"{kind}","CancellationReasons":{reasons}}}"#),
            )
        }
        Fault::InvalidCall => (400, error("com.amazon.coral.validate#ValidationException")),
        Fault::Throttled => (400, error("ProvisionedThroughputExceededException")),
        Fault::InternalError => (500, error("InternalServerError")),
        Fault::Full => (
            500,
            r#"{"__type":"InternalServerError","message":"Internal error: database or disk is full"}"#
                .to_owned(),
        ),
        Fault::BadGateway => (502, "<html>bad gateway</html>".to_owned()),
        _ => (400, error("AccessDeniedException")),
    }
}

/// The next request of a connection; `None`: there is none.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Call>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = bytes.split_off(end + 4);
                return Ok(Some(Call { head, body }));
            }
        }
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

async fn answer(stream: &mut TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await
}

fn reset(stream: TcpStream) -> std::io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}
