//! What a large day costs to read. Not a promise but a measurement: `make volume`.

mod day;
mod meter;

use std::time::Duration;

use bedrock_sidecar::spend::{Ledger, LedgerOptions, RecordFilter, Search, Status};
use bedrock_sidecar::store::{Embedded, Table, TableOptions, time};
use jiff::Timestamp;

use day::{Day, TABLE, hash};
pub use meter::Meter;

/// `VOLUME` records of a day that is over, and their totals.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of minutes: make volume"]
async fn a_day_of_very_many_records() {
    let many: u64 = std::env::var("VOLUME").map_or(100_000, |many| many.parse().unwrap());
    // Yesterday may not be rolled up yet.
    let day = time::day(Timestamp::now() - Duration::from_secs(2 * 24 * 60 * 60));
    let began = time::beginning(day);
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path()).await.unwrap();
    Day { began, many }.fill(&embedded, folder.path()).await;

    let (meter, url) = Meter::start(embedded.endpoint()).await;
    let options = TableOptions {
        name: TABLE.to_owned(),
        endpoint: Some(url),
        region: None,
    };
    let sdk = crate::support::offline_sdk();
    let ledger = Ledger::new(Table::connect(&sdk, &options), LedgerOptions::default());
    let first = meter.measure("usage of the day, first read", ledger.totals(day, day));
    let first = first.await.unwrap();
    println!("  {} rows", first.len());
    for days in [0, 29] {
        let from = day.saturating_sub(jiff::Span::new().days(days));
        let again = format!("usage of {} days, read again", days + 1);
        ledger.totals(from, day).await.unwrap();
        meter
            .measure(&again, ledger.totals(from, day))
            .await
            .unwrap();
    }

    let search = Search {
        first: began,
        end: time::beginning(day.tomorrow().unwrap()),
        filter: RecordFilter::default(),
        page_size: 50,
        most_compared: Search::COMPARED,
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
    let none = RecordFilter::default;
    for (what, filter) in [
        (
            "by key (2 % of all)",
            RecordFilter {
                key_hash: Some(hash(7)),
                ..none()
            },
        ),
        (
            "by session",
            RecordFilter {
                session: some("s77"),
                ..none()
            },
        ),
        (
            "failures (2 % of all)",
            RecordFilter {
                status: Some(Status::Failure),
                ..none()
            },
        ),
        (
            "by end user (0.1 % of all)",
            RecordFilter {
                end_user: some("u123"),
                ..none()
            },
        ),
        (
            "by end user and key",
            RecordFilter {
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
