//! What the counters of a day tell apart: who asked, by which program, how long it took, and why it failed.

use std::time::Duration;

use bedrock_sidecar::keys::RefusedOfDay;
use bedrock_sidecar::simulator::{ScriptedReply, Step};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::admin::Visitor;
use crate::support::keys::{chat_as, chat_with, key, sha256};
use crate::support::{KEY, PRIMARY, TestApp, hello, tokens};

fn period() -> String {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    format!("start_date={}&end_date={today}", today.yesterday().unwrap())
}

/// A request of this key, customer and program; the id of its record.
async fn ask(app: &TestApp, key: &str, customer: &str, agent: &str) -> String {
    let mut body = hello("primary");
    if !customer.is_empty() {
        body["user"] = json!(customer);
    }
    let request = chat_with(app, key, &body).header("user-agent", agent);
    let response = request.send().await.unwrap();
    let id = response.headers()["x-litellm-call-id"].to_str().unwrap();
    id.to_owned()
}

/// Two requests for a customer by a program, and one for nobody by another: $0.00495 each.
async fn busy() -> (TestApp, String) {
    let app = TestApp::new().await;
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(1000, 100));
    app.bedrock.always(PRIMARY, Step::reply(reply));
    let maria = key(&app, json!({"key_alias": "maria's", "user_id": "maria"})).await;
    ask(&app, &maria, "acme#1", "claude-cli/2.1.197 (external, cli)").await;
    ask(&app, &maria, "acme#1", "claude-cli/2.1.198 (external, cli)").await;
    ask(&app, KEY, "", "OpenAI/Python 3.54.0").await;
    app.settle().await;
    (app, maria)
}

/// The requests of each entity of the only day.
fn entities(activity: &Value, of: &str) -> Value {
    let parts = activity["results"][0]["breakdown"][of].as_object();
    let parts = parts.unwrap().iter();
    let requests =
        parts.map(|(name, part)| (name.clone(), part["metrics"]["api_requests"].clone()));
    requests.collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn a_day_s_activity_is_told_apart_by_who_asked_and_by_which_program() {
    let (app, maria) = busy().await;
    let of = async |path: &str| app.get_json(&format!("{path}{}", period())).await;
    let customers = of("/customer/daily/activity?").await;
    let expected = json!({"acme#1": 2, "Unassigned": 1});
    assert_eq!(entities(&customers, "entities"), expected);
    let clients = json!({"claude-code": 2, "openai-sdk": 1});
    assert_eq!(entities(&customers, "clients"), clients);
    let users = of("/user/daily/activity?").await;
    assert_eq!(
        entities(&users, "entities"),
        json!({"maria": 2, "Unassigned": 1})
    );
    let of_maria = &users["results"][0]["breakdown"]["entities"]["maria"];
    let by_key = &of_maria["api_key_breakdown"][sha256(&maria)];
    assert_eq!(by_key["metadata"]["key_alias"], "maria's", "{of_maria}");
    assert_eq!(by_key["metrics"]["spend"].to_string(), "0.0099");
    let teams = of("/team/daily/activity?").await;
    assert_eq!(entities(&teams, "entities"), json!({"Unassigned": 3}));

    for (question, requests) in [
        ("/user/daily/activity?user_id=maria&", 2),
        ("/user/daily/activity?user_id=nobody&", 0),
        ("/user/daily/activity?client=openai-sdk&", 1),
        ("/team/daily/activity?team_ids=a,b&", 0),
        ("/team/daily/activity?exclude_team_ids=a&", 3),
        ("/customer/daily/activity?end_user_ids=other,acme%231&", 2),
        ("/customer/daily/activity?exclude_end_user_ids=acme%231&", 1),
        (
            "/customer/daily/activity?end_user_ids=acme%231&client=openai-sdk&",
            0,
        ),
    ] {
        let sum = of(question).await["metadata"]["total_api_requests"].clone();
        assert_eq!(sum, requests, "{question}");
    }
}

#[tokio::test]
async fn a_report_is_grouped_by_each_of_them_in_litellm_s_shape() {
    let (app, maria) = busy().await;
    let report = async |query: &str| {
        let path = format!("/global/spend/report?{}{query}", period());
        app.get_json(&path).await
    };
    let day = TimeZone::UTC
        .to_datetime(Timestamp::now())
        .date()
        .to_string();
    let details = json!([{"model": PRIMARY, "api_key": sha256(&maria), "spend": 0.0099, "total_tokens": 2200}]);
    for (group_by, list, row) in [
        (
            "customer",
            "customers",
            json!({"customer": "acme#1", "total_spend": 0.0099, "requests": 2, "metadata": details}),
        ),
        (
            "user",
            "users",
            json!({"user": "maria", "total_spend": 0.0099, "requests": 2, "metadata": details}),
        ),
        (
            "client",
            "clients",
            json!({"client": "claude-code", "total_spend": 0.0099, "requests": 2, "metadata": details}),
        ),
    ] {
        let found = report(&format!("&group_by={group_by}")).await;
        assert_eq!(found[0]["group_by_day"], day);
        assert_eq!(found[0][list][0], row);
        assert_eq!(found[0][list].as_array().unwrap().len(), 2, "{found}");
        let one = report(&format!("&group_by={group_by}&internal_user_id=maria")).await;
        assert_eq!(one[0][list], json!([row]));
    }
    // LiteLLM's own default, and what nobody named.
    let teams = report("").await;
    assert_eq!(teams[0]["teams"][0]["team_name"], Value::Null);
    assert_eq!(teams[0]["teams"][0]["total_spend"].to_string(), "0.01485");
    // A user's keys, as LiteLLM lists them.
    let keys = report("&internal_user_id=maria").await;
    assert_eq!(keys[0]["api_key"], sha256(&maria));
    let days = app.get_json(&format!("/spend/logs?{}", period())).await;
    assert_eq!(days[0]["users"], json!({"maria": 0.0099}));
}

#[tokio::test]
async fn a_report_calls_a_team_as_people_do() {
    let app = TestApp::new().await;
    for team in [
        json!({"team_id": "t1", "team_alias": "Apps"}),
        json!({"team_id": "t2"}),
    ] {
        let made = app.post("/team/new", &team).send().await.unwrap();
        assert_eq!(made.status(), 200);
        let key = key(&app, json!({"team_id": team["team_id"]})).await;
        chat_as(&app, &key, &hello("primary")).await;
        app.settle().await;
    }
    let path = format!("/global/spend/report?{}", period());
    let report = app.get_json(&path).await;
    let mut named: Vec<_> = report[0]["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| {
            let text = |field: &str| team[field].as_str().unwrap().to_owned();
            (text("team_id"), text("team_name"))
        })
        .collect();
    named.sort();
    assert_eq!(
        named,
        [("t1", "Apps"), ("t2", "t2")].map(|(id, name)| (id.to_owned(), name.to_owned()))
    );
}

#[tokio::test]
async fn a_record_keeps_the_program_and_is_found_by_it() {
    let (app, _) = busy().await;
    let found = app.get_json("/spend/logs/v2?client=claude-code").await;
    assert_eq!(found["total"], 2);
    let rows = found["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["client"] == "claude-code"));
    assert_eq!(
        rows[0]["metadata"]["user_agent"],
        "claude-cli/2.1.198 (external, cli)"
    );
}

#[tokio::test]
async fn failures_are_counted_by_their_class_and_refusals_by_their_reason() {
    let yaml = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
  - model_name: backup
    litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}
litellm_settings: {num_retries: 0}
";
    let app = TestApp::builder().config(yaml).start().await;
    let limited = key(&app, json!({"models": ["primary"], "rpm_limit": 3})).await;
    let poor = key(&app, json!({"max_budget": 0.0000001})).await;
    app.bedrock
        .script(PRIMARY, [Step::throttle(), Step::unavailable()]);
    for (key, model, status) in [
        (&limited, "primary", 429),
        (&limited, "primary", 503),
        (&limited, "backup", 403),
        (&limited, "primary", 429),
        (&poor, "primary", 422),
        (&KEY.to_owned(), "no-such-model", 404),
        (&KEY.to_owned(), "primary", 200),
    ] {
        let response = chat_with(&app, key, &hello(model)).send().await.unwrap();
        assert_eq!(response.status(), status, "{model}");
    }
    app.settle().await;
    let path = format!("/user/daily/activity?{}", period());
    let activity = app.get_json(&path).await;
    let metrics = &activity["results"][0]["metrics"];
    assert_eq!(metrics["failed_requests"], 6, "{metrics}");
    assert_eq!(
        metrics["failures"],
        json!({"throttled": 1, "unavailable": 1})
    );
    let refusals = json!({"budget": 1, "model_access": 1, "rate_limit": 1, "unknown_model": 1});
    assert_eq!(metrics["refusals"], refusals);
    // The one that succeeded.
    assert_eq!(metrics["timed_requests"], 1);
    for name in [
        "first_token_p50_ms",
        "first_token_p95_ms",
        "duration_p50_ms",
        "duration_p95_ms",
    ] {
        assert!(
            metrics[name].as_u64().is_some_and(|ms| ms > 0),
            "{name}: {metrics}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_not_good_leaves_a_count_and_no_record() {
    let app = TestApp::new().await;
    let blocked = key(&app, json!({})).await;
    let expiring = key(&app, json!({"duration": "1h"})).await;
    for key in [&blocked, &expiring] {
        assert_eq!(
            chat_with(&app, key, &hello("primary"))
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    app.post("/key/block", &json!({"key": blocked}))
        .send()
        .await
        .unwrap();
    app.clock.advance(Duration::from_secs(2 * 60 * 60));
    app.settle().await;
    let records = app.get_json("/spend/logs/v2").await["total"].clone();
    let refuse = async |key: &str, times: usize| {
        for _ in 0..times {
            let response = chat_with(&app, key, &hello("primary"))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 401);
        }
    };
    // What comes within ten seconds is written with the next one.
    for times in [3, 14] {
        refuse(&blocked, times).await;
        refuse(&expiring, times).await;
        app.clock.advance(Duration::from_secs(11));
    }
    refuse(&blocked, 1).await;
    refuse("sk-unknown", 5).await;
    app.settle().await;
    let refused = async |key: &str| app.state.refused_keys.today(&sha256(key)).await.unwrap();
    let of_blocked = refused(&blocked).await;
    assert_eq!((of_blocked.blocked, of_blocked.expired), (18, 0));
    let of_expiring = refused(&expiring).await;
    assert_eq!((of_expiring.blocked, of_expiring.expired), (0, 4));
    assert_eq!(refused("sk-unknown").await, RefusedOfDay::default());
    assert_eq!(app.get_json("/spend/logs/v2").await["total"], records);
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor
        .page(&format!("/ui/keys/{}", sha256(&blocked)))
        .await;
    assert!(page.contains("18 requests refused today"), "{page}");
}
