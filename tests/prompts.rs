//! Prompts and replies are stored where somebody asked for it, and nowhere else.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::{Table, TableOptions, keys};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::keys::{chat_with, key};
use crate::support::{BACKUP, LAST, PRIMARY, TestApp, header, hello, offline_sdk};

const STORING: &str = "general_settings: {store_prompts_in_spend_logs: true}\n";

async fn detail(app: &TestApp, id: &str) -> Value {
    app.settle().await;
    let path = format!("/spend/logs/ui/{id}");
    let response = app.get(&path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn message(detail: &Value) -> &Value {
    &detail["response"]["choices"][0]["message"]
}

#[tokio::test]
async fn nothing_is_stored_unless_somebody_asks() {
    let app = TestApp::new().await;
    let reply = app.chat_json(&hello("primary")).await;
    let detail = detail(&app, reply["id"].as_str().unwrap()).await;
    assert_eq!(detail["request_id"], reply["id"]);
    assert_eq!(detail["content_stored"], false);
    for field in ["messages", "response", "proxy_server_request"] {
        assert!(detail[field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn the_request_is_stored_as_it_was_sent_and_the_reply_as_it_was_told() {
    let app = TestApp::builder().settings(STORING).start().await;
    let tool =
        json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let mut body = hello("primary");
    body["tools"] = json!([tool]);
    body["temperature"] = json!(0.3);
    body["api_key"] = json!("sk-secret-of-the-client");
    let step = Step::reply(
        ScriptedReply::text("Let me look.").with_tool("look", &json!({"at": "the sea"})),
    );
    app.bedrock.always(PRIMARY, step);
    for stream in [false, true] {
        body["stream"] = json!(stream);
        let response = app.chat(&body).await;
        let id = header(&response, "x-sidecar-request-id").to_owned();
        response.text().await.unwrap();
        let detail = detail(&app, &id).await;
        let mut sent = body.clone();
        sent.as_object_mut().unwrap().remove("api_key");
        assert_eq!(detail["proxy_server_request"], sent);
        assert_eq!(detail["messages"], sent["messages"]);
        assert_eq!(message(&detail)["content"], "Let me look.");
        let call = &message(&detail)["tool_calls"][0]["function"];
        assert_eq!(call["name"], "look");
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({"at": "the sea"}));
        assert_eq!(
            detail["response"]["choices"][0]["finish_reason"],
            "tool_calls"
        );
        assert_eq!(detail["response"]["id"], *id);
        assert!(!detail.to_string().contains("sk-"), "{detail}");
    }
}

#[tokio::test]
async fn a_cut_stream_is_stored_as_far_as_it_came() {
    let app = TestApp::builder().settings(STORING).start().await;
    let cut = Step::reply(ScriptedReply::text("one two three four five six")).cut_after(4);
    app.bedrock.script(PRIMARY, [cut]);
    app.bedrock.always(BACKUP, Step::unavailable());
    app.bedrock.always(LAST, Step::unavailable());
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let response = app.chat(&body).await;
    let id = header(&response, "x-sidecar-request-id").to_owned();
    response.text().await.unwrap();
    let detail = detail(&app, &id).await;
    assert_eq!(detail["status"], "failure");
    let text = message(&detail)["content"].as_str().unwrap();
    assert!(
        !text.is_empty() && "one two three four five six".starts_with(text),
        "{text}"
    );
    assert!(text.len() < "one two three four five six".len());
    assert!(detail["response"]["choices"][0]["finish_reason"].is_null());
}

#[tokio::test]
async fn a_whole_answer_is_stored_without_the_attempt_that_was_thrown_away() {
    let app = TestApp::builder().settings(STORING).start().await;
    let cut = Step::reply(ScriptedReply::text("thrown away")).cut_after(3);
    app.bedrock.script(PRIMARY, [cut]);
    app.bedrock.script(BACKUP, [Step::text("The answer.")]);
    let reply = app.chat_json(&hello("primary")).await;
    let detail = detail(&app, reply["id"].as_str().unwrap()).await;
    assert_eq!(message(&detail)["content"], "The answer.");
    assert_eq!(detail["response"]["model"], "backup");
}

#[tokio::test]
async fn a_refused_request_and_a_failed_one_show_what_was_asked() {
    let app = TestApp::builder().settings(STORING).start().await;
    app.bedrock.always("*", Step::unavailable());
    for model in ["no-such-model", "primary"] {
        let response = app.chat(&hello(model)).await;
        let id = header(&response, "x-sidecar-request-id").to_owned();
        let detail = detail(&app, &id).await;
        assert_eq!(detail["proxy_server_request"], hello(model));
        assert!(detail["response"].is_null());
    }
}

#[tokio::test]
async fn a_client_may_forbid_it_and_ask_for_it() {
    for (settings, name, stored) in [
        (STORING, "x-litellm-enable-message-redaction", false),
        ("", "x-litellm-disable-message-redaction", true),
        ("", "litellm-disable-message-redaction", true),
        (STORING, "x-unrelated", true),
        ("", "x-unrelated", false),
    ] {
        let app = TestApp::builder().settings(settings).start().await;
        let request = app.post("/v1/chat/completions", &hello("primary"));
        let response = request.header(name, "true").send().await.unwrap();
        let id = header(&response, "x-sidecar-request-id").to_owned();
        let detail = detail(&app, &id).await;
        assert_eq!(detail["content_stored"], stored, "{settings} {name}");
    }
}

#[tokio::test]
async fn a_prompt_of_several_items_comes_back_and_is_read_by_no_list() {
    let app = TestApp::builder().settings(STORING).start().await;
    // Noise, so that it does not become small: several items.
    let noise: String = (0..700_000u32)
        .map(|_| char::from(fastrand::u8(b'!'..=b'~')))
        .filter(|c| *c != '"' && *c != '\\')
        .collect();
    let mut body = hello("primary");
    body["messages"][0]["content"] = json!(noise);
    app.bedrock.script(PRIMARY, [Step::text("Much.")]);
    let reply = app.chat_json(&body).await;
    let detail = detail(&app, reply["id"].as_str().unwrap()).await;
    assert_eq!(detail["messages"], body["messages"]);
    let listed = app.get("/spend/logs/v2").send().await.unwrap();
    assert!(listed.text().await.unwrap().len() < 5000);
}

#[tokio::test]
async fn a_prompt_whose_time_has_passed_is_gone_and_its_record_is_not() {
    let settings = "general_settings: {store_prompts_in_spend_logs: true, maximum_spend_logs_content_retention_period: 0d}\n";
    let app = TestApp::builder().settings(settings).start().await;
    let reply = app.chat_json(&hello("primary")).await;
    let detail = detail(&app, reply["id"].as_str().unwrap()).await;
    assert_eq!(detail["content_stored"], false);
}

#[tokio::test]
async fn a_key_decides_for_its_requests_unless_the_client_forbids_it() {
    let app = TestApp::builder().settings(STORING).start().await;
    for (of_key, name, stored) in [
        (true, "x-unrelated", true),
        (true, "x-litellm-enable-message-redaction", false),
        (false, "x-unrelated", false),
        (false, "x-litellm-disable-message-redaction", false),
    ] {
        let key = key(&app, json!({"store_prompts_in_spend_logs": of_key})).await;
        let request = chat_with(&app, &key, &hello("primary")).header(name, "true");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let id = header(&response, "x-sidecar-request-id").to_owned();
        let detail = detail(&app, &id).await;
        assert_eq!(detail["content_stored"], stored, "{of_key} {name}");
    }
}

/// How many days the stored prompt of this request is kept.
async fn kept_for(app: &TestApp, id: &str) -> i64 {
    #[derive(Deserialize)]
    struct Expiry {
        ttl: i64,
    }
    app.settle().await;
    let options = TableOptions {
        name: "test".to_owned(),
        endpoint: Some(app.table_url().to_owned()),
        region: None,
    };
    let table = Table::connect(&offline_sdk(), &options);
    let expiry: Expiry = table.get(&keys::content(id, 0)).await.unwrap().unwrap();
    let left = expiry.ttl - Timestamp::now().as_second();
    (left + 12 * 3600) / (24 * 3600)
}

#[tokio::test]
async fn a_key_says_how_long_its_prompts_are_kept_but_not_longer_than_their_records() {
    for (general, of_key, days) in [
        ("", Value::Null, 14),
        ("", json!("3d"), 3),
        ("", json!("8w"), 56),
        (
            ", maximum_spend_logs_retention_period: 30d",
            json!("8w"),
            30,
        ),
        (
            ", maximum_spend_logs_content_retention_period: 5d",
            json!("2d"),
            2,
        ),
    ] {
        let settings =
            format!("general_settings: {{store_prompts_in_spend_logs: true{general}}}\n");
        let app = TestApp::builder().settings(&settings).start().await;
        let field = "maximum_spend_logs_content_retention_period";
        let key = key(&app, json!({ field: of_key })).await;
        let info = app.get_json(&format!("/key/info?key={key}")).await;
        assert_eq!(info["info"][field], of_key, "{info}");
        let reply = chat_with(&app, &key, &hello("primary"))
            .send()
            .await
            .unwrap();
        let id = header(&reply, "x-sidecar-request-id").to_owned();
        reply.bytes().await.unwrap();
        assert_eq!(kept_for(&app, &id).await, days, "{general} {of_key}");
    }
}
