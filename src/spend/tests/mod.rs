//! The ledger against a real table: the embedded one.

mod days;
mod log;
mod search;

use std::time::{Duration, Instant};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::*;
use crate::catalog::{Price, Rates};
use crate::conversation::Usage;
use crate::store::{Embedded, Hold, HoldClaim, Key, Reserved, Table, WriteLimits, keys, time};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price() -> Price {
    Price {
        standard: Rates {
            input: d("3.3"),
            output: d("16.5"),
            cache_read: Some(d("0.33")),
            cache_write_5m: Some(d("4.125")),
            cache_write_1h: Some(d("6.6")),
        },
        ..Price::default()
    }
}

fn used() -> Usage {
    Usage {
        input: 11,
        output: 7,
        cache_read: 1000,
        cache_write_5m: 200,
        ..Usage::default()
    }
}

fn attempt(model: &str) -> Attempt {
    Attempt {
        group: "sonnet".into(),
        deployment: "sonnet-us".into(),
        model: model.into(),
        region: "us-east-1".into(),
        outcome: "ok".into(),
        status: Some(200),
        ms: 900,
        ..Attempt::default()
    }
}

fn record_at(at: Timestamp) -> Record {
    let caller = RecordCaller {
        key_hash: "ab".repeat(32),
        key_alias: Some("ci".into()),
        team_id: Some("tools#1".into()),
        end_user: Some("enduser7".into()),
        session_id: Some("sess1".into()),
        client: Some("cline/1.0".into()),
        client_app: Some("cline".into()),
        ..RecordCaller::default()
    };
    let mut record = Record::new(RequestId::new(at), "sonnet", caller);
    record.status = Status::Success;
    record.end = at + Duration::from_millis(900);
    record.first_token = Some(at + Duration::from_millis(400));
    record.attempts = vec![attempt("us.sonnet").billed(used(), Some(&price()))];
    record.stop_reason = Some("end_turn".into());
    record.tags = vec!["t1".into(), "t2".into(), "t1".into()];
    record
}

/// A record of this instant that lies in this shard.
fn record_in(shard: u8, at: Timestamp) -> Record {
    let mut record = record_at(at);
    let mut ids = std::iter::repeat_with(|| RequestId::spread(at, shard + 1));
    record.request_id = ids.find(|id| id.shard() == shard).unwrap();
    record
}

fn noon() -> Timestamp {
    "2026-11-23T12:00:00.123Z".parse().unwrap()
}

fn day() -> Date {
    time::day(noon())
}

/// A ledger whose writers have time: a busy machine is no failure here.
fn books(table: Table) -> Ledger {
    let write = WriteLimits {
        total: Duration::from_secs(120),
        ..WriteLimits::default()
    };
    let options = LedgerOptions {
        write,
        ..LedgerOptions::default()
    };
    Ledger::new(table, options)
}

async fn fresh() -> (Embedded, Ledger) {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("books").await.unwrap();
    (embedded, books(table))
}

/// The newest records of a period.
async fn recent(ledger: &Ledger, first: Timestamp, end: Timestamp, most: usize) -> Vec<Record> {
    let search = Search {
        first,
        end,
        filter: RecordFilter::default(),
        page_size: most,
        most_compared: Search::COMPARED,
        after: None,
    };
    ledger.search(&search).await.unwrap().records
}

async fn total(ledger: &Ledger, of: &TotalOf) -> Counters {
    let totals = ledger.totals(day(), day()).await.unwrap();
    let found = totals.into_iter().find(|total| total.of == *of);
    found.map(|total| total.counters).unwrap_or_default()
}

fn model(name: &str) -> TotalOf {
    TotalOf::Model {
        model: name.into(),
        key_hash: "ab".repeat(32),
        by: Some(asked_by()),
    }
}

/// Who asks with [`record_at`].
fn asked_by() -> CountedBy {
    CountedBy {
        client: "cline".into(),
        team: "tools#1".into(),
        customer: "enduser7".into(),
        ..CountedBy::default()
    }
}

#[tokio::test]
async fn a_record_written_twice_counts_once() {
    let (_embedded, ledger) = fresh().await;
    let record = record_at(noon());
    let id = record.request_id;
    assert_eq!(ledger.get(&id).await.unwrap(), None);
    assert_eq!(ledger.record(record.clone()).await.unwrap(), Written::Now);

    let mut other = record.clone();
    other
        .attempts
        .push(attempt("us.haiku").billed(used(), None));
    let again = ledger.record(other).await.unwrap();
    assert_eq!(again, Written::AlreadyCounted);

    let mut stored = ledger.get(&id).await.unwrap().unwrap();
    let mut expected = record;
    assert_eq!(stored.freeze(), expected.freeze());
    assert_eq!(stored, expected);
    assert_eq!(stored.spend_known(), d("0.0013068"));

    let mut expected = Counters {
        requests: 1,
        spend: d("0.0013068"),
        cache_saving: d("0.002805"),
        input: 11,
        output: 7,
        cache_read: 1000,
        cache_write_5m: 200,
        answer_ms: 500,
        answer_tokens: 7,
        duration_ms: 900,
        ..Counters::default()
    };
    *expected.first_token.bucket("400").unwrap() = 1;
    *expected.duration.bucket("1200").unwrap() = 1;
    assert_eq!(total(&ledger, &model("us.sonnet")).await, expected);
    assert_eq!(total(&ledger, &TotalOf::Tag("t1".into())).await, expected);
    assert_eq!(total(&ledger, &TotalOf::Tag("t2".into())).await, expected);
}

/// A record whose request held 5 cents of a budget, which knows of it.
async fn reserved(ledger: &Ledger, budget: &Key) -> Record {
    let mut record = record_at(noon());
    let held = d("0.05");
    let claim = HoldClaim {
        holder: &record.request_id.to_string(),
        before: None,
        hold: Hold {
            amount: held,
            until: noon(),
        },
        most: d("1"),
        expires: None,
    };
    let reserved = ledger.table.reserve(budget, &claim).await.unwrap();
    assert!(matches!(reserved, Reserved::Held(_)));
    record.reservations.own = vec![Reservation {
        key: budget.clone(),
        held,
    }];
    record
}

#[tokio::test]
async fn a_record_settles_what_was_held_for_it_once_also_when_it_is_replayed_late() {
    let (_embedded, ledger) = fresh().await;
    for expires_first in [false, true] {
        let budget = keys::budget(&format!("k{expires_first}"), None);
        let mut record = reserved(&ledger, &budget).await;
        let cost = record.spend_known();
        // What the log keeps of a record that could not be written, weeks ago.
        record.freeze();
        let line = serde_json::to_string(&record).unwrap();
        if expires_first {
            let seen = ledger.table.account(&budget).await.unwrap().unwrap();
            ledger
                .table
                .expire_holds(&budget, &seen, noon())
                .await
                .unwrap();
        }
        let replayed = || serde_json::from_str::<Record>(&line).unwrap();
        assert_eq!(ledger.record(replayed()).await.unwrap(), Written::Now);
        for again in [replayed(), record] {
            assert_eq!(ledger.record(again).await.unwrap(), Written::AlreadyCounted);
        }
        let account = ledger.table.account(&budget).await.unwrap().unwrap();
        assert_eq!((account.spent, account.committed), (cost, cost));
        assert!(account.holds.is_empty());
    }
}

#[tokio::test]
async fn a_record_is_written_although_its_budget_is_gone() {
    let (_embedded, ledger) = fresh().await;
    let mut record = record_at(noon());
    let budgets = [keys::budget("gone", None), keys::common_budget(None)];
    let there = reserved(&ledger, &budgets[1]).await;
    record.reservations = there.reservations.clone();
    record.reservations.own.insert(
        0,
        Reservation {
            key: budgets[0].clone(),
            held: d("0.5"),
        },
    );
    record.request_id = there.request_id;
    let cost = record.spend_known();
    assert_eq!(ledger.record(record).await.unwrap(), Written::Now);
    assert_eq!(ledger.table.account(&budgets[0]).await.unwrap(), None);
    let account = ledger.table.account(&budgets[1]).await.unwrap().unwrap();
    assert_eq!((account.spent, account.committed), (cost, cost));
}

#[tokio::test]
async fn a_replay_by_another_process_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(folder.path()).await.unwrap();
    let second = Embedded::open(folder.path()).await.unwrap();
    let first = (books(first.table("books").await.unwrap()), first);
    let second = (books(second.table("books").await.unwrap()), second);
    let record = record_at(noon());
    assert_eq!(first.0.record(record.clone()).await.unwrap(), Written::Now);
    let again = second.0.record(record).await.unwrap();
    assert_eq!(again, Written::AlreadyCounted);
    assert_eq!(total(&second.0, &model("us.sonnet")).await.requests, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_records_add_up_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    // Two processes on one file, as far as the file can tell.
    let one = Embedded::open(folder.path()).await.unwrap();
    let two = Embedded::open(folder.path()).await.unwrap();
    let ledgers = [
        books(one.table("books").await.unwrap()),
        books(two.table("books").await.unwrap()),
    ];
    let mut writers = tokio::task::JoinSet::new();
    for i in 0..200u64 {
        let ledger = ledgers[i as usize % 2].clone();
        writers.spawn(async move {
            let at = noon() + Duration::from_millis(i);
            let mut record = record_at(at);
            let usage = Usage {
                input: i * 7919 + 1,
                output: i * 104_729 % 997,
                ..Usage::default()
            };
            record.attempts = vec![attempt("us.sonnet").billed(usage, Some(&price()))];
            let spend = record.spend_known();
            assert_eq!(ledger.record(record).await.unwrap(), Written::Now);
            spend
        });
    }
    let mut spend = Decimal::ZERO;
    while let Some(one) = writers.join_next().await {
        spend += one.unwrap();
    }
    let [ledger, _] = &ledgers;
    let counted = total(ledger, &model("us.sonnet")).await;
    assert_eq!((counted.requests, counted.spend), (200, spend));
    assert_eq!(total(ledger, &TotalOf::Tag("t2".into())).await.spend, spend);

    let end = noon() + Duration::from_secs(3600);
    let all = recent(ledger, noon(), end, 1000).await;
    assert_eq!(all.len(), 200);
    assert!(all.is_sorted_by(|a, b| a.request_id > b.request_id));
    assert_eq!(all.iter().map(Record::spend_known).sum::<Decimal>(), spend);
    let newest = recent(ledger, noon(), end, 17).await;
    assert_eq!(newest[..], all[..17]);
    let end = noon() + Duration::from_millis(100);
    let earlier = recent(ledger, noon(), end, 1000).await;
    assert_eq!(earlier[..], all[100..]);
}

#[tokio::test]
async fn a_file_keeps_its_history_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let record = record_at(noon());
    let id = record.request_id;
    let embedded = Embedded::open(folder.path()).await.unwrap();
    let ledger = books(embedded.table("books").await.unwrap());
    ledger.record(record).await.unwrap();
    embedded.stop().await;
    assert!(ledger.get(&id).await.is_err());

    let embedded = Embedded::open(folder.path()).await.unwrap();
    let ledger = books(embedded.table("books").await.unwrap());
    assert!(ledger.get(&id).await.unwrap().is_some());
    assert_eq!(total(&ledger, &model("us.sonnet")).await.requests, 1);
}

#[tokio::test]
async fn an_unknown_price_is_a_mark_and_never_a_zero() {
    let (_embedded, ledger) = fresh().await;
    let mut record = record_at(noon());
    record
        .attempts
        .push(attempt("arn:unknown").billed(used(), None));
    record.tags.clear();
    assert_eq!(record.cost(), None);
    let row = serde_json::to_string(&SpendLog::from(&record)).unwrap();
    assert!(row.contains(r#""spend":null"#), "{row}");
    assert!(row.contains(r#""price_unknown":true"#), "{row}");

    let id = record.request_id;
    ledger.record(record).await.unwrap();
    let stored = ledger.get(&id).await.unwrap().unwrap();
    assert!(stored.is_unpriced());
    let unknown = total(&ledger, &model("arn:unknown")).await;
    assert_eq!(
        (unknown.requests, unknown.unpriced, unknown.input),
        (1, 1, 11)
    );
    assert_eq!(unknown.spend, Decimal::ZERO);
    // What the other attempt is known to have cost is counted where it was spent.
    let known = total(&ledger, &model("us.sonnet")).await;
    assert_eq!((known.requests, known.spend), (0, d("0.0013068")));
}

#[tokio::test]
async fn a_refused_request_is_a_record_under_no_model() {
    let (_embedded, ledger) = fresh().await;
    let mut record = Record::new(
        RequestId::new(noon()),
        "no-such-model".repeat(200),
        record_at(noon()).caller,
    );
    record.tags = vec!["x".repeat(5000), String::new()];
    record.caller.session_id = Some(String::new());
    record.error = Some(RecordFailure {
        class: "BadRequestError".into(),
        status: 400,
        message: "é".repeat(500_000),
    });
    let id = record.request_id;
    ledger.record(record).await.unwrap();
    let stored = ledger.get(&id).await.unwrap().unwrap();
    assert_eq!(stored.status, Status::Failure);
    assert_eq!(stored.error.unwrap().status, 400);
    assert_eq!(stored.model_asked.len(), 200);
    // No model was asked: who its client says it is for makes no row either.
    let refused = TotalOf::Model {
        model: String::new(),
        key_hash: "ab".repeat(32),
        by: Some(CountedBy {
            customer: String::new(),
            ..asked_by()
        }),
    };
    let refused = total(&ledger, &refused).await;
    assert_eq!((refused.requests, refused.failures), (1, 1));
    let causes: Vec<_> = refused.causes.counted().collect();
    assert_eq!(causes, [(FailureCause::BadRequest, 1)]);
    assert_eq!(refused.duration.requests(), 0);
}

#[tokio::test]
async fn what_has_expired_is_not_there() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("books").await.unwrap();
    let hour = Some(Duration::from_secs(3600));
    let options = LedgerOptions {
        retention: hour,
        ..LedgerOptions::default()
    };
    let ledger = Ledger::new(table, options);
    let now = Timestamp::now();
    let old = record_at(now - Duration::from_secs(3601));
    let young = record_at(now);
    let ids = [old.request_id, young.request_id];
    ledger.record(old).await.unwrap();
    ledger.record(young).await.unwrap();
    assert!(ledger.get(&ids[0]).await.unwrap().is_none());
    assert!(ledger.get(&ids[1]).await.unwrap().is_some());
    let first = now - Duration::from_secs(7200);
    let found = recent(&ledger, first, now + Duration::from_secs(1), 10).await;
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_period_is_checked() {
    let (_embedded, ledger) = fresh().await;
    let yesterday = day().yesterday().unwrap();
    assert!(ledger.totals(day(), yesterday).await.is_err());
    assert!(ledger.totals(Date::MIN, Date::MAX).await.is_err());
    assert!(ledger.totals(yesterday, day()).await.unwrap().is_empty());
    assert!(recent(&ledger, noon(), noon(), 10).await.is_empty());
    // A year and a day, of which the day after is not one.
    let midnight = time::beginning(day());
    let year = midnight + Duration::from_secs(367 * 24 * 60 * 60);
    assert!(recent(&ledger, midnight, year, 10).await.is_empty());
}

#[test]
fn a_row_speaks_as_litellm_does() {
    let mut record = record_at(noon());
    let mut failed = attempt("us.opus");
    failed.group = "opus".into();
    failed.outcome = "throttled".into();
    record.attempts.insert(0, failed.clone());
    record.attempts.insert(0, failed);
    let row = serde_json::to_string(&SpendLog::from(&record)).unwrap();
    // Digits, not a float's idea of them.
    assert!(row.contains(r#""spend":0.0013068,"#), "{row}");
    let row: serde_json::Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["prompt_tokens"], 1211);
    assert_eq!(row["total_tokens"], 1218);
    assert_eq!(row["startTime"], "2026-11-23T12:00:00.123Z");
    assert_eq!(row["request_duration_ms"], 900);
    assert_eq!(row["model"], "us.sonnet");
    assert_eq!(row["model_group"], "sonnet");
    assert_eq!(row["status"], "success");
    assert_eq!(row["metadata"]["attempted_fallbacks"], 1);
    assert_eq!(row["metadata"]["attempted_retries"], 1);
    assert_eq!(row["metadata"]["cost_breakdown"]["input_cost"], 0.0011913);
}

#[test]
fn a_record_is_small() {
    let mut record = record_at(noon());
    record.freeze();
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.len() < 2048, "{}: {json}", json.len());
}

/// The reference system's rows have 20 kB and more, prompts apart.
#[test]
fn the_largest_plausible_record_is_a_fifth_of_the_reference_system_s() {
    let mut record = record_at(noon());
    let mut failed = attempt("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    failed.group = "bedrock-converse-us-claude-sonnet-4-5".into();
    failed.deployment = "ab".repeat(32);
    failed.outcome = "first_event_timeout".into();
    failed.status = Some(429);
    let answered = failed.clone().billed(used(), Some(&price()));
    // A chain of three asked three, three and two times, and cut once in the middle.
    record.attempts = vec![failed; 6];
    record.attempts.extend([answered.clone(), answered]);
    record.tags = (0..4).map(|n| format!("team-{n}-of-many")).collect();
    record.caller.user = Some("somebody@example.com".into());
    record.caller.client =
        Some("opencode/1.18.33 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.0".into());
    record.caller.session_id = Some(uuid::Uuid::nil().to_string());
    record.litellm_call_id = Some(uuid::Uuid::nil().to_string());
    let metadata = serde_json::json!({"project": "x".repeat(100), "ticket": "A-1"});
    record.spend_logs_metadata = metadata.as_object().cloned();
    record.error = Some(RecordFailure {
        class: "internal_server_error".into(),
        status: 503,
        message: "BedrockException - ".repeat(10),
    });
    record.freeze();
    // The reference system's row has 20 to 24 kB.
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.len() * 5 <= 22_000, "{}: {json}", json.len());
    let size = item_size(&serde_json::from_str(&json).unwrap());
    assert!(size <= 4096, "{size}: {json}");
}

/// The bytes of an item as DynamoDB counts them
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
fn item_size(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => number.to_string().len().div_ceil(2) + 2,
        Value::String(text) => text.len(),
        Value::Array(list) => 3 + list.iter().map(|part| 1 + item_size(part)).sum::<usize>(),
        Value::Object(map) => {
            let parts = map
                .iter()
                .map(|(name, part)| 1 + name.len() + item_size(part));
            3 + parts.sum::<usize>()
        }
    }
}

/// Requests that have everything by which they are told apart, of every duration and failure: their row costs what a row
/// of 0.1 did.
#[test]
fn a_row_of_the_totals_is_one_write_unit() {
    let mut record = record_at(noon());
    record.attempts[0].model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0".into();
    record.caller.user = Some("somebody.with-a-name@example.com".into());
    record.caller.end_user = Some(uuid::Uuid::nil().to_string());
    record.freeze();
    let (key, _) = record.freeze().rows().next().unwrap();
    let mut day = Counters::default();
    for n in 0..24 {
        let mut record = record.clone().unfrozen();
        record.first_token = Some(record.start + Duration::from_millis(100 + n * n * 20));
        record.end = record.start + Duration::from_millis(800 + n * n * 200);
        let (_, amounts) = record.freeze().rows().next().unwrap();
        let amounts: serde_json::Map<_, _> = amounts
            .into_iter()
            .map(|(name, amount)| {
                (
                    name,
                    serde_json::to_value(Dollars(amount * d("1000"))).unwrap(),
                )
            })
            .collect();
        let row: Counters = serde_json::from_value(amounts.into()).unwrap();
        day += row;
    }
    // Other refusals count under no model, in a row without times.
    let causes = FailureCause::ALL.into_iter();
    causes
        .filter(|cause| !cause.is_refusal() || *cause == FailureCause::Budget)
        .for_each(|cause| day.causes.add(cause, 10));
    let size = item_size(&serde_json::to_value(day).unwrap()) + "pksk".len();
    let size = size + key.pk.len() + key.sk.len();
    assert!(size <= 1024, "{size}: {day:?}");
}

#[tokio::test]
async fn a_key_brings_five_hundred_customers_a_day_into_the_totals_and_the_rest_is_one_of_them() {
    let (_embedded, ledger) = fresh().await;
    let most = 500;
    let names: Vec<String> = (1..most).map(|n| format!("c{n}")).collect();
    let hash = "ab".repeat(32);
    let key = keys::customers(&hash, day());
    let later = Timestamp::now() + Duration::from_secs(3600);
    ledger
        .table
        .add_names(&key, &names, most, later)
        .await
        .unwrap();
    let customers = ["c7", "new", "newer", "new", "newest", "c7"];
    for customer in customers {
        let mut record = record_at(noon());
        record.caller.end_user = Some(customer.to_owned());
        let id = record.request_id;
        ledger.record(record).await.unwrap();
        let stored = ledger.get(&id).await.unwrap().unwrap();
        assert_eq!(stored.caller.end_user.as_deref(), Some(customer));
    }
    let mut other = record_at(noon());
    other.caller.key_hash = "cd".repeat(32);
    other.caller.end_user = Some("newest".to_owned());
    ledger.record(other).await.unwrap();
    let totals = ledger.totals(day(), day()).await.unwrap();
    let counted = |key_hash: &str, customer: &str| {
        let rows = totals.iter().filter(|total| match &total.of {
            TotalOf::Model {
                key_hash: key,
                by: Some(by),
                ..
            } => key == key_hash && by.customer == customer,
            _ => false,
        });
        rows.map(|row| row.counters.requests).sum::<u64>()
    };
    for (customer, requests) in [("c7", 2), ("new", 2), ("other", 2), ("newer", 0)] {
        assert_eq!(counted(&hash, customer), requests, "{customer}");
    }
    // Another key's customers are its own.
    assert_eq!(counted(&"cd".repeat(32), "newest"), 1);
}
