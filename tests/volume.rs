//! What a large day costs to read. Not a promise but a measurement: `make volume`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bedrock_sidecar::spend::{Attempt, Caller, Filter, Ledger, LedgerOptions, Record, RequestId};
use bedrock_sidecar::spend::{Search, Status};
use bedrock_sidecar::store::{Embedded, Table, TableOptions, keys};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Before the embedded table: asks every read what it consumed, in thousandths of a read unit.
#[derive(Clone)]
struct Meter {
    table: String,
    http: reqwest::Client,
    consumed: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

async fn metered(
    State(meter): State<Meter>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let mut call: Value = serde_json::from_slice(&body).unwrap();
    let reads = ["Query", "GetItem", "BatchGetItem"];
    let is_read = reads
        .iter()
        .any(|read| target.ends_with(&format!(".{read}")));
    if is_read {
        call["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let answer = meter.http.post(&meter.table).headers(own(&headers));
    let answer = answer.body(call.to_string()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if is_read {
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

impl Meter {
    /// What this takes: time, read units, calls.
    async fn measure<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
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
        found
    }
}

/// `VOLUME` records of yesterday, and their totals.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of minutes: make volume"]
async fn a_day_of_very_many_records() {
    let many: u64 = std::env::var("VOLUME").map_or(100_000, |many| many.parse().unwrap());
    let embedded = Embedded::in_memory().await.unwrap();
    let direct = embedded.table("volume").await.unwrap();
    let meter = Meter {
        table: embedded.endpoint().to_owned(),
        http: reqwest::Client::new(),
        consumed: Arc::default(),
        calls: Arc::default(),
    };
    let proxy = axum::Router::new()
        .route("/", post(metered))
        .with_state(meter.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, proxy).await });

    let yesterday = keys::day(Timestamp::now()).yesterday().unwrap();
    let began = keys::beginning(yesterday);
    fill(&meter, &direct, began, many).await;

    let options = TableOptions {
        name: "volume".to_owned(),
        endpoint: Some(url),
        region: None,
    };
    let sdk = crate::support::offline_sdk();
    let ledger = Ledger::new(Table::connect(&sdk, &options), LedgerOptions::default());
    let first = meter.measure(
        "usage of the day, first read",
        ledger.totals(yesterday, yesterday),
    );
    let first = first.await.unwrap();
    println!("  {} rows", first.len());
    for days in [0, 29] {
        let from = yesterday.saturating_sub(jiff::Span::new().days(days));
        let again = format!("usage of {} days, read again", days + 1);
        ledger.totals(from, yesterday).await.unwrap();
        meter
            .measure(&again, ledger.totals(from, yesterday))
            .await
            .unwrap();
    }

    let search = Search {
        first: began,
        end: keys::beginning(keys::day(Timestamp::now())),
        filter: Filter::default(),
        page_size: 50,
        after: None,
    };
    let mut page = search.clone();
    for n in 1..=10 {
        let what = format!("log, page {n}");
        let found = meter.measure(&what, ledger.search(&page)).await.unwrap();
        assert_eq!(found.records.len(), 50);
        page.after = found.next;
    }
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    for (what, filter) in [
        (
            "by key (2 % of all)",
            Filter {
                key_hash: Some(hash(7)),
                ..none()
            },
        ),
        (
            "by session",
            Filter {
                session: some("s77"),
                ..none()
            },
        ),
        (
            "failures (2 % of all)",
            Filter {
                status: Some(Status::Failure),
                ..none()
            },
        ),
        (
            "by end user (0.1 % of all)",
            Filter {
                end_user: some("u123"),
                ..none()
            },
        ),
        (
            "by end user and key",
            Filter {
                end_user: some("u107"),
                key_hash: Some(hash(7)),
                ..none()
            },
        ),
    ] {
        let search = Search {
            filter,
            ..search.clone()
        };
        let what = format!("log, {what}");
        let found = meter.measure(&what, ledger.search(&search)).await.unwrap();
        println!(
            "  {} records, searched until {}",
            found.records.len(),
            found.searched_until
        );
    }
}

fn hash(key: u64) -> String {
    format!("{key:064x}")
}

fn record(n: u64, many: u64, began: Timestamp) -> Record {
    let at = began + Duration::from_millis(n * 86_400_000 / many);
    let caller = Caller {
        key_hash: hash(n % 50),
        key_alias: Some(format!("team-{}", n % 50)),
        end_user: Some(format!("u{}", n % 1000)),
        session_id: Some(format!("s{}", n / 20)),
        client: Some("opencode/1.18.33 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.0".into()),
        ..Caller::default()
    };
    let mut record = Record::new(RequestId::new(at), "claude-sonnet-5-5", caller);
    if !n.is_multiple_of(50) {
        record.status = Status::Success;
    }
    record.end = record.start + Duration::from_secs(7);
    record.first_token = Some(record.start + Duration::from_millis(900));
    record.stop_reason = Some("end_turn".into());
    record.stream = true;
    record.tags = vec![format!("team-{}", n % 20)];
    record.attempts = vec![Attempt {
        group: "claude-sonnet-5-5".into(),
        deployment: "ab".repeat(32),
        model: [
            "us.anthropic.claude-sonnet-5-5",
            "us.anthropic.claude-opus-5-5",
        ][n as usize % 2]
            .into(),
        region: "us-east-1".into(),
        outcome: "ok".into(),
        status: Some(200),
        ms: 7000,
        ..Attempt::default()
    }];
    record
}

/// 500 records go through the books, so that totals have every row that such a day has. The others are copies of the
/// items that this makes, under their own keys, 25 at a time: the books would take an hour.
async fn fill(meter: &Meter, table: &Table, began: Timestamp, many: u64) {
    let ledger = Ledger::new(table.clone(), LedgerOptions::default());
    let mut sealed = Vec::new();
    for n in 0..500 {
        let record = record(n * (many / 500), many, began);
        let id = record.request_id;
        ledger.record(record).await.unwrap();
        sealed.push(id);
    }
    let id = sealed.pop().unwrap();
    let key = keys::spend_record(id.time(), id.shard(), &id.to_string());
    let call = json!({"TableName": "volume", "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}}});
    let found = send(meter, "GetItem", &call).await;
    let pattern = &found["Item"];
    println!(
        "an item like {} bytes of DynamoDB's JSON",
        pattern.to_string().len()
    );
    let filling = Instant::now();
    let numbers: Vec<u64> = (0..many).collect();
    let mut under_way = tokio::task::JoinSet::new();
    for chunk in numbers.chunks(25) {
        let puts: Vec<Value> = chunk
            .iter()
            .map(|n| {
                let record = record(*n, many, began);
                let id = record.request_id;
                let key = keys::spend_record(id.time(), id.shard(), &id.to_string());
                let mut item = pattern.clone();
                for (name, text) in [
                    ("pk", key.pk),
                    ("sk", key.sk),
                    ("request_id", id.to_string()),
                    ("startTime", record.start.to_string()),
                    ("api_key", record.caller.key_hash.clone()),
                    ("end_user", format!("u{}", n % 1000)),
                    ("session_id", format!("s{}", n / 20)),
                    ("by_key", keys::by_key(&record.caller.key_hash, id.day())),
                    ("by_session", keys::by_session(&format!("s{}", n / 20))),
                    (
                        "status",
                        if n % 50 == 0 { "failure" } else { "success" }.to_owned(),
                    ),
                ] {
                    item[name] = json!({"S": text});
                }
                json!({"PutRequest": {"Item": item}})
            })
            .collect();
        let call = json!({"RequestItems": {"volume": puts}});
        let meter = meter.clone();
        under_way.spawn(async move { send(&meter, "BatchWriteItem", &call).await });
        if under_way.len() >= 8 {
            under_way.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(written) = under_way.join_next().await {
        written.unwrap();
    }
    println!("{many} records written in {:.1?}", filling.elapsed());
}

async fn send(meter: &Meter, what: &str, call: &Value) -> Value {
    let credential = "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request";
    let answer = meter
        .http
        .post(&meter.table)
        .header("x-amz-target", format!("DynamoDB_20120810.{what}"))
        .header(
            "authorization",
            format!("{credential}, SignedHeaders=host, Signature=0"),
        )
        .header("x-amz-date", "20260101T000000Z")
        .header("content-type", "application/x-amz-json-1.0")
        .body(call.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{text}");
    serde_json::from_str(&text).unwrap()
}
