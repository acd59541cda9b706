//! The books against a real table: the embedded one.

use std::time::{Duration, Instant};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::*;
use crate::catalog::{Price, Rates};
use crate::conversation::Usage;
use crate::store::{Claim, Embedded, Hold, Key, Reserved, Table, WriteLimits, keys};

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
    let caller = Caller {
        key_hash: "ab".repeat(32),
        key_alias: Some("ci".into()),
        end_user: Some("enduser7".into()),
        session_id: Some("sess1".into()),
        client: Some("cline/1.0".into()),
        ..Caller::default()
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

fn noon() -> Timestamp {
    "2026-11-23T12:00:00.123Z".parse().unwrap()
}

fn day() -> Date {
    keys::day(noon())
}

/// Books whose writers have time: a busy machine is nobody's failure here.
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
        filter: Filter::default(),
        page_size: most,
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
    assert_eq!(stored.seal(), expected.seal());
    assert_eq!(stored, expected);
    assert_eq!(stored.spend_known(), d("0.0013068"));

    let expected = Counters {
        requests: 1,
        spend: d("0.0013068"),
        cache_saving: d("0.002805"),
        input: 11,
        output: 7,
        cache_read: 1000,
        cache_write_5m: 200,
        ..Counters::default()
    };
    assert_eq!(total(&ledger, &model("us.sonnet")).await, expected);
    assert_eq!(total(&ledger, &TotalOf::Tag("t1".into())).await, expected);
    assert_eq!(total(&ledger, &TotalOf::Tag("t2".into())).await, expected);
}

/// A record whose request held 5 cents of a budget, which knows of it.
async fn reserved(ledger: &Ledger, budget: &Key) -> Record {
    let mut record = record_at(noon());
    let held = d("0.05");
    let claim = Claim {
        holder: &record.request_id.to_string(),
        hold: Hold {
            amount: held,
            until: noon(),
        },
        most: d("1"),
        expires: None,
    };
    let reserved = ledger.table.reserve(budget, &claim).await.unwrap();
    assert!(matches!(reserved, Reserved::Held(_)));
    record.reservations = vec![Reservation {
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
        record.seal();
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
    record.reservations.insert(
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
    record.error = Some(Failure {
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
    let refused = total(&ledger, &model("")).await;
    assert_eq!((refused.requests, refused.failures), (1, 1));
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
}

#[tokio::test]
async fn a_table_that_is_down_costs_its_time_limit_and_the_record_goes_to_the_log() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (embedded, ledger) = fresh().await;
    embedded.stop().await;
    let write = WriteLimits {
        total: Duration::from_millis(300),
        attempt: Duration::from_millis(100),
    };
    let options = LedgerOptions {
        write,
        ..LedgerOptions::default()
    };
    let ledger = Ledger::new(ledger.table.clone(), options);
    let mut record = record_at(noon());
    record.reservations = vec![Reservation {
        key: keys::budget("k", None),
        held: d("0.25"),
    }];
    opened(&Opening::of(&record, 12));
    let began = Instant::now();
    let outcome = ledger.record(record.clone()).await;
    assert!(outcome.is_err());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    let open = lines.find("spend_open");
    assert!(
        open["fields"]["open"]
            .as_str()
            .unwrap()
            .contains(r#"{"key":{"pk":"key#k","sk":"budget#ever"},"held":0.25}"#)
    );
    let line = lines.find("spend_unrecorded");
    let json = line["fields"]["record"].as_str().unwrap();
    let mut replayed: Record = serde_json::from_str(json).unwrap();
    assert_eq!(replayed.seal(), record.seal());
    record.reservations.clear();
    assert_eq!(replayed, record);
}

#[tokio::test]
async fn a_record_whose_day_could_not_be_told_of_its_shard_goes_to_the_log_whole() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (embedded, ledger) = fresh().await;
    embedded.stop().await;
    let write = WriteLimits {
        total: Duration::from_millis(300),
        ..WriteLimits::default()
    };
    let options = LedgerOptions {
        write,
        ..LedgerOptions::default()
    };
    let ledger = Ledger::new(ledger.table.clone(), options);
    let mut record = record_in(7, noon());
    record.reservations = vec![Reservation {
        key: keys::budget("k", None),
        held: d("0.25"),
    }];
    assert!(ledger.record(record.clone()).await.is_err());
    let line = lines.find("spend_unrecorded");
    let json = line["fields"]["record"].as_str().unwrap();
    let mut replayed: Record = serde_json::from_str(json).unwrap();
    assert_eq!(
        replayed.seal(),
        record.seal(),
        "with what settles its budget"
    );
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
    record.seal();
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
    record.error = Some(Failure {
        class: "internal_server_error".into(),
        status: 503,
        message: "BedrockException - ".repeat(10),
    });
    record.seal();
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.len() <= 4096, "{}: {json}", json.len());
}

/// 60 records, one an hour backwards from noon: of two keys in turn, two sessions, three models, and one in five failed.
async fn filled() -> (Embedded, Ledger, Vec<Record>) {
    let (embedded, ledger) = fresh().await;
    let mut all = Vec::new();
    for n in 0..60u32 {
        let mut record = record_at(noon() - Duration::from_secs(3600) * n);
        record.caller.key_hash = ["ab", "cd"][n as usize % 2].repeat(32);
        record.caller.session_id = Some(format!("s{}", n % 2));
        record.caller.end_user = Some(format!("u{}", n % 7));
        record.tags = vec![format!("t{}", n % 4)];
        let mut attempt = attempt(&format!("m{}", n % 3));
        attempt.group = format!("g{}", n % 3);
        let usage = Usage {
            input: u64::from(n) * 1000,
            ..Usage::default()
        };
        record.attempts = vec![attempt.billed(usage, Some(&price()))];
        if n % 5 == 0 {
            record.status = Status::Failure;
        }
        ledger.record(record.clone()).await.unwrap();
        record.seal();
        all.push(record);
    }
    (embedded, ledger, all)
}

fn since_days(days: i64) -> Search {
    Search {
        first: noon() - Duration::from_secs(24 * 3600) * u32::try_from(days).unwrap(),
        end: noon() + Duration::from_secs(1),
        filter: Filter::default(),
        page_size: 7,
        after: None,
    }
}

/// All pages of a search; each cursor takes the way through text.
async fn pages(ledger: &Ledger, mut search: Search) -> Vec<Record> {
    let mut all = Vec::new();
    let mut until = search.end;
    loop {
        let found = ledger.search(&search).await.unwrap();
        assert!(found.records.len() <= search.page_size);
        assert!(found.searched_until <= until);
        assert!(
            found
                .records
                .iter()
                .all(|record| record.start >= found.searched_until)
        );
        until = found.searched_until;
        all.extend(found.records);
        match found.next {
            Some(cursor) => search.after = Some(cursor.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(until, search.first);
    all
}

#[tokio::test]
async fn a_search_finds_what_a_look_at_every_record_finds() {
    let (_embedded, ledger, all) = filled().await;
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    let filters = [
        none(),
        Filter {
            key_hash: Some("cd".repeat(32)),
            ..none()
        },
        Filter {
            session: some("s1"),
            ..none()
        },
        Filter {
            session: some("s1"),
            key_hash: Some("ab".repeat(32)),
            ..none()
        },
        Filter {
            status: Some(Status::Failure),
            ..none()
        },
        Filter {
            model: some("m2"),
            ..none()
        },
        Filter {
            model: some("g1"),
            tag: some("t3"),
            ..none()
        },
        Filter {
            model: some("sonnet-us"),
            ..none()
        },
        Filter {
            end_user: some("u6"),
            key_hash: Some("ab".repeat(32)),
            ..none()
        },
        Filter {
            min_spend: Some(d("0.033")),
            max_spend: Some(d("0.066")),
            ..none()
        },
        Filter {
            user: some("nobody"),
            ..none()
        },
        Filter {
            key_alias: some("ci"),
            ..none()
        },
    ];
    for filter in filters {
        for page_size in [1, 7, 1000] {
            let search = Search {
                filter: filter.clone(),
                page_size,
                ..since_days(2)
            };
            let expected: Vec<&Record> = (all.iter())
                .filter(|record| record.start >= search.first && filter.matches(record))
                .collect();
            let found = pages(&ledger, search).await;
            assert!(
                found.iter().eq(expected.iter().copied()),
                "{filter:?} {page_size}"
            );
        }
    }
    assert_eq!(pages(&ledger, since_days(1)).await.len(), 25);
}

#[tokio::test]
async fn records_of_one_millisecond_are_neither_lost_nor_seen_twice() {
    let (_embedded, ledger) = fresh().await;
    for _ in 0..30 {
        ledger.record(record_at(noon())).await.unwrap();
    }
    let found = pages(&ledger, since_days(0)).await;
    assert_eq!(found.len(), 30);
    assert!(found.is_sorted_by(|a, b| a.request_id > b.request_id));
}

/// A day that has long been over.
fn long_ago() -> Timestamp {
    "2025-03-01T12:00:00.5Z".parse().unwrap()
}

/// All requests of that day.
async fn requests_of_long_ago(ledger: &Ledger) -> u64 {
    let day = keys::day(long_ago());
    let totals = ledger.totals(day, day).await.unwrap();
    let sonnet = totals.iter().filter(|total| total.of == model("us.sonnet"));
    sonnet.map(|total| total.counters.requests).sum()
}

/// Moves a counter behind the books' back.
async fn falsify(ledger: &Ledger) {
    let key = crate::store::Key {
        pk: keys::usage_partition(keys::day(long_ago()), 0),
        sk: keys::model_total("us.sonnet", &"ab".repeat(32)),
    };
    let amounts = vec![("requests".to_owned(), d("100"))];
    let write = crate::store::Write::Add { key, amounts };
    let limits = WriteLimits::default();
    ledger.table.transact(&[write], limits).await.unwrap();
}

#[tokio::test]
async fn a_day_that_is_over_is_read_from_one_item_and_what_comes_late_still_counts() {
    let (_embedded, ledger) = fresh().await;
    for _ in 0..3 {
        ledger.record(record_at(long_ago())).await.unwrap();
    }
    assert_eq!(requests_of_long_ago(&ledger).await, 3);
    falsify(&ledger).await;
    assert_eq!(
        requests_of_long_ago(&ledger).await,
        3,
        "the shards are not read"
    );

    let late = record_at(long_ago());
    ledger.record(late.clone()).await.unwrap();
    assert_eq!(
        requests_of_long_ago(&ledger).await,
        104,
        "they are read again"
    );
    falsify(&ledger).await;
    assert_eq!(requests_of_long_ago(&ledger).await, 104);

    // What is counted already changes nothing, and makes nobody read again.
    assert_eq!(ledger.record(late).await.unwrap(), Written::AlreadyCounted);
    assert_eq!(requests_of_long_ago(&ledger).await, 104);
}

#[tokio::test]
async fn a_movement_between_reading_the_shards_and_rolling_them_up_is_not_lost() {
    let (_embedded, ledger) = fresh().await;
    let day = keys::day(long_ago());
    // Nobody has seen the day; then version 1 has been seen.
    for (seen, then) in [(None, 1), (Some(1), 2)] {
        let rows = ledger.of_shards(day, true).await.unwrap();
        ledger.record(record_at(long_ago())).await.unwrap();
        let kept = ledger.keep_rolled_up(day, seen, &rows).await;
        assert!(
            matches!(kept, Err(crate::store::StoreError::ConditionFailed { .. })),
            "{kept:?}"
        );
        assert_eq!(requests_of_long_ago(&ledger).await, then);
    }
}

#[tokio::test]
async fn a_day_s_roll_up_keeps_every_digit_and_every_row() {
    let (_embedded, ledger) = fresh().await;
    let mut odd = record_at(long_ago());
    odd.tags = vec!["a#b".into(), "é".into()];
    odd.attempts
        .push(attempt("arn:unknown").billed(used(), None));
    ledger.record(odd).await.unwrap();
    ledger.record(record_at(long_ago())).await.unwrap();
    let day = keys::day(long_ago());
    let first = ledger.totals(day, day).await.unwrap();
    let again = ledger.totals(day, day).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.len(), 6);
    let year = ledger
        .totals(day.saturating_sub(jiff::Span::new().days(366)), day)
        .await;
    assert_eq!(year.unwrap(), first);
}

/// The same books, written over this many shards by a process that knows nothing of the others.
fn spread_over(shards: u8, ledger: &Ledger) -> Ledger {
    let options = LedgerOptions {
        shards,
        ..*ledger.options()
    };
    Ledger::new(ledger.table.clone(), options)
}

/// A record of this instant that lies in this shard.
fn record_in(shard: u8, at: Timestamp) -> Record {
    let mut record = record_at(at);
    let mut ids = std::iter::repeat_with(|| RequestId::spread(at, shard + 1));
    record.request_id = ids.find(|id| id.shard() == shard).unwrap();
    record
}

/// What the day itself says.
async fn said(ledger: &Ledger, at: Timestamp) -> Option<u64> {
    let key = keys::shards(keys::day(at));
    let said: Option<serde_json::Value> = ledger.table.get(&key).await.unwrap();
    said.map(|said| said["shards"].as_u64().unwrap())
}

#[tokio::test]
async fn a_day_is_read_whole_whatever_number_of_shards_whoever_wrote_to_it() {
    let (_embedded, ledger) = fresh().await;
    // A day that is under way, and one that is rolled up after each of its writers.
    for at in [Timestamp::now(), long_ago()] {
        let writers = [(8, 7), (4, 2), (8, 5)].map(|(shards, shard)| {
            let writer = spread_over(shards, &ledger);
            (writer, record_in(shard, at))
        });
        let mut written = Vec::new();
        for (writer, record) in writers {
            written.push(record.request_id);
            assert_eq!(writer.record(record).await.unwrap(), Written::Now);
            for reader in [4, 8, 16].map(|shards| spread_over(shards, &ledger)) {
                let totals = reader.totals(keys::day(at), keys::day(at)).await.unwrap();
                let sonnet = totals.iter().find(|total| total.of == model("us.sonnet"));
                assert_eq!(sonnet.unwrap().counters.requests, written.len() as u64);
                let found = recent(&reader, at, at + Duration::from_secs(1), 10).await;
                let mut found: Vec<_> = found.iter().map(|record| record.request_id).collect();
                found.sort_unstable();
                written.sort_unstable();
                assert_eq!(found, written);
            }
        }
        assert_eq!(said(&ledger, at).await, Some(8));
    }
}

#[tokio::test]
async fn a_day_remembers_its_largest_number_of_shards_in_whatever_order_they_come() {
    let (_embedded, ledger) = fresh().await;
    // The second has lost the race, the third is a replay that is configured for fewer than the record's own.
    for (shards, shard, then) in [(16, 4, 16), (8, 7, 16), (4, 20, 21)] {
        let record = record_in(shard, noon());
        let writer = spread_over(shards, &ledger);
        assert_eq!(writer.record(record).await.unwrap(), Written::Now);
        assert_eq!(said(&ledger, noon()).await, Some(then));
    }
    assert_eq!(total(&ledger, &model("us.sonnet")).await.requests, 3);
    assert_eq!(pages(&ledger, since_days(0)).await.len(), 3);
}

#[tokio::test]
async fn a_day_of_the_usual_shards_says_nothing() {
    let (_embedded, ledger) = fresh().await;
    for shards in [4, 8] {
        let writer = spread_over(shards, &ledger);
        for shard in 0..4 {
            writer.record(record_in(shard, noon())).await.unwrap();
        }
    }
    assert_eq!(said(&ledger, noon()).await, None);
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn find(&self, what: &str) -> serde_json::Value {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let line = text.lines().find(|line| line.contains(what));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no {what} in {text}"))).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}
