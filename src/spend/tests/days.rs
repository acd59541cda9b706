//! Totals of days, rolled up and spread over any number of shards.

use super::search::{pages, since_days};
use super::*;

/// A day that has long been over.
fn long_ago() -> Timestamp {
    "2025-03-01T12:00:00.5Z".parse().unwrap()
}

/// All requests of that day.
async fn requests_of_long_ago(ledger: &Ledger) -> u64 {
    let day = time::day(long_ago());
    let totals = ledger.totals(day, day).await.unwrap();
    let sonnet = totals.iter().filter(|total| total.of == model("us.sonnet"));
    sonnet.map(|total| total.counters.requests).sum()
}

/// Moves a counter without the ledger.
async fn falsify(ledger: &Ledger) {
    let key = crate::store::Key {
        pk: keys::usage_partition(time::day(long_ago()), 0),
        sk: keys::model_total("us.sonnet", &"ab".repeat(32), &asked_by()),
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
    let day = time::day(long_ago());
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
    let day = time::day(long_ago());
    let first = ledger.totals(day, day).await.unwrap();
    let again = ledger.totals(day, day).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.len(), 6);
    let year = ledger
        .totals(day.saturating_sub(jiff::Span::new().days(366)), day)
        .await;
    assert_eq!(year.unwrap(), first);
}

/// The same ledger, written over this many shards by a process that knows nothing of the others.
fn spread_over(shards: u8, ledger: &Ledger) -> Ledger {
    let options = LedgerOptions {
        shards,
        ..*ledger.options()
    };
    Ledger::new(ledger.table.clone(), options)
}

/// What the day itself says.
async fn said(ledger: &Ledger, at: Timestamp) -> Option<u64> {
    let key = keys::shards(time::day(at));
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
                let totals = reader.totals(time::day(at), time::day(at)).await.unwrap();
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

#[tokio::test]
async fn a_day_that_an_earlier_version_has_rolled_up_is_made_anew_with_what_that_version_did_not_know()
 {
    let (_embedded, ledger) = fresh().await;
    ledger.record(record_at(long_ago())).await.unwrap();
    let day = time::day(long_ago());
    let whole = ledger.totals(day, day).await.unwrap();
    // As 0.1 keeps it: it passes over what it does not know.
    let key = keys::rolled_up(day);
    let mut rows = ledger.of_shards(day, true).await.unwrap();
    for counters in rows.values_mut() {
        *counters = Counters {
            first_token: Histogram::default(),
            ..*counters
        };
    }
    ledger.keep_rolled_up(day, Some(1), &rows).await.unwrap();
    let mut item: serde_json::Map<String, serde_json::Value> =
        ledger.table.get(&key).await.unwrap().unwrap();
    assert_ne!(ledger.totals(day, day).await.unwrap(), whole);
    for field in ["layout", "pk", "sk"] {
        item.remove(field);
    }
    let item = crate::store::Item::new(&key, &item).unwrap();
    ledger.table.put(item).await.unwrap();
    assert_eq!(ledger.totals(day, day).await.unwrap(), whole);
}

#[tokio::test]
async fn the_sum_of_a_day_that_is_over_is_kept_for_ten_minutes() {
    let (_embedded, ledger) = fresh().await;
    ledger.record(record_at(long_ago())).await.unwrap();
    let day = time::day(long_ago());
    let begin = tokio::time::Instant::now();
    let (first, last) = (day.yesterday().unwrap(), day.tomorrow().unwrap());
    let requests = async |minutes: u64| {
        let now = begin + Duration::from_secs(minutes * 60);
        let sums = ledger.day_sums_at(first, last, now).await.unwrap();
        let requests: Vec<u64> = sums.values().map(|sum| sum.requests).collect();
        requests
    };
    assert_eq!(requests(0).await, [0, 1, 0]);
    // As a replay does.
    ledger.record(record_at(long_ago())).await.unwrap();
    assert_eq!(requests_of_long_ago(&ledger).await, 2);
    assert_eq!(requests(9).await, [0, 1, 0]);
    assert_eq!(requests(10).await, [0, 2, 0]);

    // Today is read each time.
    let now = Timestamp::now();
    let today = time::day(now);
    for requests in 1..=2 {
        ledger.record(record_at(now)).await.unwrap();
        let sums = ledger.day_sums(today, today).await.unwrap();
        assert_eq!(sums[&today].requests, requests);
    }
}
