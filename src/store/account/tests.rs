use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::store::{Embedded, keys};

fn d(n: i64) -> Decimal {
    Decimal::new(n, 2)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn claim(holder: &str, amount: Decimal, most: Decimal, until: Timestamp) -> HoldClaim<'_> {
    HoldClaim {
        holder,
        before: None,
        hold: Hold { amount, until },
        most,
        expires: None,
    }
}

async fn settle(table: &Table, key: &Key, holder: &str, held: Decimal, actual: Decimal) -> bool {
    for moved in [false, true] {
        let settlement = Settlement {
            key: key.clone(),
            holds: vec![(holder.to_owned(), held)],
            actual,
            moved,
        };
        let writes = [Write::Settle(settlement)];
        match table.transact(&writes, WriteLimits::default()).await {
            Ok(()) => return moved,
            Err(StoreError::ConditionFailed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no account")
}

async fn read(table: &Table, key: &Key) -> Account {
    let account = table.account(key).await.unwrap().unwrap();
    check(&account);
    account
}

fn check(account: &Account) {
    let held: Decimal = account.holds.values().map(|hold| hold.amount).sum();
    assert_eq!(account.spent + held, account.committed, "{account:?}");
    assert!(account.spent <= account.committed, "{account:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_not_held() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let key = keys::budget("k", None);
    let reserve = async |holder: &str, amount| {
        table
            .reserve(&key, &claim(holder, d(amount), d(100), at(60)))
            .await
            .unwrap()
    };
    assert!(
        matches!(reserve("big", 101).await, Reserved::Full(account) if account == Account::default())
    );
    assert!(matches!(reserve("a", 60).await, Reserved::Held(_)));
    // A repetition whose first answer was lost.
    assert!(
        matches!(reserve("a", 60).await, Reserved::Held(account) if account.committed == d(60))
    );
    assert!(
        matches!(reserve("b", 41).await, Reserved::Full(account) if account.committed == d(60))
    );
    assert!(matches!(reserve("b", 40).await, Reserved::Held(_)));
    table.release(&key, "b", d(40)).await.unwrap();
    table.release(&key, "b", d(40)).await.unwrap();
    assert!(!settle(&table, &key, "a", d(60), d(7)).await);
    let account = read(&table, &key).await;
    assert_eq!((account.spent, account.committed), (d(7), d(7)));
}

#[tokio::test]
async fn a_hold_whose_time_is_over_is_spent_until_its_record_corrects_it() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let key = keys::common_budget(Some(at(0)));
    for (holder, until) in [("dead", 10), ("slow", 20), ("alive", 1000)] {
        let claim = claim(holder, d(30), d(100), at(until));
        table.reserve(&key, &claim).await.unwrap();
    }
    let seen = read(&table, &key).await;
    assert_eq!((seen.spent_at(at(0)), seen.spent_at(at(20))), (d(0), d(60)));
    table.expire_holds(&key, &seen, at(20)).await.unwrap();
    table.expire_holds(&key, &seen, at(20)).await.unwrap();
    let account = read(&table, &key).await;
    assert_eq!((account.spent, account.committed), (d(60), d(90)));
    assert_eq!(account.holds.len(), 1);
    // Nothing was handed back.
    let more = claim("more", d(11), d(100), at(60));
    assert!(matches!(
        table.reserve(&key, &more).await.unwrap(),
        Reserved::Full(_)
    ));

    assert!(settle(&table, &key, "slow", d(30), d(5)).await);
    let account = read(&table, &key).await;
    assert_eq!((account.spent, account.committed), (d(35), d(65)));
}

#[tokio::test]
async fn a_hold_is_raised_where_there_is_room_and_once_however_often_it_is_asked_for() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let key = keys::budget("k", None);
    let raise = async |before: i64, amount: i64| {
        let claim = HoldClaim {
            before: Some(d(before)),
            ..claim("a", d(amount), d(100), at(60))
        };
        table.reserve(&key, &claim).await.unwrap()
    };
    assert!(
        matches!(raise(10, 20).await, Reserved::Full(account) if account == Account::default()),
        "there is nothing to raise"
    );
    let first = claim("a", d(10), d(100), at(60));
    table.reserve(&key, &first).await.unwrap();
    // The second time, the answer to the first was lost.
    for _ in 0..2 {
        assert!(
            matches!(raise(10, 60).await, Reserved::Held(account) if account.committed == d(60))
        );
    }
    assert!(matches!(raise(60, 101).await, Reserved::Full(account) if account.committed == d(60)));
    assert!(
        matches!(raise(50, 70).await, Reserved::Full(_)),
        "it holds something else"
    );
    read(&table, &key).await;
    assert!(!settle(&table, &key, "a", d(60), d(5)).await);
    let account = read(&table, &key).await;
    assert_eq!((account.spent, account.committed), (d(5), d(5)));
}

#[tokio::test]
async fn a_raise_that_is_not_known_of_is_spent_when_its_time_is_over() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let key = keys::budget("k", None);
    let first = claim("a", d(10), d(100), at(60));
    table.reserve(&key, &first).await.unwrap();
    let raised = HoldClaim {
        before: Some(d(10)),
        ..claim("a", d(30), d(100), at(60))
    };
    table.reserve(&key, &raised).await.unwrap();
    // The process that raised it died before it could say so.
    assert!(settle(&table, &key, "a", d(10), d(4)).await);
    let seen = read(&table, &key).await;
    table.expire_holds(&key, &seen, at(61)).await.unwrap();
    let account = read(&table, &key).await;
    assert_eq!((account.spent, account.committed), (d(24), d(24)));
}

#[tokio::test]
async fn a_settlement_of_an_account_that_is_gone_is_told() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let settlement = Settlement {
        key: keys::budget("k", None),
        holds: vec![("h".into(), d(1))],
        actual: d(1),
        moved: true,
    };
    let outcome = table
        .transact(&[Write::Settle(settlement)], WriteLimits::default())
        .await;
    assert!(matches!(
        outcome,
        Err(StoreError::ConditionFailed { write: 0 })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_hold_more_than_there_is() {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    let held = Arc::new(Mutex::new(0));
    let mut takers = tokio::task::JoinSet::new();
    for i in 0..60 {
        let (table, held) = (table.clone(), Arc::clone(&held));
        takers.spawn(async move {
            let key = keys::budget("k", None);
            let holder = format!("h{i}");
            let claim = claim(&holder, d(10), d(105), at(60));
            if let Reserved::Held(_) = table.reserve(&key, &claim).await.unwrap() {
                *held.lock().unwrap() += 1;
            }
        });
    }
    takers.join_all().await;
    assert_eq!(*held.lock().unwrap(), 10);
    read(&table, &keys::budget("k", None)).await;
}

#[derive(Debug, Clone)]
enum AccountStep {
    Reserve(u8, i64),
    Settle(u8, i64),
    Expire,
    Pass(i64),
}

fn step() -> impl Strategy<Value = AccountStep> {
    prop_oneof![
        4 => (0u8..12, 0i64..40).prop_map(|(who, amount)| AccountStep::Reserve(who, amount)),
        4 => (0u8..12, 0i64..60).prop_map(|(who, actual)| AccountStep::Settle(who, actual)),
        1 => Just(AccountStep::Expire),
        2 => (1i64..40).prop_map(AccountStep::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens in whatever order: nothing is lost, nothing is handed back early, and more than the most is
    /// committed only as far as requests cost more than was held for them.
    #[test]
    fn every_order_of_events_keeps_the_account_true(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            const MOST: i64 = 100;
            let embedded = Embedded::in_memory().await.unwrap();
            let table = embedded.table("test").await.unwrap();
            let key = keys::budget("k", None);
            // A holder's name is used once, as a request's id is.
            let mut held = HashMap::<u8, (String, i64)>::new();
            let (mut names, mut paid, mut overrun, mut now) = (0, 0, 0, 0);
            for step in steps {
                match step {
                    AccountStep::Reserve(who, amount) if !held.contains_key(&who) => {
                        names += 1;
                        let holder = format!("h{names}");
                        let claim = claim(&holder, d(amount), d(MOST), at(now + 30));
                        if let Reserved::Held(account) = table.reserve(&key, &claim).await.unwrap() {
                            check(&account);
                            held.insert(who, (holder, amount));
                        }
                    }
                    AccountStep::Settle(who, actual) => {
                        if let Some((holder, amount)) = held.remove(&who) {
                            settle(&table, &key, &holder, d(amount), d(actual)).await;
                            paid += actual;
                            overrun += (actual - amount).max(0);
                        }
                    }
                    AccountStep::Expire => {
                        if let Some(seen) = table.account(&key).await.unwrap() {
                            table.expire_holds(&key, &seen, at(now)).await.unwrap();
                        }
                    }
                    AccountStep::Pass(seconds) => now += seconds,
                    AccountStep::Reserve(..) => {}
                }
                if let Some(account) = table.account(&key).await.unwrap() {
                    check(&account);
                    let open: i64 = held.values().map(|(_, amount)| amount).sum();
                    assert_eq!(account.committed, d(paid + open));
                    assert!(account.committed <= d(MOST + overrun));
                    assert!(account.spent >= d(paid));
                }
            }
        });
    }
}
