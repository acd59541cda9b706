//! Budgets that no number of concurrent requests overshoots, and that come out even whatever dies.

use std::time::Duration;

use bedrock_sidecar::config::BUNDLED;
use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::{Account, keys, time};
use futures_util::future::join_all;
use reqwest::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::keys::{account, chat_as, chat_with, dollars, key, post_with, sha256};
use crate::support::table_proxy::{Fault, behind_a_network};
use crate::support::{CONFIG, PRIMARY, TestApp, header, hello, tokens};

/// What is asked costs some 0.0203 at most: a token a byte of prompt and its frame at 6.6 (the price of the cache's one-hour
/// write), and 1,196 of answer at 16.5 per million.
fn sized() -> Value {
    let mut body = hello("primary");
    body["max_tokens"] = json!(1196);
    body
}

/// What a request may cost at most, as the gateway sees it: what it holds of a large budget.
async fn bound(app: &TestApp) -> Decimal {
    let key = key(app, json!({"max_budget": 1000})).await;
    let response = chat_as(app, &key, &sized()).await;
    let remaining = dollars(header(&response, "x-litellm-key-remaining-budget"));
    dollars("1000") - remaining
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_spend_the_budget_of_fifty_and_no_more() {
    let app = TestApp::new().await;
    let bound = bound(&app).await;
    let max = bound * Decimal::from(50);
    // Each costs 0.0197505, nearly what it was feared to.
    let reply = || Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(5, 1196)));
    app.bedrock.always(PRIMARY, reply());
    let before = app.bedrock.requests().len();
    let key = key(
        &app,
        json!({"max_budget": serde_json::from_str::<Value>(&max.to_string()).unwrap()}),
    )
    .await;

    let body = sized();
    // A slow machine cannot give all of them their turn at the account in time: who is told to come again does.
    let come_again = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let requests = (0..200).map(|_| async {
        loop {
            let response = chat_as(&app, &key, &body).await;
            if !come_again.contains(&response.status()) {
                break response.status();
            }
            assert!(response.headers().contains_key("retry-after"));
        }
    });
    let answers = join_all(requests).await;
    let paid = answers.iter().filter(|status| **status == 200).count();
    let refused = answers.iter().filter(|status| **status == 422).count();
    assert_eq!(paid + refused, 200, "{answers:?}");
    assert!((45..=51).contains(&paid), "{paid}");
    assert_eq!(
        app.bedrock.requests().len() - before,
        paid,
        "nothing refused has reached Bedrock"
    );

    let account = account(&app, &key).await;
    assert!(account.holds.is_empty(), "{account:?}");
    assert_eq!(account.spent, account.committed);
    let each = dollars("5") * dollars("0.0000033") + dollars("1196") * dollars("0.0000165");
    assert_eq!(account.spent, each * Decimal::from(paid));
    assert!(account.spent <= max);
}

#[tokio::test]
async fn what_a_budget_does_not_pay_for_is_told_before_bedrock_is_asked() {
    for (lines, status) in [("", 422), ("  budget_exceeded_status_code: 429\n", 429)] {
        let yaml = CONFIG.replace("  num_retries: 0\n", &format!("  num_retries: 0\n{lines}"));
        let app = TestApp::builder().config(&yaml).start().await;
        let key = key(&app, json!({"max_budget": 0.000001, "key_alias": "poor"})).await;
        let response = chat_as(&app, &key, &hello("primary")).await;
        assert_eq!(response.status(), status);
        let id = header(&response, "x-litellm-call-id").to_owned();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["type"], "budget_exceeded");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("This request may cost up to $0.27"),
            "{message}"
        );
        assert!(
            message.contains("; $0.000001 of $0.000001 are left (Key=poor,"),
            "{message}"
        );
        assert!(app.bedrock.requests().is_empty());
        let record = app.record(&id).await;
        assert_eq!(
            (&record["status"], &record["spend"]),
            (&json!("failure"), &json!(0))
        );
    }
}

#[tokio::test]
async fn a_budget_that_is_spent_is_told_in_litellm_s_words() {
    let app = TestApp::new().await;
    let dear = ScriptedReply::text("Hi.").with_usage(tokens(5, 1196));
    app.bedrock.always(PRIMARY, Step::reply(dear));
    let key = key(&app, json!({"max_budget": 0.025, "key_alias": "poor"})).await;
    // The second one fits by its own length, and the first has cost all but nothing of the rest.
    for _ in 0..2 {
        let mut body = sized();
        body["max_tokens"] = json!(200);
        chat_as(&app, &key, &body).await;
        app.settle().await;
    }
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 422);
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Budget has been exceeded! Key=poor Current cost: 0.039501, Max budget: 0.025"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn a_reply_says_what_is_left_and_the_key_s_page_too() {
    let app = TestApp::new().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 100))),
    );
    let settings = json!({"max_budget": 1, "budget_duration": "30d"});
    let key = key(&app, settings).await;
    for spent in ["0.00495", "0.0099"] {
        let response = chat_as(&app, &key, &sized()).await;
        assert_eq!(header(&response, "x-litellm-key-max-budget"), "1");
        assert_eq!(header(&response, "x-litellm-key-spend"), spent);
        assert!(dollars(header(&response, "x-litellm-key-remaining-budget")) < dollars("1"));
        app.settle().await;
    }
    let own = app
        .http
        .get(format!("{}/key/info", app.url))
        .bearer_auth(&key);
    let info: Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(info["info"]["spend"].to_string(), "0.0099");
    let reset = info["info"]["budget_reset_at"].as_str().unwrap();
    assert!(reset.ends_with("-01T00:00:00Z"), "{reset}");

    // The next month begins with nothing spent.
    app.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    let own = app
        .http
        .get(format!("{}/key/info", app.url))
        .bearer_auth(&key);
    let info: Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(info["info"]["spend"].to_string(), "0");
}

#[tokio::test]
async fn what_fails_before_bedrock_bills_gives_its_money_back() {
    let app = TestApp::new().await;
    app.bedrock.always("*", Step::unavailable());
    let key = key(&app, json!({"max_budget": 1})).await;
    let response = chat_as(&app, &key, &hello("primary")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(account(&app, &key).await, Account::default());
}

#[tokio::test]
async fn a_stream_holds_its_money_while_it_runs_and_pays_when_it_ends() {
    let app = TestApp::new().await;
    let answer = ScriptedReply::text("one two three").with_usage(tokens(1000, 100));
    app.bedrock.script(
        PRIMARY,
        [Step::reply(answer).pace(Duration::from_millis(50))],
    );
    let key = key(&app, json!({"max_budget": 1})).await;
    let mut body = sized();
    body["stream"] = json!(true);
    let mut response = chat_as(&app, &key, &body).await;
    assert_eq!(header(&response, "x-litellm-key-spend"), "0");
    response.chunk().await.unwrap();
    let hash = sha256(&key);
    let table = app.state.ledger.table();
    let under_way = table
        .account(&keys::budget(&hash, None))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((under_way.spent, under_way.holds.len()), (dollars("0"), 1));
    // The client goes away; the answer is read, and paid, to its end.
    drop(response);
    let paid = account(&app, &key).await;
    assert_eq!(
        (paid.spent, paid.committed),
        (dollars("0.00495"), dollars("0.00495"))
    );
}

#[tokio::test]
async fn what_a_dead_instance_held_is_spent_when_its_time_is_over() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::hang()]);
    let key = key(&app, json!({"max_budget": 1})).await;
    // The instance dies with the request under way.
    let dying = app.another_instance().await;
    let request = chat_with(&dying, &key, &sized()).send();
    let answered = tokio::time::timeout(Duration::from_millis(300), request).await;
    assert!(answered.is_err());
    let held = app.state.keys.clone();
    let hash = sha256(&key);
    let stored = held.get(&hash).await.unwrap();
    let before = held.budget_usage(&stored).await.unwrap().unwrap();
    assert_eq!(before.spent, dollars("0"));
    app.clock.advance(Duration::from_secs(1000));
    let after = held.budget_usage(&stored).await.unwrap().unwrap();
    assert!(after.spent > dollars("0"), "{after:?}");
    assert_eq!(after.remaining, before.remaining, "nothing was handed back");
    let table = app.state.ledger.table();
    let account = table
        .account(&keys::budget(&hash, None))
        .await
        .unwrap()
        .unwrap();
    assert!(account.holds.is_empty() && account.spent == account.committed);
}

#[tokio::test]
async fn a_dollar_buys_a_hello_on_every_model_that_is_shipped() {
    for (file, yaml) in BUNDLED {
        let app = TestApp::builder().config(yaml).start().await;
        let today = time::day(jiff::Timestamp::now());
        for name in app.state.config.listed_names(today) {
            let key = key(&app, json!({"max_budget": 1})).await;
            // A model that is not talked to is asked for what it does.
            let (path, body) = match name.as_str() {
                name if name.contains("embed") => {
                    ("/v1/embeddings", json!({"model": name, "input": "hello"}))
                }
                name if name.contains("rerank") => (
                    "/v1/rerank",
                    json!({"model": name, "query": "hello", "documents": ["hello"]}),
                ),
                name => ("/v1/chat/completions", hello(name)),
            };
            let response = post_with(&app, &key, path, &body).send().await.unwrap();
            let status = response.status();
            assert_eq!(
                status,
                200,
                "{file} {name}: {}",
                response.text().await.unwrap()
            );
        }
    }
}

#[tokio::test]
async fn an_answer_becomes_as_short_as_the_budget_needs_unless_the_client_has_set_its_length() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"max_budget": 0.1})).await;
    let response = chat_as(&app, &key, &hello("primary")).await;
    assert_eq!(response.status(), 200);
    let asked = app.bedrock.requests().pop().unwrap();
    let length = asked.body["inferenceConfig"]["maxTokens"].as_u64().unwrap();
    assert!((1024..16_384).contains(&length), "{length}");

    let mut long = hello("primary");
    long["max_tokens"] = json!(16_384);
    let response = chat_as(&app, &key, &long).await;
    assert_eq!(response.status(), 422);
}

#[tokio::test]
async fn a_model_without_a_price_is_not_for_keys_with_a_budget() {
    let yaml =
        "model_list:\n  - {model_name: m, litellm_params: {model: bedrock/nobody.knows-v1:0}}\n";
    let app = TestApp::builder().config(yaml).start().await;
    app.bedrock
        .always("nobody.knows-v1:0", Step::text("Hello."));
    let rich = key(&app, json!({"max_budget": 1000})).await;
    let response = chat_as(&app, &rich, &hello("m")).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("price is unknown"),
        "{body}"
    );
    for settings in [json!({}), json!({"soft_budget": 1})] {
        let key = key(&app, settings).await;
        let response = chat_as(&app, &key, &hello("m")).await;
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn all_keys_together_keep_to_the_gateway_s_budget_and_the_master_key_is_free() {
    let yaml = CONFIG.replace(
        "  num_retries: 0\n",
        "  num_retries: 0\n  max_budget: 0.03\n  budget_duration: 1d\n",
    );
    let app = TestApp::builder().config(&yaml).start().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(5, 1196))),
    );
    let mut statuses = Vec::new();
    for max in [None, Some(1), Some(1)] {
        let key = key(&app, json!({ "max_budget": max })).await;
        let response = chat_as(&app, &key, &sized()).await;
        statuses.push(response.status().as_u16());
        app.settle().await;
        if response.status() == 422 {
            let account = account(&app, &key).await;
            assert_eq!(
                account.committed,
                dollars("0"),
                "its own budget holds nothing either"
            );
        }
    }
    assert_eq!(statuses, [200, 422, 422]);
    assert_eq!(app.chat(&sized()).await.status(), 200);
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    let key = key(&app, json!({})).await;
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_request_that_meets_others_at_its_budget_tries_again() {
    let (app, proxy) = behind_a_network().await;
    let key = key(&app, json!({"max_budget": 1})).await;
    proxy.strike_updates();
    proxy.script([Fault::Conflict, Fault::Throttled, Fault::Conflict]);
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 200);
    let account = account(&app, &key).await;
    assert!(account.holds.is_empty(), "{account:?}");
    assert!(account.spent > Decimal::ZERO && account.spent == account.committed);
}

#[tokio::test]
async fn a_budget_that_others_always_use_is_429_for_now_and_holds_nothing() {
    let (app, proxy) = behind_a_network().await;
    let key = key(&app, json!({"max_budget": 1})).await;
    proxy.strike_updates();
    proxy.always(Some(Fault::Conflict));
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), "1");
    assert!(app.bedrock.requests().is_empty());
    proxy.always(None);
    assert_eq!(account(&app, &key).await, Account::default());
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn money_that_may_be_held_for_a_request_that_will_not_run_is_given_back_before_it_has_ended()
{
    let (app, network) = behind_a_network().await;
    let key = key(&app, json!({"max_budget": 1})).await;
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 200);
    let before = account(&app, &key).await;

    network.strike_updates();
    // It is held, and nobody hears of it.
    network.script([Fault::ResetAfter, Fault::ResetBefore, Fault::ResetBefore]);
    let response = chat_as(&app, &key, &sized()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(account(&app, &key).await, before);
}

#[tokio::test]
async fn a_regenerated_key_goes_on_with_the_budget_of_the_old_one() {
    let app = TestApp::new().await;
    app.bedrock.always(
        PRIMARY,
        Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(5, 1196))),
    );
    let old = key(&app, json!({"max_budget": 0.03})).await;
    assert_eq!(chat_as(&app, &old, &sized()).await.status(), 200);
    app.settle().await;
    let new: Value = app
        .post("/key/regenerate", &json!({ "key": old }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let new = new["key"].as_str().unwrap();
    assert_eq!(chat_as(&app, new, &sized()).await.status(), 422);
}

#[tokio::test]
async fn each_model_is_held_for_at_its_own_price() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"max_budget": 1})).await;
    let mut remaining = Vec::new();
    for model in ["backup", "primary"] {
        let mut body = sized();
        body["model"] = json!(model);
        let response = chat_as(&app, &key, &body).await;
        remaining.push(dollars(header(&response, "x-litellm-key-remaining-budget")));
        app.settle().await;
    }
    assert!(remaining[0] > remaining[1], "{remaining:?}");
}
