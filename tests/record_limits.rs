//! Every billed request leaves a record, whatever its client puts in it.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::spend::Record;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::{Gateway, replay};
use crate::support::table_proxy::{Fault, behind_a_network};
use crate::support::{CONFIG, KEY, PRIMARY, TestApp, header, hello, simulated, tokens, trail_of};

const METADATA: &str = "x-litellm-spend-logs-metadata";

/// Answers of 1,000 tokens to 1,000, which cost 0.0198 dollars of the first model.
fn reply() -> Step {
    Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 1000)))
}

/// What DynamoDB does not hold as an attribute: numbers beyond its own, names that are empty, too many levels.
fn hostile() -> Vec<String> {
    let deep = |open: &str, close: &str, levels| {
        let (open, close) = (open.repeat(levels), close.repeat(levels));
        format!("{{\"a\": {open}1{close}}}")
    };
    let mut hostile = vec![deep("[", "]", 40), deep("{\"a\":", "}", 60)];
    let numbers = [
        "1e300",
        "-1e300",
        "1e126",
        "1e-200",
        "5e-324",
        "18446744073709551615",
        "123456789012345678901234567890123456789012345678901234567890",
        "0.1234567890123456789012345678901234567890123456789",
    ];
    hostile.extend(numbers.map(|number| format!(r#"{{"a": {number}}}"#)));
    let texts = [
        r#"{"": 1}"#,
        r#"{"a": {"": {"": []}}}"#,
        r#"{"a": "\u0000\ud83d\ude00\n"}"#,
        r#"{"pk": "x", "sk": "y", "ttl": 1, "by_key": "z", "movement": {"rows": []}}"#,
        r#"{"N": "1", "S": "x", "M": {}, "NULL": true}"#,
    ];
    hostile.extend(texts.map(str::to_owned));
    hostile
}

/// Numbers with more digits than a float has come back as one.
fn assert_same(kept: &Value, given: &Value) {
    match (kept["a"].as_f64(), given["a"].as_f64()) {
        (Some(kept), Some(given)) => assert!((kept / given - 1.0).abs() < 1e-12, "{given}"),
        _ => assert_eq!(kept, given),
    }
}

/// The record of an answer that cost 0.0198 dollars.
async fn billed(app: &TestApp, id: &str, case: &str) -> Value {
    let record = app.record(id).await;
    assert_eq!(record["spend"].to_string(), "0.0198", "{case}");
    record
}

#[tokio::test]
async fn whatever_a_client_s_metadata_holds_its_request_has_a_record() {
    let app = TestApp::new().await;
    app.bedrock.always(PRIMARY, reply());
    for json in hostile() {
        let given: Value = serde_json::from_str(&json).unwrap();
        let request = app.post("/v1/chat/completions", &hello("primary"));
        let response = request.header(METADATA, json.as_bytes()).send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), 200, "{json}");
        let id = header(&response, "x-sidecar-request-id");
        let record = billed(&app, id, &json).await;
        assert_same(&record["metadata"]["spend_logs_metadata"], &given);

        let mut body = hello("primary");
        body["metadata"] = json!({"spend_logs_metadata": given});
        let reply = app.chat_json(&body).await;
        let record = billed(&app, reply["id"].as_str().unwrap(), &json).await;
        assert_same(&record["metadata"]["spend_logs_metadata"], &given);
    }
}

#[tokio::test]
async fn whatever_a_client_s_labels_say_its_request_has_a_record() {
    let app = TestApp::new().await;
    app.bedrock.always(PRIMARY, reply());
    for text in [
        "",
        "\u{0}",
        "#",
        "é".repeat(5_000).as_str(),
        "\u{1f600}\u{7f}\n\r\t",
    ] {
        let mut body = hello("primary");
        body["user"] = json!(text);
        body["litellm_session_id"] = json!(text);
        body["metadata"] = json!({
            "tags": vec![text; 500], "session_id": text, "trace_id": text, "user_id": text,
        });
        let short: String = text.chars().take(100).collect();
        body["metadata"]["spend_logs_metadata"] = json!({"a": {}, "b": short});
        body["metadata"]["spend_logs_metadata"][&short] = json!(short);
        let reply = app.chat_json(&body).await;
        billed(&app, reply["id"].as_str().unwrap(), text).await;
    }
    // What is cut says so.
    let mut body = hello("primary");
    body["user"] = json!("é".repeat(150));
    let reply = app.chat_json(&body).await;
    let record = billed(&app, reply["id"].as_str().unwrap(), "cut").await;
    let user = record["end_user"].as_str().unwrap();
    assert!(user.starts_with("éé") && user.ends_with("..."), "{user}");
}

#[tokio::test]
async fn a_record_of_many_attempts_lists_fifty_and_counts_all() {
    let app = TestApp::new().await;
    // Each is billed: its answer has begun.
    let cut = reply().cut_after(1);
    app.bedrock.script(PRIMARY, vec![cut; 70]);
    app.bedrock.always(PRIMARY, reply());
    let mut body = hello("primary");
    body["num_retries"] = json!(100);
    body["disable_fallbacks"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-litellm-attempted-retries"), "70");
    let trail = trail_of(&response);
    assert!(trail.ends_with("primary:ok"), "{trail}");
    let reply: Value = response.json().await.unwrap();
    let record = app.record(reply["id"].as_str().unwrap()).await;
    let metadata = &record["metadata"];
    assert_eq!(metadata["attempted_retries"], 70);
    let listed = metadata["attempts"].as_array().unwrap();
    assert_eq!(listed.len(), 50);
    assert_eq!(listed[49]["outcome"], "ok");
    let unlisted = &metadata["unlisted_attempts"];
    assert_eq!(unlisted["attempts"], 21);

    // The sum over all: 70 that were judged by their prompt, and the last one.
    let each = &listed[0];
    let tokens =
        each["usage"]["input"].as_u64().unwrap() + each["usage"]["output"].as_u64().unwrap();
    assert_eq!(record["total_tokens"], 70 * tokens + 2000);
    let price = each["cost"]["total"].to_string();
    let price: Decimal = price
        .parse()
        .or_else(|_| Decimal::from_scientific(&price))
        .unwrap();
    let all = price * Decimal::from(70) + Decimal::new(198, 4);
    assert_eq!(record["spend"].to_string(), all.normalize().to_string());
}

#[tokio::test]
async fn a_long_trail_fits_into_a_header() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, vec![Step::unavailable(); 400]);
    app.bedrock.always(PRIMARY, reply());
    let mut body = hello("primary");
    body["num_retries"] = json!(1000);
    body["disable_fallbacks"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 200);
    let trail = header(&response, "x-sidecar-trail");
    assert!(trail.len() <= 4096, "{}", trail.len());
    assert!(trail.contains(" more ..., primary:ok "), "{trail}");
    assert_eq!(header(&response, "x-litellm-attempted-retries"), "400");
}

#[tokio::test]
async fn a_request_names_twenty_fallbacks_in_all_at_most() {
    let app = TestApp::new().await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    let names = |count: usize| vec!["last"; count];
    let changed = json!({"model": "last", "temperature": 0.5});
    for (fallbacks, status) in [
        (json!(names(20)), 200),
        (json!(names(21)), 400),
        (json!([{"primary": names(20)}]), 200),
        (json!([{"*": names(21)}]), 400),
        (json!([{"*": names(2_500)}]), 400),
        (json!([{"*": names(10)}, {"primary": names(10)}]), 200),
        (
            json!([{"*": names(10), "backup": names(5)}, {"primary": names(6)}]),
            400,
        ),
        (json!(vec![changed.clone(); 20]), 200),
        (json!(vec![changed.clone(); 21]), 400),
        (json!([{"model": "last", "fallbacks": names(20)}]), 400),
        (
            json!([{"model": "last", "fallbacks": [{"*": names(20)}]}]),
            400,
        ),
    ] {
        let mut body = hello("primary");
        body["fallbacks"] = fallbacks;
        let response = app.chat(&body).await;
        assert_eq!(response.status(), status, "{}", body["fallbacks"]);
        if status == 400 {
            let error: Value = response.json().await.unwrap();
            assert_eq!(error["error"]["param"], "fallbacks");
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains("20 models at most"), "{message}");
        }
    }
}

#[tokio::test]
async fn names_that_only_a_pattern_serves_are_bounded() {
    let yaml = r#"
model_list:
  - {model_name: "bedrock/*", litellm_params: {model: bedrock/*}}
  - {model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let name = |length| format!("bedrock/us.amazon.{}", "n".repeat(length));
    for (length, status, message) in [
        (400, 400, "The provided model identifier is invalid."),
        (600, 404, "Invalid model name"),
        (3_000_000, 404, "Invalid model name"),
    ] {
        let response = app.chat(&hello(&name(length))).await;
        assert_eq!(response.status(), status);
        let id = header(&response, "x-sidecar-request-id").to_owned();
        let error: Value = response.json().await.unwrap();
        let said = error["error"]["message"].as_str().unwrap();
        assert!(
            said.contains(message) && said.len() < 2_000,
            "{}",
            said.len()
        );
        app.record(&id).await;
    }
}

#[tokio::test]
async fn a_record_that_the_table_takes_for_invalid_is_written_without_its_free_parts() {
    let (app, proxy) = behind_a_network().await;
    app.bedrock.always(PRIMARY, reply());
    let mut body = hello("primary");
    body["user"] = json!("maria");
    // An end user who is new today has an item of its own, which is written before.
    app.chat_json(&body).await;
    app.settle().await;
    for refusal in [Fault::InvalidItem, Fault::InvalidCall] {
        proxy.script([refusal]);
        body["metadata"] = json!({"tags": ["red"], "spend_logs_metadata": {"a": 1}});
        let reply = app.chat_json(&body).await;
        let record = billed(&app, reply["id"].as_str().unwrap(), "reduced").await;
        assert_eq!(record["metadata"]["reduced"], true);
        assert_eq!(record["total_tokens"], 2000);
        assert_eq!(record["model"], PRIMARY);
        assert_eq!(record["end_user"], "");
        assert_eq!(record["metadata"]["spend_logs_metadata"], Value::Null);
    }
    // What it adds to the totals was fixed before.
    let tags: Value = app
        .get("/spend/tags")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(tags.to_string().contains("red"), "{tags}");
    assert!(tags.to_string().contains("0.0396"), "{tags}");
}

#[tokio::test]
async fn a_record_that_is_refused_as_invalid_is_replayed_without_its_free_parts() {
    let (bedrock, books) = (simulated().await, Books::new().await);
    bedrock.always(PRIMARY, reply());
    let variables = books.variables(&bedrock);
    let gateway = Gateway::start(CONFIG, &variables).await;
    books.proxy.always(Some(Fault::Denied));
    let request = reqwest::Client::new()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .bearer_auth(KEY)
        .json(&hello("primary"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    gateway.says("spend_unrecorded").await;
    books.proxy.always(None);
    books.proxy.script([Fault::InvalidItem]);
    let replayed = replay(CONFIG, &variables, &[], &[gateway.log_file()]).await;
    assert!(replayed.ok, "{}", replayed.text);
    let contents = books.contents().await;
    let [record] = contents.records.as_slice() else {
        panic!("one record: {contents:?}");
    };
    assert!(record.reduced);
    assert_eq!(record.spend_known().to_string(), "0.0198");
    assert_eq!(contents.totals.requests, 1);
}

#[tokio::test]
async fn a_record_of_version_0_1_keeps_its_metadata() {
    let app = TestApp::new().await;
    let reply = app.chat_json(&hello("last")).await;
    let id = reply["id"].as_str().unwrap();
    app.record(id).await;
    let record = app.state.ledger.get(&id.parse().unwrap()).await.unwrap();
    let json = serde_json::to_string(&record).unwrap();
    // The object itself, where it is text today.
    let metadata = json!({"project": "x", "n": 1.5});
    let old = json.replacen('{', &format!(r#"{{"spend_logs_metadata":{metadata},"#), 1);
    let read: Record = serde_json::from_str(&old).unwrap();
    assert_eq!(read.spend_logs_metadata.map(Value::Object), Some(metadata));
}
