//! What a team costs: write units of its requests, and updates of its account when many ask at the same time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::{Embedded, keys};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use super::{done, team};
use crate::support::keys::{chat_as, chat_with, key};
use crate::support::table_proxy::behind_a_network;
use crate::support::{PRIMARY, TestApp, hello, tokens};
use crate::volume::Meter;

fn answered(app: &TestApp) {
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(5, 12));
    app.bedrock.always(PRIMARY, Step::reply(reply));
}

#[tokio::test]
async fn a_key_without_a_team_costs_what_it_did_and_each_budget_above_it_two_small_updates() {
    let embedded = Arc::new(Embedded::in_memory().await.unwrap());
    let (meter, url) = Meter::of_writes(embedded.endpoint()).await;
    let app = TestApp::builder().table(&embedded, "test").table_at(&url);
    let app = app.start().await;
    answered(&app);
    let id = team(&app, json!({"team_id": "t", "max_budget": 100})).await;
    let free = team(&app, json!({"team_id": "f"})).await;
    let user = json!({"user_id": "u", "max_budget": 100, "auto_create_key": false});
    done(&app, "/user/new", user).await;
    let member = json!({"team_id": id, "member": {"user_id": "m"}, "max_budget_in_team": 50});
    done(&app, "/team/member_add", member).await;
    let mut units = Vec::new();
    for (what, settings) in [
        ("a key", json!({})),
        ("a key of a team without a budget", json!({"team_id": free})),
        ("a key with a budget", json!({"max_budget": 10})),
        ("a key of a team with a budget", json!({"team_id": id})),
        ("a key of a user with a budget", json!({"user_id": "u"})),
        (
            "a key and its team with budgets",
            json!({"team_id": id, "max_budget": 10}),
        ),
        (
            "a key, its member and its team with budgets",
            json!({"team_id": id, "user_id": "m", "max_budget": 10}),
        ),
    ] {
        let key = key(&app, settings).await;
        // The account, and its bucket, are there.
        chat_as(&app, &key, &hello("primary")).await;
        app.settle().await;
        let asked = async {
            let response = chat_as(&app, &key, &hello("primary")).await;
            assert_eq!(response.status(), 200, "{what}");
            app.settle().await;
        };
        units.push(meter.measured(what, asked).await.1);
    }
    let [plain, of_team, own, team, user, both, _] = units[..] else {
        panic!("{units:?}");
    };
    assert!((plain - of_team).abs() < 0.1, "{units:?}");
    // A hold and a settlement of an item below 1 KB each; and the record, which says so, may need a further KB.
    for (without, with) in [(of_team, team), (plain, user), (own, both)] {
        assert!((1.9..4.1).contains(&(with - without)), "{units:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_at_two_hundred_requests_a_second_has_no_storm_of_conflicts() {
    const REQUESTS: u64 = 200;
    const RATE: u64 = 200;
    const COME_AGAIN: Duration = Duration::from_millis(100);
    let (app, proxy) = behind_a_network().await;
    answered(&app);
    let id = team(&app, json!({"max_budget": 1000})).await;
    let keys = join_all((0..50).map(|_| key(&app, json!({"team_id": id})))).await;
    // Accounts and buckets are there.
    chat_as(&app, &keys[0], &hello("primary")).await;
    app.settle().await;
    let (updates, transactions) = (proxy.calls("UpdateItem"), proxy.calls("TransactWriteItems"));
    let began = Instant::now();
    let mut tick = interval(Duration::from_micros(1_000_000 / RATE));
    let body = hello("primary");
    let mut requests = Vec::new();
    for n in 0..REQUESTS {
        tick.tick().await;
        let key = &keys[usize::try_from(n).unwrap() % keys.len()];
        let request = chat_with(&app, key, &body);
        requests.push(tokio::spawn(async move {
            let asked = Instant::now();
            // A busy machine may not read a key in time; nobody is told that others were in the way at the account.
            let mut pause = COME_AGAIN;
            let status = loop {
                let response = request.try_clone().unwrap().send().await.unwrap();
                let status = response.status();
                let _: Value = response.json().await.unwrap();
                if status != 503 {
                    break status;
                }
                sleep(pause).await;
                pause *= 2;
            };
            (status, asked.elapsed())
        }));
    }
    let sent = began.elapsed();
    let answers = join_all(requests).await;
    app.settle().await;
    let mut times: Vec<Duration> = Vec::new();
    for answer in answers {
        let (status, took) = answer.unwrap();
        assert_eq!(status, 200);
        times.push(took);
    }
    times.sort();
    let asked = times.len();
    let (updates, transactions) = (
        proxy.calls("UpdateItem") - updates,
        proxy.calls("TransactWriteItems") - transactions,
    );
    println!(
        "{asked} requests of one team sent in {sent:.1?}, all served after {:.1?}: median {:.1?}, 99th percentile {:.1?}; \
         {updates} updates of its account, {transactions} transactions",
        began.elapsed(),
        times[asked / 2],
        times[asked * 99 / 100],
    );
    // A hold and a settlement each, few of them tried twice.
    assert!(updates <= asked * 2 + asked / 10, "{updates}");
    let account = app.state.table.account(&keys::team_budget(&id, None)).await;
    let account = account.unwrap().unwrap();
    assert_eq!(account.spent, account.committed);
    assert_eq!(account.buckets.values().flatten().count(), 0);
}
