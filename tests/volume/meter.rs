//! Before the embedded table: what reads, or writes, take of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

const READS: [&str; 3] = ["Query", "GetItem", "BatchGetItem"];
const WRITES: [&str; 4] = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

/// Asks every read, or every write, what it consumed, in thousandths of a unit.
#[derive(Clone)]
pub struct Meter {
    operations: &'static [&'static str],
    table: String,
    http: reqwest::Client,
    consumed: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

impl Meter {
    /// A meter of reads before the table at this URL, and its own.
    pub async fn start(table: &str) -> (Meter, String) {
        Self::of(&READS, table).await
    }

    /// The same of writes.
    pub async fn of_writes(table: &str) -> (Meter, String) {
        Self::of(&WRITES, table).await
    }

    async fn of(operations: &'static [&'static str], table: &str) -> (Meter, String) {
        let meter = Meter {
            operations,
            table: table.to_owned(),
            http: reqwest::Client::new(),
            consumed: Arc::default(),
            calls: Arc::default(),
        };
        let proxy = Router::new()
            .route("/", post(metered))
            .with_state(meter.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, proxy).await });
        (meter, url)
    }

    /// What this takes: time, units, calls.
    pub async fn measure<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        self.measured(what, work).await.0
    }

    /// What this takes, with its units.
    pub async fn measured<T>(&self, what: &str, work: impl Future<Output = T>) -> (T, f64) {
        self.consumed.store(0, Ordering::Relaxed);
        self.calls.store(0, Ordering::Relaxed);
        let began = Instant::now();
        let found = work.await;
        let units = Duration::from_millis(self.consumed.load(Ordering::Relaxed)).as_secs_f64();
        let calls = self.calls.load(Ordering::Relaxed);
        println!(
            "{what:<44} {:>8.1?} {units:>9.1} units {calls:>5} calls",
            began.elapsed()
        );
        (found, units)
    }
}

async fn metered(
    State(meter): State<Meter>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let mut call: Value = serde_json::from_slice(&body).unwrap();
    let mut operations = meter.operations.iter();
    let is_metered = operations.any(|name| target.ends_with(&format!(".{name}")));
    if is_metered {
        call["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let answer = meter.http.post(&meter.table).headers(own(&headers));
    let answer = answer.body(call.to_string()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if is_metered {
        let answer: Value = serde_json::from_str(&text).unwrap();
        let units = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().filter_map(units).sum(),
            one => units(one).unwrap_or(0.0),
        };
        meter.calls.fetch_add(1, Ordering::Relaxed);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        meter
            .consumed
            .fetch_add((units * 1000.0) as u64, Ordering::Relaxed);
    }
    (StatusCode::from_u16(status.as_u16()).unwrap(), text)
}

fn units(consumed: &Value) -> Option<f64> {
    consumed["CapacityUnits"].as_f64()
}

/// The headers that the embedded table reads.
fn own(headers: &HeaderMap) -> HeaderMap {
    let wanted = [
        "x-amz-target",
        "authorization",
        "x-amz-date",
        "content-type",
    ];
    let pairs = wanted.iter().filter_map(|name| {
        let value = headers.get(*name)?.clone();
        Some((name.parse().unwrap(), value))
    });
    pairs.collect()
}
