//! Fifty streams at a time against a Bedrock of which every fifth answer goes wrong, for ten minutes: nothing hangs,
//! nothing leaks, and every request is either whole or clearly failed. Run by `make soak`.
//!
//! The gateway is the real binary in a process of its own, so that its memory is its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::{ANY_MODEL, FaultKind, Simulated, Step};
use bedrock_sidecar::spend::{Ledger, LedgerOptions, RequestId, TotalOf};
use bedrock_sidecar::store::Embedded;
use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::process::Gateway;
use crate::support::{BACKUP, KEY, LAST, PRIMARY, all_models};

const STREAMS: usize = 50;
const HANG: Duration = Duration::from_secs(60);
const ANSWER: &str =
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
const TABLE: &str = "soak";

/// One of each kind that a network or a service has.
fn faults() -> Vec<Step> {
    let text = || Step::text(ANSWER);
    vec![
        Step::throttle(),
        Step::throttle().retry_after("1"),
        Step::unavailable(),
        Step::internal_error(),
        Step::html(502),
        Step::reset(),
        Step::hang(),
        text().slow_first_event(Duration::from_secs(5)),
        text().cut_after(4),
        text().fault(4, FaultKind::End),
        text().fault(4, FaultKind::Silence),
        text().fault(4, FaultKind::BrokenFrame),
        text().fault(4, FaultKind::TruncatedFrame),
        text().fault(4, FaultKind::UnknownEvent),
        text().exception_after(4, "throttlingException", "Too many requests"),
        text().exception_after(0, "internalServerException", "a fault"),
        text().without_metadata(),
    ]
}

#[derive(Debug, Default)]
struct Counts {
    whole: AtomicUsize,
    told_in_the_stream: AtomicUsize,
    refused: AtomicUsize,
    /// Neither: a part shown as the whole, or a body that broke off without a word.
    wrong: AtomicUsize,
    hung: AtomicUsize,
}

/// The gateway under the load, and all that it needs.
async fn gateway(bedrock: &Simulated, table: &Embedded) -> Gateway {
    let yaml = format!(
        "
model_list:
  - model_name: primary
    litellm_params: {{model: bedrock/{PRIMARY}, aws_region_name: us-east-1}}
  - model_name: backup
    litellm_params: {{model: bedrock/{BACKUP}, aws_region_name: us-east-1}}
  - model_name: last
    litellm_params: {{model: bedrock/{LAST}, aws_region_name: us-east-1}}
router_settings:
  fallbacks: [{{primary: [backup, last]}}]
  request_timeout: 2
  idle_timeout: 2
"
    );
    let variables = [
        ("LOG_LEVEL", "error"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &bedrock.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
        ("TABLE_NAME", TABLE),
    ];
    Gateway::start(&yaml, &variables).await
}

/// Memory of its own, MiB: resident, without the pages of the binary's file.
fn memory(gateway: &Gateway) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<f64>().unwrap() / 1024.0
}

async fn one(http: &reqwest::Client, url: &str, counts: &Counts) {
    let body = json!({"model": "primary", "stream": true, "messages": [{"role": "user", "content": "hello"}]});
    let asked = async {
        let response = http.post(url).bearer_auth(KEY).json(&body).send().await;
        let response = response.ok()?;
        let status = response.status();
        let body = response.text().await.ok()?;
        Some(if status == 200 {
            judge(&body, counts)
        } else if status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 408 {
            &counts.refused
        } else {
            &counts.wrong
        })
    };
    let counter = match timeout(HANG, asked).await {
        Ok(Some(counter)) => counter,
        Ok(None) => &counts.wrong,
        Err(_) => &counts.hung,
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

fn judge<'c>(body: &str, counts: &'c Counts) -> &'c AtomicUsize {
    let data: Vec<Value> = body
        .split_terminator("\n\n")
        .filter_map(|event| event.strip_prefix("data: {"))
        .map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap())
        .collect();
    let choices = || data.iter().map(|chunk| &chunk["choices"][0]);
    let text: String = choices()
        .filter_map(|choice| choice["delta"]["content"].as_str())
        .collect();
    let finished = choices().any(|choice| choice["finish_reason"].is_string());
    let done = body.ends_with("data: [DONE]\n\n");
    let error = data.iter().any(|chunk| chunk.get("error").is_some());
    match (error, finished, done) {
        (false, true, true) if text == ANSWER => &counts.whole,
        (true, false, false) if ANSWER.starts_with(&text) => &counts.told_in_the_stream,
        _ => &counts.wrong,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes; make soak"]
async fn nothing_hangs_leaks_or_lies_under_faults() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(600, |text| text.parse().unwrap());
    let bedrock = Simulated::start(all_models().with_pace(Duration::from_millis(20)))
        .await
        .unwrap();
    let faults = faults();
    let mut steps = vec![Step::text(ANSWER); faults.len() * 4];
    steps.extend(faults);
    bedrock.sometimes(ANY_MODEL, 1.0, steps);
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table(TABLE).await.unwrap();
    let gateway = gateway(&bedrock, &embedded).await;
    let http = reqwest::Client::new();

    let counts = Arc::new(Counts::default());
    let end = Instant::now() + Duration::from_secs(seconds);
    let workers = (0..STREAMS).map(|_| {
        let (http, counts) = (http.clone(), Arc::clone(&counts));
        let url = format!("{}/v1/chat/completions", gateway.url);
        tokio::spawn(async move {
            while Instant::now() < end {
                one(&http, &url, &counts).await;
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut used = Vec::new();
    while Instant::now() < end {
        sleep(Duration::from_secs(10)).await;
        used.push(memory(&gateway));
        println!(
            "{:>4} s: {:.1} MiB, {counts:?}",
            used.len() * 10,
            memory(&gateway)
        );
    }
    join_all(workers).await;
    // The last records are on their way.
    sleep(Duration::from_secs(6)).await;
    println!("end: {:.1} MiB, {counts:?}", memory(&gateway));

    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!((count(&counts.wrong), count(&counts.hung)), (0, 0));
    let asked = count(&counts.whole) + count(&counts.told_in_the_stream) + count(&counts.refused);
    let ledger = Ledger::new(table, LedgerOptions::default());
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let totals = ledger
        .totals(today.yesterday().unwrap(), today)
        .await
        .unwrap();
    let records: u64 = totals
        .iter()
        .filter(|total| matches!(total.of, TotalOf::Model { .. }))
        .map(|total| total.counters.requests)
        .sum();
    // What the table does not take in its time goes to the log, from which it can be replayed; some of it was written
    // all the same, only later than anybody waited.
    let log = gateway.log();
    let mut only_logged = 0;
    for line in log.lines().filter(|line| line.contains("spend_unrecorded")) {
        let id = line.split_once("chatcmpl-").unwrap().1;
        let id = RequestId::parse(&format!("chatcmpl-{}", &id[..36])).unwrap();
        only_logged += u64::from(ledger.get(&id).await.unwrap().is_none());
    }
    println!(
        "{asked} requests, {records} records in the table and {only_logged} in the log alone, Bedrock billed {}",
        bedrock.billed()
    );
    assert_eq!(
        records + only_logged,
        asked as u64,
        "one record for each request"
    );
    // The first third is for pools and arenas to fill.
    let third = used.len() / 3;
    let settled = &used[third..];
    let (first, last) = (settled[0], settled[settled.len() - 1]);
    assert!(
        last < first * 1.15,
        "memory grew from {first:.1} to {last:.1} MiB"
    );
}
