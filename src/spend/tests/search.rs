//! Lists of records, with filters and page by page.

use super::*;

/// 60 records, one an hour backwards from noon: of two keys in turn, two sessions, three models, and one in five failed.
async fn filled() -> (Embedded, Ledger, Vec<Record>) {
    let (embedded, ledger) = fresh().await;
    let mut all = Vec::new();
    for n in 0..60u32 {
        let mut record = record_at(noon() - Duration::from_secs(3600) * n);
        record.caller.key_hash = ["ab", "cd"][n as usize % 2].repeat(32);
        record.caller.session_id = Some(format!("s{}", n % 2));
        record.caller.end_user = (n % 7 > 0).then(|| format!("u{}", n % 7));
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
        record.freeze();
        all.push(record);
    }
    (embedded, ledger, all)
}

pub(super) fn since_days(days: i64) -> Search {
    Search {
        first: noon() - Duration::from_secs(24 * 3600) * u32::try_from(days).unwrap(),
        end: noon() + Duration::from_secs(1),
        filter: RecordFilter::default(),
        page_size: 7,
        most_compared: Search::COMPARED,
        after: None,
    }
}

/// All pages of a search; each cursor takes the way through text.
pub(super) async fn pages(ledger: &Ledger, mut search: Search) -> Vec<Record> {
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
    let none = RecordFilter::default;
    let filters = [
        none(),
        RecordFilter {
            key_hash: Some("cd".repeat(32)),
            ..none()
        },
        RecordFilter {
            session: some("s1"),
            ..none()
        },
        RecordFilter {
            session: some("s1"),
            key_hash: Some("ab".repeat(32)),
            ..none()
        },
        RecordFilter {
            status: Some(Status::Failure),
            ..none()
        },
        RecordFilter {
            model: some("m2"),
            ..none()
        },
        RecordFilter {
            model: some("g1"),
            tag: some("t3"),
            ..none()
        },
        RecordFilter {
            model: some("sonnet-us"),
            ..none()
        },
        RecordFilter {
            end_user: some("u6"),
            key_hash: Some("ab".repeat(32)),
            ..none()
        },
        RecordFilter {
            min_spend: Some(d("0.033")),
            max_spend: Some(d("0.066")),
            ..none()
        },
        RecordFilter {
            user: some("nobody"),
            ..none()
        },
        RecordFilter {
            key_alias: some("ci"),
            ..none()
        },
        RecordFilter {
            tag: some("t2"),
            status: Some(Status::Success),
            ..none()
        },
        RecordFilter {
            unnamed: Some(Unnamed::Team),
            status: Some(Status::Failure),
            ..none()
        },
        RecordFilter {
            unnamed: Some(Unnamed::EndUser),
            ..none()
        },
        // The records of a request without a key.
        RecordFilter {
            key_hash: some(""),
            ..none()
        },
        RecordFilter {
            status: Some(Status::Lost),
            ..none()
        },
    ];
    for filter in filters {
        let sizes = [
            (1, Search::COMPARED),
            (7, Search::COMPARED),
            (1000, Search::COMPARED),
            (7, 1),
            (7, 12),
        ];
        for (page_size, most_compared) in sizes {
            let search = Search {
                filter: filter.clone(),
                page_size,
                most_compared,
                ..since_days(2)
            };
            let expected: Vec<&Record> = (all.iter())
                .filter(|record| record.start >= search.first && filter.matches(record))
                .collect();
            let found = pages(&ledger, search).await;
            assert!(
                found.iter().eq(expected.iter().copied()),
                "{filter:?} {page_size} {most_compared}"
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
