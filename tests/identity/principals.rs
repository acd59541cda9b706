//! Who asks with a token is a person of an issuer: budgets, limits, teams, records, thinking and stored responses are
//! theirs, whichever token they send.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::{gateway, said};
use crate::support::identity_provider::{IdentityProvider, SigningKey};
use crate::support::{PRIMARY, THOUGHT, TestApp, hello, none_refused, thoughtful};

fn chat(app: &TestApp, token: &str) -> RequestBuilder {
    post(app, token, "/v1/chat/completions", &hello("primary"))
}

fn post(app: &TestApp, token: &str, path: &str, body: &Value) -> RequestBuilder {
    let request = app.http.post(format!("{}{path}", app.url));
    request.bearer_auth(token).json(body)
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"]["message"].to_string())
}

async fn record_of(app: &TestApp, response: Response) -> Value {
    assert_eq!(response.status(), 200);
    let id = response.json::<Value>().await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    app.record(&id).await
}

/// Two tokens of one person.
fn two(provider: &IdentityProvider) -> [String; 2] {
    ["a", "b"].map(|jti| provider.token(json!({"jti": jti, "email": "maria@example.com"})))
}

#[tokio::test]
async fn the_record_of_a_token_s_request_names_the_person_and_not_the_token() {
    let (app, provider) = gateway("").await;
    let [one, two] = two(&provider);
    let first = record_of(&app, chat(&app, &one).send().await.unwrap()).await;
    let second = record_of(&app, chat(&app, &two).send().await.unwrap()).await;
    assert_eq!(first["user"], "maria");
    assert_eq!(first["api_key"], second["api_key"]);
    assert_eq!(first["metadata"]["user_api_key_alias"], "maria@example.com");
    let other = provider.token(json!({"sub": "mario"}));
    let other = record_of(&app, chat(&app, &other).send().await.unwrap()).await;
    assert_ne!(other["api_key"], first["api_key"]);

    // The person appears by use, and reports know the name.
    let users = app.get_json("/user/list").await;
    let ids: Vec<_> = users["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["user_id"])
        .collect();
    assert_eq!(ids.len(), 2, "{users}");
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let path = format!("/global/spend/report?group_by=api_key&start_date={day}&end_date={day}");
    let spend = app.get_json(&path).await;
    assert!(spend.to_string().contains("maria@example.com"), "{spend}");
    let own = app
        .http
        .get(format!("{}/key/info", app.url))
        .bearer_auth(&one);
    let own: Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(own["info"]["user_id"], "maria", "{own}");
}

#[tokio::test]
async fn a_person_has_one_budget_for_all_tokens() {
    let (app, provider) = gateway("").await;
    let made = json!({"user_id": "maria", "max_budget": 0.0004, "auto_create_key": false});
    assert_eq!(
        app.post("/user/new", &made).send().await.unwrap().status(),
        200
    );
    let [one, two] = two(&provider);
    let body = json!({"model": "primary", "max_tokens": 20, "messages": [{"role": "user", "content": "hi"}]});
    let first = post(&app, &one, "/v1/chat/completions", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), 200, "{:?}", first.text().await);
    app.settle().await;
    let mut last = String::new();
    for _ in 0..20 {
        let response = post(&app, &two, "/v1/chat/completions", &body)
            .send()
            .await
            .unwrap();
        app.settle().await;
        if response.status() != 200 {
            last = refused(response).await.1;
            break;
        }
    }
    assert!(last.contains("User=maria"), "{last}");
    let (status, message) = refused(
        post(&app, &one, "/v1/chat/completions", &body)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status, 422, "{message}");
    let other = provider.token(json!({"sub": "mario"}));
    let other = post(&app, &other, "/v1/chat/completions", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn a_blocked_person_is_refused_whatever_the_token() {
    let (app, provider) = gateway("").await;
    let [one, two] = two(&provider);
    assert_eq!(said(&app, &one).await.0, 200);
    app.settle().await;
    let blocked = json!({"user_id": "maria", "blocked": true});
    assert_eq!(
        app.post("/user/update", &blocked)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    for token in [&one, &two] {
        let (status, message) = said(&app, token).await;
        assert_eq!(status, 401);
        assert!(message.contains("User=maria is blocked"), "{message}");
    }
}

const TEAMS: &str = "  teams:\n    - {team_id: tools, models: [primary], rpm_limit: 2}\n    - {team_id: apps}\n    - {team_id: guests, models: [last]}\n";

#[tokio::test]
async fn a_token_is_of_the_team_that_the_configuration_makes_of_its_groups() {
    let entry = "        claims: {teams: /realm/groups}\n        team_map: {g-1: tools, g-2: apps}\n        default_team: guests\n";
    let (app, provider) = gateway(&format!("{entry}{TEAMS}")).await;
    let of = |groups: Value| provider.token(json!({"realm": {"groups": groups}}));
    for (groups, team) in [
        (json!(["x", "g-1", "g-2"]), "tools"),
        (json!("g-2"), "apps"),
        (json!(["tools"]), "guests"),
        (json!([]), "guests"),
    ] {
        let body = json!({"model": if team == "guests" { "last" } else { "primary" },
            "messages": [{"role": "user", "content": "hi"}]});
        let response = post(&app, &of(groups.clone()), "/v1/chat/completions", &body)
            .send()
            .await
            .unwrap();
        let record = record_of(&app, response).await;
        assert_eq!(record["team_id"], team, "{groups}");
    }
    // The team binds its tokens, and a token of several is for the one that the request names.
    let several = of(json!(["g-1", "g-2"]));
    let refused_model = json!({"model": "last", "messages": [{"role": "user", "content": "hi"}]});
    let (status, message) = refused(
        post(&app, &several, "/v1/chat/completions", &refused_model)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(status, 403, "{message}");
    assert!(
        message.contains("Team not allowed to access model"),
        "{message}"
    );
    let in_team = |team: &str| {
        post(&app, &several, "/v1/chat/completions", &refused_model)
            .header("x-litellm-team-id", team)
    };
    assert_eq!(in_team("apps").send().await.unwrap().status(), 200);
    let (status, message) = refused(in_team("others").send().await.unwrap()).await;
    assert_eq!(status, 403);
    assert!(message.contains("x-litellm-team-id"), "{message}");
    // The team's limit of a minute is for all its members together: one request was made above.
    assert_eq!(
        chat(&app, &of(json!(["g-1"])))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let (status, message) = refused(chat(&app, &several).send().await.unwrap()).await;
    assert_eq!(status, 429, "{message}");
}

#[tokio::test]
async fn a_token_without_a_team_that_is_known_has_no_limits_to_escape() {
    let (app, provider) = gateway(&format!("        claims: {{teams: groups}}\n{TEAMS}")).await;
    assert_eq!(
        said(&app, &provider.token(json!({"groups": ["apps"]})))
            .await
            .0,
        200
    );
    for groups in [json!(["nobody's"]), json!([]), Value::Null, json!([" "])] {
        let (status, message) = said(&app, &provider.token(json!({"groups": groups}))).await;
        assert_eq!(status, 403, "{message}");
        assert!(message.contains("no team that is known here"), "{message}");
    }
    // A team that is made later is found.
    let token = provider.token(json!({"groups": ["later"]}));
    assert_eq!(said(&app, &token).await.0, 403);
    let made = app
        .post("/team/new", &json!({"team_id": "later"}))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
    assert_eq!(said(&app, &token).await.0, 200);
    let blocked = app
        .post("/team/block", &json!({"team_id": "later"}))
        .send()
        .await
        .unwrap();
    assert_eq!(blocked.status(), 200);
    assert!(said(&app, &token).await.1.contains("Team=later is blocked"));
}

#[tokio::test]
async fn a_token_may_ask_for_the_models_that_it_lists() {
    let (app, provider) = gateway("        claims: {models: models}\n").await;
    for (models, status) in [
        (Value::Null, 200),
        (json!(["primary"]), 200),
        (json!(["last"]), 403),
        (json!([]), 403),
    ] {
        let token = provider.token(json!({"models": models}));
        let response = chat(&app, &token).send().await.unwrap();
        assert_eq!(response.status(), status, "{models}");
    }
}

#[tokio::test]
async fn the_same_name_at_another_provider_is_another_person() {
    let clock = crate::support::TestClock::default();
    let now = clock.clock().now();
    let (one, two) = (
        IdentityProvider::start(now).await,
        IdentityProvider::start(now).await,
    );
    two.add_key(SigningKey::rsa("rsa-1", 1, "RS256"), false);
    let settings = one.settings(&format!(
        "      - issuer: {}\n        audience: gateway\n        user_prefix: 'two:'\n",
        two.url
    ));
    let app = TestApp::builder()
        .clock(clock)
        .settings(&settings)
        .start()
        .await;
    let first = record_of(
        &app,
        chat(&app, &one.token(json!({}))).send().await.unwrap(),
    )
    .await;
    let second = record_of(
        &app,
        chat(&app, &two.token(json!({}))).send().await.unwrap(),
    )
    .await;
    assert_ne!(first["api_key"], second["api_key"]);
    assert_eq!(
        (&first["user"], &second["user"]),
        (&json!("maria"), &json!("two:maria"))
    );
    // A key of one provider is none of another's, whatever its id.
    let stolen = one.token(json!({"iss": two.url}));
    assert_eq!(said(&app, &stolen).await.0, 401);
}

#[tokio::test]
async fn a_stored_response_goes_on_with_the_next_token_of_the_same_person_alone() {
    let (app, provider) = gateway("  store_responses: 30d\n").await;
    let [one, two] = two(&provider);
    let first = post(
        &app,
        &one,
        "/v1/responses",
        &json!({"model": "primary", "input": "one"}),
    );
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    let id = first["id"].as_str().unwrap();
    app.clock.advance(Duration::from_secs(61));
    let next = json!({"model": "primary", "input": "two", "previous_response_id": id});
    let second = post(&app, &two, "/v1/responses", &next)
        .send()
        .await
        .unwrap();
    assert_eq!(second.status(), 200);
    let other = provider.token(json!({"sub": "mario"}));
    let stolen = post(&app, &other, "/v1/responses", &next)
        .send()
        .await
        .unwrap();
    assert_eq!(stolen.status(), 400);
}

#[tokio::test]
async fn a_tool_loop_goes_on_thinking_with_the_next_token_of_the_same_person_alone() {
    let (app, provider) = gateway("").await;
    let [one, two] = two(&provider);
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    let mut messages = vec![json!({"role": "user", "content": "what is there?"})];
    let body = |messages: &[Value]| json!({"model": "primary", "reasoning_effort": "low", "messages": messages, "tools": tools});
    app.bedrock.script(PRIMARY, [Step::reply(thoughtful())]);
    let first = post(&app, &one, "/v1/chat/completions", &body(&messages));
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    let calls = &first["choices"][0]["message"]["tool_calls"];
    // The client keeps the call and loses the thinking.
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
    messages.push(json!({"role": "tool", "tool_call_id": calls[0]["id"], "content": "{}"}));
    app.settle().await;

    let other = provider.token(json!({"sub": "mario"}));
    for (token, thinks) in [(&other, false), (&two, true)] {
        let answer = post(&app, token, "/v1/chat/completions", &body(&messages));
        assert_eq!(answer.send().await.unwrap().status(), 200);
        let sent = app.last_sent_to(PRIMARY);
        let block = &sent["messages"][1]["content"][0]["reasoningContent"]["reasoningText"];
        assert_eq!(block["text"] == THOUGHT, thinks, "{sent}");
    }
    none_refused(&app);
}
