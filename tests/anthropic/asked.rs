//! What Bedrock is asked when a message is.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{DROPPED, LAST, PRIMARY, TestApp, header, validation_error};

/// The request that Bedrock got for this body.
async fn sent(app: &TestApp, body: &Value) -> Value {
    app.message(body).await;
    let seen = app.bedrock.requests_for(PRIMARY).pop().unwrap();
    assert_eq!(seen.status, 200, "{}", seen.refusal);
    seen.body
}

#[tokio::test]
async fn blocks_of_all_kinds_arrive() {
    let app = TestApp::on_converse().await;
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}});
    let mut body = ask("");
    body["system"] = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=1;"},
        {"type": "text", "text": "You are an agent."}]);
    body["tools"] = json!([{"name": "look", "description": "Looks.", "input_schema": {"type": "object"},
        "eager_input_streaming": true}, {"type": "web_search_20250305", "name": "web_search"}]);
    body["tool_choice"] = json!({"type": "any", "disable_parallel_tool_use": true});
    body["messages"] = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "Look at these."}, image,
            {"type": "document", "title": "notes.txt", "context": "From my desk.",
                "source": {"type": "text", "media_type": "text/plain", "data": "a note"}},
            {"type": "search_result", "title": "T", "source": "https://a", "content": [{"type": "text", "text": "found"}]}]},
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "title": "t"}]},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}},
            {"type": "tool_use", "id": "t2", "name": "look", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no such place"},
            {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "seen"}, image]}]}]);
    let sent = sent(&app, &body).await;
    assert_eq!(sent["system"], json!([{"text": "You are an agent."}]));
    let tools = sent["toolConfig"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 1);
    assert_eq!(sent["toolConfig"]["toolChoice"], json!({"any": {}}));
    let first = &sent["messages"][0]["content"];
    assert_eq!(first[0]["text"], "Look at these.");
    assert_eq!(first[1]["image"]["format"], "png");
    assert_eq!(first[2]["text"], "From my desk.");
    assert_eq!(first[3]["document"]["name"], "notes");
    assert_eq!(first[4]["text"], "[search result: T https://a]\nfound");
    let calls = &sent["messages"][1]["content"];
    assert_eq!(calls[2]["toolUse"]["input"], json!({"at": 1}));
    let results = &sent["messages"][2]["content"];
    assert_eq!(results[0]["toolResult"]["status"], "error");
    assert_eq!(
        results[0]["toolResult"]["content"][0]["text"],
        "no such place"
    );
    assert_eq!(
        results[1]["toolResult"]["content"][1]["image"]["format"],
        "png"
    );
}

#[tokio::test]
async fn marks_of_the_client_and_of_the_planner_are_four_at_most() {
    let app = TestApp::on_converse().await;
    let long = "You are an agent. ".repeat(500);
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let mut body = ask("");
    body["system"] = json!([
        {"type": "text", "text": "a", "cache_control": mark},
        {"type": "text", "text": long, "cache_control": mark}]);
    body["tools"] =
        json!([{"name": "look", "input_schema": {"type": "object"}, "cache_control": mark}]);
    body["messages"] = json!([
        {"role": "user", "content": [{"type": "text", "text": "q", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}, "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "text", "text": "seen", "cache_control": {"type": "ephemeral"}}]}]}]);
    let sent = sent(&app, &body).await;
    assert_eq!(sent.to_string().matches("cachePoint").count(), 4);
    let last = sent["messages"][2]["content"].as_array().unwrap();
    assert!(
        last[1].get("cachePoint").is_some(),
        "behind the result: {last:?}"
    );
    assert_eq!(sent["system"][2]["cachePoint"]["ttl"], "1h");
}

#[tokio::test]
async fn betas_and_edits_of_the_context_go_on_as_far_as_bedrock_has_them() {
    let app = TestApp::on_converse().await;
    let mut body = ask("hello");
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    body["output_config"] = json!({"effort": "high"});
    body["context_management"] = json!({"edits": [
        {"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]});
    body["stream"] = json!(false);
    let request = app
        .as_anthropic("/v1/messages?beta=true", &body)
        .header(
            "anthropic-beta",
            "claude-code-20250219,interleaved-thinking-2025-05-14",
        )
        .header("anthropic-beta", "prompt-caching-scope-2026-01-05");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let seen = app.bedrock.requests_for(PRIMARY).pop().unwrap();
    let fields = &seen.body["additionalModelRequestFields"];
    assert_eq!(
        fields["anthropic_beta"],
        json!([
            "interleaved-thinking-2025-05-14",
            "context-management-2025-06-27"
        ])
    );
    assert_eq!(
        fields["context_management"],
        json!({"edits": [{"type": "clear_tool_uses_20250919"}]})
    );
    assert_eq!(fields["thinking"]["budget_tokens"], 2000);

    body["context_management"] =
        json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]});
    let quiet = sent(&app, &body).await;
    assert_eq!(
        quiet["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 2000}})
    );
}

#[tokio::test]
async fn an_answer_by_schema_is_json_in_text() {
    let app = TestApp::on_converse().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
        "additionalProperties": false});
    for field in ["output_config", "output_format"] {
        let mut body = ask("how many?");
        let format = json!({"type": "json_schema", "schema": schema});
        body[field] = if field == "output_config" {
            json!({"format": format})
        } else {
            format
        };
        let message = app.message(&body).await;
        let text = message["content"][0]["text"].as_str().unwrap();
        let answer: Value = serde_json::from_str(text).unwrap();
        assert!(answer["n"].is_i64(), "{text}");
    }
}

#[tokio::test]
async fn tools_that_anthropic_defines_are_claude_s_own_and_their_calls_come_back_by_name() {
    let app = TestApp::on_converse().await;
    let call = ScriptedReply::tool("bash", &json!({"command": "ls"}));
    app.bedrock.script(PRIMARY, [Step::reply(call)]);
    let screen = json!({"type": "computer_20250124", "name": "computer", "display_width_px": 1024,
        "display_height_px": 768, "cache_control": {"type": "ephemeral"}});
    let bash = json!({"type": "bash_20250124", "name": "bash"});
    let mut body = ask("what is there?");
    body["tools"] = json!([screen, bash]);
    let message = app.message_events(&body).await.message();
    let called = &message["content"][0];
    assert_eq!(
        (&called["name"], &called["input"]),
        (&json!("bash"), &json!({"command": "ls"}))
    );
    let first = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    let fields = &first["additionalModelRequestFields"];
    let betas = [
        "computer-use-2025-01-24",
        "fine-grained-tool-streaming-2025-05-14",
    ];
    assert_eq!(fields["anthropic_beta"], json!(betas));
    let screen = json!({"type": "computer_20250124", "name": "computer", "display_width_px": 1024,
        "display_height_px": 768});
    assert_eq!(fields["tools"], json!([screen, bash]));

    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": message["content"]}));
    let result = json!({"type": "tool_result", "tool_use_id": called["id"], "content": "a.txt"});
    messages.push(json!({"role": "user", "content": [result]}));
    app.message(&body).await;
    let second = app.bedrock.requests_for(PRIMARY).pop().unwrap();
    assert_eq!(second.status, 200, "{}", second.refusal);
    let replayed = &second.body["messages"][1]["content"][0]["toolUse"];
    assert_eq!(replayed["name"], "bash");

    let mut forbidden = body.clone();
    forbidden["tool_choice"] = json!({"type": "none"});
    app.message(&forbidden).await;
    let quiet = app.bedrock.requests_for(PRIMARY).pop().unwrap();
    assert_eq!(quiet.status, 200, "{}", quiet.refusal);
    assert!(quiet.body.get("additionalModelRequestFields").is_none());

    // Another family knows none of this.
    body["model"] = json!("last");
    app.message(&body).await;
    let other = app.bedrock.requests_for(LAST).pop().unwrap().body;
    assert!(
        other["additionalModelRequestFields"].get("tools").is_none(),
        "{other}"
    );

    for choice in [
        json!({"type": "any"}),
        json!({"type": "tool", "name": "bash"}),
    ] {
        body["model"] = json!("primary");
        body["tool_choice"] = choice;
        let response = app
            .as_anthropic("/v1/messages", &body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        // Converse can force its own tools alone.
        assert_eq!(header(&response, DROPPED), "tool_choice");
    }
}

#[tokio::test]
async fn a_tool_stays_where_its_beta_is_refused() {
    let app = TestApp::on_converse().await;
    let refused = validation_error("invalid beta flag");
    app.bedrock.script(PRIMARY, [refused]);
    let mut body = ask("what is there?");
    let bash = json!({"type": "bash_20250124", "name": "bash"});
    body["tools"] = json!([bash]);
    app.message(&body).await;
    let last = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    assert_eq!(
        last["additionalModelRequestFields"],
        json!({"tools": [bash]})
    );
}
