//! No budget is overshot by what clients choose: how often they fall back, what a prompt is made of, where it stands.
//!
//! Each test has two gateways on one table, and a price of 3.3 for a prompt's token, at most 6.6 where it is written to a
//! cache, and 16.5 for an answer's, US dollars per million.

use bedrock_sidecar::simulator::{FaultKind, ScriptedReply, Step};
use bedrock_sidecar::store::Account;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::keys::{account, chat_as, dollars, key};
use crate::support::{BACKUP, CONFIG, LAST, PRIMARY, TestApp, header, tokens, validation_error};

/// Two gateways on one table and one Bedrock.
async fn two(yaml: &str) -> [TestApp; 2] {
    let app = TestApp::builder().config(yaml).start().await;
    let other = app.another_instance().await;
    [app, other]
}

/// The status and the error's words.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    (status, message.to_owned())
}

fn chat(content: Value, max_tokens: u32) -> Value {
    json!({"model": "primary", "max_tokens": max_tokens, "messages": [{"role": "user", "content": content}]})
}

fn answered(input: u64, output: u64) -> Step {
    Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(input, output)))
}

/// Bedrock has no count for the models' prompts, as for many newer ones.
fn counts_nothing(app: &TestApp) {
    let refusal = "The provided model doesn't support counting tokens.";
    for model in [PRIMARY, BACKUP] {
        let (_, base) = model.split_once('.').unwrap();
        app.bedrock.always(base, validation_error(refusal));
    }
}

/// The operations that Bedrock was asked for, without those that cost nothing.
fn billed(app: &TestApp) -> Vec<String> {
    let asked = app.bedrock.requests().into_iter();
    let operations = asked.map(|request| request.operation);
    operations.filter(|name| name != "count-tokens").collect()
}

/// What is asked may cost more than the budget. Then neither gateway asks Bedrock, and nothing stays held.
async fn is_refused(yaml: &str, budget: f64, body: &Value) -> String {
    let apps = two(yaml).await;
    counts_nothing(&apps[0]);
    let key = key(&apps[0], json!({"max_budget": budget})).await;
    let mut said = String::new();
    for app in &apps {
        let (status, message) = refusal(chat_as(app, &key, body).await).await;
        assert_eq!(status, 422, "{message}");
        assert!(
            message.starts_with("This request may cost up to $"),
            "{message}"
        );
        said = message;
    }
    assert_eq!(billed(&apps[0]), [""; 0]);
    assert_eq!(account(&apps[0], &key).await, Account::default());
    said
}

#[tokio::test]
async fn an_attempt_that_was_billed_is_held_for_beside_the_next_one() {
    let apps = two(CONFIG).await;
    let [app, other] = &apps;
    // Each begins its answer, says nothing more, and is billed for its beginning.
    for model in [PRIMARY, BACKUP, LAST] {
        let silent =
            || Step::reply(ScriptedReply::text("one two three")).fault(2, FaultKind::Silence);
        app.bedrock.script(model, [silent(), silent()]);
    }
    let mut body = chat(json!("x".repeat(1_000)), 2_000);
    body["timeout"] = json!(0.3);
    body["fallbacks"] = json!(["backup", "last", "primary", "backup"]);
    // Some 0.04 for the first, and 0.013 for its first fallback.
    let key = key(app, json!({"max_budget": 0.045})).await;
    let (status, message) = refusal(chat_as(other, &key, &body).await).await;
    assert_eq!(status, 408, "{message}");
    assert!(
        message.contains("Another model was not asked: This request may cost up to $"),
        "{message}"
    );
    let paid = account(other, &key).await;
    assert!(paid.holds.is_empty() && paid.spent == paid.committed);
    assert!(paid.spent <= dollars("0.045"), "{paid:?}");
    let asked = app.bedrock.requests();
    assert!(asked.len() < 4, "{}", asked.len());
}

#[tokio::test]
async fn an_attempt_that_bedrock_refused_costs_nothing_and_its_hold_serves_the_next() {
    let apps = two(CONFIG).await;
    let [app, other] = &apps;
    app.bedrock.always(PRIMARY, Step::unavailable());
    let body = chat(json!("Hello."), 1_196);
    let key = key(app, json!({"max_budget": 0.021})).await;
    let response = chat_as(other, &key, &body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-litellm-model-group"), "backup");
}

#[tokio::test]
async fn a_model_that_the_budget_does_not_pay_for_is_not_replaced_by_a_cheaper_one() {
    // 0.0203 for the first, and a third of that for the next.
    is_refused(CONFIG, 0.012, &chat(json!("Hello."), 1_196)).await;
}

#[tokio::test]
async fn dense_text_is_held_for_at_a_token_a_byte() {
    for text in [
        "0123456789".repeat(3_000),
        "予算は守られる。".repeat(1_250),
        "Zm9vYmFyYmF6".repeat(2_500),
    ] {
        let body = chat(json!(text), 100);
        // 30,000 bytes at 3.3 are 0.1, and at 6.6, which a cache may cost, 0.2.
        is_refused(CONFIG, 0.19, &body).await;
        let [app, _other] = two(CONFIG).await;
        counts_nothing(&app);
        app.bedrock.always(PRIMARY, answered(30_000, 100));
        let key = key(&app, json!({"max_budget": 0.21})).await;
        assert_eq!(chat_as(&app, &key, &body).await.status(), 200);
        assert!(account(&app, &key).await.spent <= dollars("0.21"));
    }
}

#[tokio::test]
async fn a_document_is_held_for_by_its_pages() {
    let pages = "<</Type/Page/Parent 2 0 R>>endobj\n".repeat(100);
    let kids: String = (3..103).map(|n| format!("{n} 0 R ")).collect();
    let pdf = format!("%PDF-1.4\n2 0 obj<</Type/Pages/Count 100/Kids[{kids}]>>endobj\n{pages}");
    let data = <base64::engine::GeneralPurpose as base64::Engine>::encode(
        &base64::engine::general_purpose::STANDARD,
        pdf,
    );
    let file = json!([{"type": "text", "text": "What does it say?"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": format!("data:application/pdf;base64,{data}")}}]);
    // 190,000 tokens have been seen for 100 pages: 0.627.
    is_refused(CONFIG, 0.62, &chat(file, 100)).await;
}

#[tokio::test]
async fn tools_and_texts_among_the_model_s_fields_are_held_for() {
    let long = "x".repeat(30_000);
    for fields in [
        json!({"tools": [{"name": "t", "description": long, "input_schema": {"type": "object"}}]}),
        json!({"anything": {"deep": [long]}}),
    ] {
        let mut body = chat(json!("Hello."), 100);
        body["additional_model_request_fields"] = fields;
        is_refused(CONFIG, 0.19, &body).await;
    }
}

#[tokio::test]
async fn a_changed_fallback_is_held_for_by_what_it_is_sent() {
    let apps = two(CONFIG).await;
    let [app, other] = &apps;
    counts_nothing(app);
    app.bedrock.always(PRIMARY, Step::unavailable());
    let mut body = chat(json!("Hello."), 100);
    let long = json!([{"role": "user", "content": "x".repeat(100_000)}]);
    body["fallbacks"] = json!([{"model": "backup", "messages": long}]);
    let key = key(app, json!({"max_budget": 0.1})).await;
    let (status, message) = refusal(chat_as(other, &key, &body).await).await;
    assert_eq!(status, 503, "{message}");
    assert!(message.contains("Another model was not asked: This request may cost"));
    assert_eq!(billed(app).len(), 1);
    assert_eq!(account(app, &key).await, Account::default());
}

/// A session whose prompt has 120,000 bytes, of which Bedrock counts 20,000 tokens, and its next turn.
fn session() -> (Value, Value) {
    let first = json!({"role": "user", "content": "word ".repeat(24_000)});
    let rest = [
        json!({"role": "assistant", "content": "Hi."}),
        json!({"role": "user", "content": "And then?"}),
    ];
    let mut begin = chat(json!(""), 100);
    begin["messages"] = json!([first]);
    let mut next = begin.clone();
    next["messages"] = json!([first, rest[0], rest[1]]);
    (begin, next)
}

#[tokio::test]
async fn the_next_turn_of_a_session_is_held_for_by_what_bedrock_has_counted_on_every_instance() {
    // A model for which Bedrock counts nothing.
    let yaml = CONFIG.replace(
        "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "bedrock/us.amazon.nova-pro-v1:0",
    );
    let [app, other] = two(&yaml).await;
    app.bedrock.always(LAST, answered(20_000, 20));
    let (begin, next) = session();
    // A judgement by its bytes is 0.096, the count 0.016, and what both turns cost 0.032.
    let key = key(&app, json!({"max_budget": 0.1})).await;
    assert_eq!(chat_as(&app, &key, &begin).await.status(), 200);
    app.settle().await;
    for app in [&app, &other] {
        let response = chat_as(app, &key, &next).await;
        let status = response.status();
        assert_eq!(status, 200, "{}", response.text().await.unwrap());
        app.settle().await;
    }
    let (status, message) = refusal(chat_as(&other, &key, &begin_anew(&begin)).await).await;
    assert_eq!(
        status, 422,
        "another prompt is judged by its bytes: {message}"
    );
}

/// The same length, another text.
fn begin_anew(begin: &Value) -> Value {
    let mut body = begin.clone();
    body["messages"][0]["content"] = json!("term ".repeat(24_000));
    body
}

#[tokio::test]
async fn what_does_not_fit_by_its_bytes_is_counted_by_bedrock() {
    let [app, other] = two(CONFIG).await;
    app.bedrock.always(PRIMARY, answered(30_000, 20));
    let (begin, _) = session();
    // By its bytes 0.8, by the count 0.2.
    let key = key(&app, json!({"max_budget": 0.4})).await;
    let response = chat_as(&other, &key, &begin).await;
    let status = response.status();
    assert_eq!(status, 200, "{}", response.text().await.unwrap());
    let asked = app.bedrock.requests();
    let paths: Vec<_> = asked
        .iter()
        .map(|request| request.operation.as_str())
        .collect();
    assert_eq!(paths, ["count-tokens", "converse-stream"]);
}

#[tokio::test]
async fn a_refusal_names_the_length_of_answer_that_fits() {
    let body = chat(json!("Hello."), 16_000);
    let said = is_refused(CONFIG, 0.1, &body).await;
    let (_, most) = said.split_once("send max_tokens ≤ ").unwrap();
    let most: u32 = most.trim_end_matches('.').parse().unwrap();
    let [app, _other] = two(CONFIG).await;
    counts_nothing(&app);
    for (length, status) in [(most, 200), (most + 1, 422)] {
        let key = key(&app, json!({"max_budget": 0.1})).await;
        let response = chat_as(&app, &key, &chat(json!("Hello."), length)).await;
        assert_eq!(response.status(), status);
    }
    let long = chat(json!("x".repeat(100_000)), 16);
    let said = is_refused(CONFIG, 0.01, &long).await;
    assert!(said.contains("its prompt alone may cost $0.66"), "{said}");
}

#[tokio::test]
async fn two_gateways_spend_no_more_than_the_budget_whatever_falls_back() {
    let apps = two(CONFIG).await;
    let app = &apps[0];
    // Half of the answers break off after they have begun.
    let cut = || Step::reply(ScriptedReply::text("one two three")).cut_after(2);
    app.bedrock.always(PRIMARY, cut());
    app.bedrock.always(BACKUP, answered(900, 500));
    let body = chat(json!("x".repeat(1_000)), 500);
    let key = key(app, json!({"max_budget": 0.2})).await;
    let requests = (0..60).map(|n| chat_as(&apps[n % 2], &key, &body));
    let answers = futures_util::future::join_all(requests).await;
    let paid = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    assert!(paid > 5, "{paid}");
    apps[1].settle().await;
    let account = account(app, &key).await;
    assert!(account.holds.is_empty(), "{account:?}");
    assert_eq!(account.spent, account.committed);
    assert!(account.spent <= dollars("0.2"), "{account:?}");
}
