use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::future::join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::store::embedded::local_config;
use crate::store::{Embedded, Hold, HoldClaim, Item, Key, Settlement, TableOptions};

/// Stands before the embedded table and lets calls through when it is told to.
#[derive(Clone)]
struct Gate {
    table: String,
    http: reqwest::Client,
    open: Arc<Semaphore>,
    /// The number of writes of each call, as they came.
    calls: Arc<Mutex<Vec<usize>>>,
}

async fn pass(
    State(gate): State<Gate>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Bytes) {
    let call: Value = serde_json::from_slice(&body).unwrap();
    let writes = call["TransactItems"].as_array().unwrap().len();
    gate.calls.lock().unwrap().push(writes);
    gate.open.acquire().await.unwrap().forget();
    let mut request = gate.http.post(&gate.table).body(body);
    for name in [
        "x-amz-target",
        "x-amz-date",
        "authorization",
        "content-type",
    ] {
        request = request.header(name, &headers[name]);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap())
}

const FOR_EVER: Duration = Duration::from_secs(600);

struct Books {
    /// Past the gate.
    direct: Table,
    commit: GroupCommit,
    gate: Gate,
    _embedded: Embedded,
}

async fn behind_a_gate(further_call_after: Duration) -> Books {
    let embedded = Embedded::in_memory().await.unwrap();
    let direct = embedded.table("test").await.unwrap();
    let gate = Gate {
        table: embedded.endpoint().to_owned(),
        http: reqwest::Client::new(),
        open: Arc::new(Semaphore::new(0)),
        calls: Arc::default(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = TableOptions {
        name: "test".into(),
        endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
        region: None,
    };
    let app = axum::Router::new()
        .route("/", post(pass))
        .with_state(gate.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let limits = WriteLimits {
        total: Duration::from_secs(60),
        attempt: Duration::from_secs(60),
    };
    Books {
        direct,
        commit: GroupCommit {
            further_call_after,
            ..GroupCommit::new(Table::connect(&local_config(), &options), limits)
        },
        gate,
        _embedded: embedded,
    }
}

impl Books {
    /// Under way in its own task: at the gate, or waiting for others.
    async fn begin(&self, writes: Vec<Write>) -> JoinHandle<CommitResult> {
        let expected = self.begun() + 1;
        let commit = self.commit.clone();
        let task = tokio::spawn(async move { commit.transact(&writes).await });
        until(|| self.begun() == expected).await;
        task
    }

    fn begun(&self) -> usize {
        self.gate.calls.lock().unwrap().len() + self.commit.lock().waiting.len()
    }

    fn open(&self) {
        self.gate.open.add_permits(1000);
    }

    fn calls(&self) -> Vec<usize> {
        self.gate.calls.lock().unwrap().clone()
    }

    /// One that keeps everybody else waiting.
    async fn occupy(&self) -> JoinHandle<CommitResult> {
        self.begin(vec![create("first")]).await
    }

    async fn counter(&self) -> u64 {
        let found: Option<Value> = self.direct.get(&key("total")).await.unwrap();
        found.map_or(0, |found| found["n"].as_u64().unwrap())
    }

    async fn exists(&self, name: &str) -> bool {
        let found: Option<Value> = self.direct.get(&key(name)).await.unwrap();
        found.is_some()
    }
}

async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn key(name: &str) -> Key {
    Key {
        pk: name.to_owned(),
        sk: "s".to_owned(),
    }
}

fn create(name: &str) -> Write {
    Write::Create(Item::new(&key(name), &json!({"name": name})).unwrap())
}

fn add(n: i64) -> Write {
    Write::Add {
        key: key("total"),
        amounts: vec![("n".to_owned(), n.into())],
    }
}

fn record(name: &str) -> Vec<Write> {
    vec![create(name), add(1)]
}

async fn answers(tasks: Vec<JoinHandle<CommitResult>>) -> Vec<CommitResult> {
    let ended = join_all(tasks).await.into_iter();
    ended.map(|ended| ended.unwrap()).collect()
}

#[tokio::test]
async fn those_who_wait_are_written_together() {
    let books = behind_a_gate(FOR_EVER).await;
    let mut tasks = vec![books.occupy().await];
    for n in 0..20 {
        tasks.push(books.begin(record(&format!("r{n}"))).await);
    }
    books.open();
    assert!(answers(tasks).await.iter().all(Result::is_ok));
    // Twenty records, and their one total once.
    assert_eq!(books.calls(), [1, 21]);
    assert_eq!(books.counter().await, 20);
    assert!(books.exists("r0").await && books.exists("r19").await);
    // Nobody is left waiting, and the next one goes at once.
    books.commit.transact(&record("later")).await.unwrap();
    assert_eq!(books.commit.lock().calls, 0);
}

#[tokio::test]
async fn with_a_delay_the_first_one_waits_for_the_others_too() {
    let books = behind_a_gate(FOR_EVER).await;
    books.open();
    let commit = books.commit.clone().delayed(Duration::from_millis(1));
    let records: Vec<_> = (0..20).map(|n| record(&format!("r{n}"))).collect();
    // All of them come before the clock can go on.
    let answers = join_all(records.iter().map(|writes| commit.transact(writes))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(books.calls(), [21]);
    assert_eq!(books.counter().await, 20);
    until(|| commit.lock().calls == 0).await;
}

#[tokio::test]
async fn a_transaction_takes_no_more_writes_than_dynamodb_does() {
    let books = behind_a_gate(FOR_EVER).await;
    let mut tasks = vec![books.occupy().await];
    for n in 0..150 {
        tasks.push(books.begin(record(&format!("r{n}"))).await);
    }
    books.open();
    assert!(answers(tasks).await.iter().all(Result::is_ok));
    let calls = books.calls();
    assert!(calls.iter().all(|writes| *writes <= 100), "{calls:?}");
    // The first one, every record, and the total once in each of the others.
    assert_eq!(calls.iter().sum::<usize>(), 1 + 150 + (calls.len() - 1));
    assert_eq!(books.counter().await, 150);
}

#[tokio::test]
async fn what_one_is_refused_for_refuses_no_other() {
    let books = behind_a_gate(FOR_EVER).await;
    let there = [create("r3")];
    let limits = WriteLimits::default();
    books.direct.transact(&there, limits).await.unwrap();
    let nameless = Write::Add {
        key: key(""),
        amounts: vec![("n".to_owned(), 1.into())],
    };

    let first = books.occupy().await;
    let mut tasks = Vec::new();
    for n in 0..6 {
        tasks.push(books.begin(record(&format!("r{n}"))).await);
    }
    // The same record a second time, its condition not the first of its writes; and one that no table takes.
    tasks.push(books.begin(vec![add(1), create("r0")]).await);
    tasks.push(books.begin(vec![create("bad"), nameless]).await);
    books.open();
    first.await.unwrap().unwrap();
    let answers = answers(tasks).await;
    for (n, answer) in answers.iter().enumerate() {
        let expected = match (n, answer) {
            (3, Err(StoreError::ConditionFailed { write: 0 })) => true,
            (6, Err(StoreError::ConditionFailed { write: 1 })) => true,
            (7, Err(StoreError::Refused { .. })) => true,
            (3 | 6 | 7, _) => false,
            (_, answer) => answer.is_ok(),
        };
        assert!(expected, "{n}: {answer:?}");
    }
    assert_eq!(books.counter().await, 5);
    assert!(!books.exists("bad").await);
}

#[tokio::test]
async fn holds_of_one_account_are_settled_together_and_a_missing_one_is_told_to_its_own() {
    let books = behind_a_gate(FOR_EVER).await;
    let account = key("account");
    let until = Timestamp::now() + Duration::from_secs(600);
    for holder in ["a", "b", "c"] {
        let claim = HoldClaim {
            holder,
            before: None,
            hold: Hold {
                amount: 10.into(),
                until,
            },
            most: 100.into(),
            expires: None,
        };
        books.direct.reserve(&account, &claim).await.unwrap();
    }
    let settle = |holder: &str, moved: bool| {
        Write::Settle(Settlement {
            key: account.clone(),
            holds: vec![(holder.to_owned(), 10.into())],
            actual: 3.into(),
            moved,
        })
    };

    let first = books.occupy().await;
    let mut tasks = Vec::new();
    for (name, holder) in [("r0", "a"), ("r1", "gone"), ("r2", "b")] {
        let writes = vec![create(name), add(1), settle(holder, false)];
        tasks.push(books.begin(writes).await);
    }
    // Another way of settling does not go with these.
    tasks.push(books.begin(vec![create("r3"), settle("c", true)]).await);
    books.open();
    first.await.unwrap().unwrap();
    let answers = answers(tasks).await;
    assert!(matches!(
        answers[1],
        Err(StoreError::ConditionFailed { write: 2 })
    ));
    assert!(
        answers[0].is_ok() && answers[2].is_ok() && answers[3].is_ok(),
        "{answers:?}"
    );
    let found = books.direct.account(&account).await.unwrap().unwrap();
    // Three held 10 each; two have spent 3 instead, the third's 10 became 3 without its hold being touched.
    assert_eq!(found.committed, Decimal::from(30 - 7 - 7 - 7));
    assert_eq!(found.spent, Decimal::from(3 + 3 - 7));
    assert_eq!(found.holds.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(books.counter().await, 2);
}

#[tokio::test]
async fn who_leaves_hands_on_the_turn_and_is_not_waited_for() {
    let books = behind_a_gate(FOR_EVER).await;
    let first = books.occupy().await;
    let stays = books.begin(record("stays")).await;
    let leaves = books.begin(record("leaves")).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    first.abort();
    // No call has been answered, and the one who stayed has its turn.
    until(|| books.calls().len() == 2).await;
    books.open();
    stays.await.unwrap().unwrap();
    assert_eq!(books.calls(), [1, 2]);
    assert!(!books.exists("leaves").await);
    until(|| books.commit.lock().calls == 0).await;
}

#[tokio::test]
async fn a_transaction_that_nobody_waits_for_any_more_is_given_up() {
    let books = behind_a_gate(FOR_EVER).await;
    let commit = books.commit.clone().delayed(Duration::from_millis(1));
    let writes = record("leaves");
    let leaves = tokio::spawn(async move { commit.transact(&writes).await });
    until(|| books.calls().len() == 1).await;
    leaves.abort();
    let given_up = until(|| books.commit.lock().calls == 0);
    let limit = books.commit.limits.total / 2;
    tokio::time::timeout(limit, given_up).await.unwrap();
    books.open();
    books.commit.transact(&record("stays")).await.unwrap();
    assert!(!books.exists("leaves").await);
}

#[tokio::test]
async fn who_has_waited_long_does_not_wait_for_a_slow_one() {
    let books = behind_a_gate(Duration::from_millis(1)).await;
    let mut tasks = vec![books.occupy().await];
    for n in 1..MOST_CALLS {
        tasks.push(books.begin(record(&format!("r{n}"))).await);
        until(|| books.calls().len() == n + 1).await;
    }
    // But so many slow ones are enough.
    for n in MOST_CALLS..20 {
        tasks.push(books.begin(record(&format!("r{n}"))).await);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(books.calls().len(), MOST_CALLS);
    books.open();
    assert!(answers(tasks).await.iter().all(Result::is_ok));
    assert_eq!(books.counter().await, 19);
}

#[test]
fn no_sum_is_written_that_is_none() {
    assert_eq!(add(1).merged_with(&add(2)), Some(add(3)));
    let most = Write::Add {
        key: key("total"),
        amounts: vec![("n".to_owned(), Decimal::MAX)],
    };
    assert_eq!(most.merged_with(&most), None);
    assert_eq!(create("a").merged_with(&create("a")), None);
}
