//! Tests of shared accounts, in the embedded table.

use futures_util::future::join_all;

use super::*;
use crate::store::{Embedded, keys};

fn d(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * MINUTE).unwrap()
}

fn claim(marker: &str, amount: Decimal, most: Decimal) -> SharedClaim<'_> {
    SharedClaim {
        marker,
        bucket: bucket_of(at(15)),
        before: None,
        amount,
        most,
        expires: None,
    }
}

async fn settle(table: &Table, key: &Key, marker: &str, [held, actual]: [i64; 2]) {
    let settled = SharedSettlement {
        key,
        marker,
        bucket: bucket_of(at(15)),
        held: d(held),
        actual: d(actual),
    };
    let limit = Duration::from_secs(10);
    table.settle_shared(settled, limit).await.unwrap();
}

async fn read(table: &Table, key: &Key) -> Account {
    let account = table.account(key).await.unwrap().unwrap();
    let held: Decimal = account.buckets.values().flat_map(Bucket::values).sum();
    let own: Decimal = account.holds.values().map(|hold| hold.amount).sum();
    assert_eq!(account.spent + held + own, account.committed, "{account:?}");
    account
}

async fn table() -> (Embedded, Table) {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    (embedded, table)
}

#[tokio::test]
async fn of_many_requests_at_the_same_time_as_many_are_held_as_fit() {
    let (_embedded, table) = table().await;
    let key = keys::common_budget(None);
    let markers: Vec<String> = (0..60).map(|n| format!("request-{n}")).collect();
    let claims: Vec<_> = markers
        .iter()
        .map(|marker| claim(marker, d(3), d(100)))
        .collect();
    let reserved = join_all(claims.iter().map(|claim| table.reserve_shared(&key, claim))).await;
    let held = reserved
        .iter()
        .filter(|reserved| matches!(reserved, Ok(Reserved::Held(_))));
    assert_eq!(held.count(), 33);
    let account = read(&table, &key).await;
    assert_eq!(account.committed, d(99));
    // Said once more, as after an answer that was lost.
    let (bucket, there) = account.buckets.first_key_value().unwrap();
    let marker = there.keys().next().unwrap();
    let again = table
        .reserve_shared(&key, &claim(marker, d(3), d(100)))
        .await;
    assert!(matches!(again, Ok(Reserved::Held(_))), "{again:?} {bucket}");
    assert_eq!(read(&table, &key).await, account);
}

#[tokio::test]
async fn a_hold_is_raised_and_settled_once() {
    let (_embedded, table) = table().await;
    let key = keys::common_budget(None);
    let first = claim("r", d(10), d(100));
    table.reserve_shared(&key, &first).await.unwrap();
    let more = SharedClaim {
        before: Some(d(10)),
        amount: d(25),
        ..first
    };
    for _ in 0..2 {
        let raised = table.reserve_shared(&key, &more).await;
        assert!(matches!(raised, Ok(Reserved::Held(_))), "{raised:?}");
    }
    let most = SharedClaim {
        before: Some(d(25)),
        amount: d(101),
        ..first
    };
    let full = table.reserve_shared(&key, &most).await.unwrap();
    assert!(matches!(full, Reserved::Full(_)));
    // The log knows of the first amount only.
    for _ in 0..2 {
        settle(&table, &key, "r", [10, 7]).await;
    }
    let account = read(&table, &key).await;
    assert_eq!((account.committed, account.spent), (d(7), d(7)));
    let gone = SharedClaim {
        before: Some(d(25)),
        ..most
    };
    assert!(matches!(
        table.reserve_shared(&key, &gone).await.unwrap(),
        Reserved::Full(_)
    ));
}

#[tokio::test]
async fn what_ends_without_its_record_counts_as_spent_and_is_corrected_later() {
    let (_embedded, table) = table().await;
    let key = keys::common_budget(None);
    table
        .reserve_shared(&key, &claim("r", d(10), d(100)))
        .await
        .unwrap();
    let account = read(&table, &key).await;
    let of_minute = |minute| account.spent_at(at(minute) + Duration::from_secs(1));
    assert_eq!([of_minute(15), of_minute(16)], [d(0), d(10)]);
    assert_eq!(account.overdue(at(16)).count(), 1);
    settle(&table, &key, "r", [10, 4]).await;
    let account = read(&table, &key).await;
    assert_eq!(account.spent_at(at(16)), d(4));
    assert_eq!(account.overdue(at(16)).count(), 0);
}

#[tokio::test]
async fn an_account_of_0_1_goes_on_with_its_holds() {
    use crate::store::{Hold, HoldClaim};
    let (_embedded, table) = table().await;
    let key = keys::common_budget(None);
    let old = HoldClaim {
        holder: "old",
        before: None,
        hold: Hold {
            amount: d(40),
            until: at(15),
        },
        most: d(100),
        expires: None,
    };
    table.reserve(&key, &old).await.unwrap();
    for (marker, fits) in [("a", true), ("b", true), ("c", false)] {
        let reserved = table
            .reserve_shared(&key, &claim(marker, d(25), d(100)))
            .await;
        let held = matches!(reserved, Ok(Reserved::Held(_)));
        assert_eq!(held, fits, "{marker}: {reserved:?}");
    }
    table.release(&key, "old", d(40)).await.unwrap();
    // And 0.1 goes on with an account that was opened here.
    let fresh = keys::budget("fresh", None);
    table
        .reserve_shared(&fresh, &claim("a", d(25), d(100)))
        .await
        .unwrap();
    table.reserve(&fresh, &old).await.unwrap();
    assert_eq!(read(&table, &fresh).await.committed, d(65));
    assert_eq!(read(&table, &key).await.committed, d(50));
}

#[tokio::test]
async fn buckets_that_are_over_do_not_pile_up() {
    let (_embedded, table) = table().await;
    let key = keys::common_budget(None);
    for minute in 0..10 {
        let claim = SharedClaim {
            bucket: bucket_of(at(minute)),
            ..claim("r", d(1), d(100))
        };
        table.reserve_shared(&key, &claim).await.unwrap();
        if minute > 0 {
            let settled = SharedSettlement {
                key: &key,
                marker: "r",
                bucket: claim.bucket,
                held: d(1),
                actual: d(1),
            };
            table
                .settle_shared(settled, Duration::from_secs(10))
                .await
                .unwrap();
        }
    }
    let before = read(&table, &key).await;
    assert_eq!(before.buckets.len(), 10);
    table.tidy_buckets(&key, &before, at(20)).await.unwrap();
    let after = read(&table, &key).await;
    assert_eq!((after.buckets.len(), after.spent), (2, d(9)));
    let much_later = at(20 + 2 * BUCKET_KEPT);
    table.tidy_buckets(&key, &after, much_later).await.unwrap();
    let last = read(&table, &key).await;
    assert_eq!((last.buckets.len(), last.spent), (0, d(10)));
}
