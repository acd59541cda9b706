//! A chat through the gateway: what goes up, what comes down.

use bedrock_sidecar::simulator::{Block, ScriptedReply, Step, Tokens};
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp, header, hello, trail_of};

fn weather() -> Value {
    json!([{"type": "function", "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }}])
}

#[tokio::test]
async fn a_reply_has_openai_s_shape_and_names_who_answered() {
    let app = TestApp::new().await;
    let usage = Tokens {
        input: 11,
        output: 7,
        cache_read: 1000,
        cache_write_5m: 200,
        cache_write_1h: 0,
    };
    app.bedrock.script(
        PRIMARY,
        [Step::reply(
            ScriptedReply::text("Hello there.").with_usage(usage),
        )],
    );
    let response = app.chat(&hello("primary")).await;
    assert_eq!(header(&response, "x-litellm-model-group"), "primary");
    assert_eq!(header(&response, "x-litellm-model-region"), "us-east-1");
    assert_eq!(header(&response, "x-litellm-attempted-fallbacks"), "0");
    assert_eq!(trail_of(&response), "primary:ok");
    let trail = header(&response, "x-sidecar-trail");
    assert!(trail.ends_with(" 12B"), "the whole answer: {trail}");
    // (11 × 3.3 + 7 × 16.5 + 1000 × 0.33 + 200 × 4.125) / 1,000,000
    assert_eq!(header(&response, "x-litellm-response-cost"), "0.0013068");
    let reply: Value = response.json().await.unwrap();
    assert!(reply["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(reply["object"], "chat.completion");
    assert_eq!(reply["model"], "primary");
    assert_eq!(
        reply["choices"],
        json!([{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello there."}}])
    );
    let usage = &reply["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(1211), &json!(7))
    );
    assert_eq!(usage["total_tokens"], 1218);
    assert_eq!(
        usage["prompt_tokens_details"],
        json!({"cached_tokens": 1000, "cache_write_tokens": 200,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 0}})
    );
    assert_eq!(
        (
            &usage["cache_read_input_tokens"],
            &usage["cache_creation_input_tokens"]
        ),
        (&json!(1000), &json!(200))
    );
    assert_eq!(usage["cost"].to_string(), "0.0013068");
}

#[tokio::test]
async fn every_form_of_the_route_answers() {
    let app = TestApp::new().await;
    let without_model = json!({"messages": [{"role": "user", "content": "hello"}]});
    for path in ["/chat/completions", "/v1/chat/completions"] {
        assert_eq!(
            app.post(path, &hello("primary"))
                .send()
                .await
                .unwrap()
                .status(),
            200,
            "{path}"
        );
    }
    for path in [
        "/engines/primary/chat/completions",
        "/v1/engines/primary/chat/completions",
        "/openai/deployments/primary/chat/completions",
    ] {
        assert_eq!(
            app.post(path, &without_model)
                .send()
                .await
                .unwrap()
                .status(),
            200,
            "{path}"
        );
    }
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 5);
}

#[tokio::test]
async fn a_conversation_with_tools_and_a_picture_arrives_as_bedrock_wants_it() {
    let app = TestApp::new().await;
    let body = json!({
        "model": "primary",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Metric units."}]},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this, and how warm is Paris?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "index": 0,
                 "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "21 °C"},
            {"role": "user", "content": "Thanks."},
        ],
        "tools": weather(),
        "max_tokens": 300,
        "temperature": 0.5,
        "stop": "END",
    });
    app.chat_json(&body).await;
    let sent = &app.bedrock.requests()[0].body;
    assert_eq!(
        sent["system"],
        json!([{"text": "Be brief."}, {"text": "Metric units."}])
    );
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": [
                {"text": "What is this, and how warm is Paris?"},
                {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
                // A picture is long enough to be cached.
                {"cachePoint": {"type": "default"}},
            ]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "call_1", "name": "get_weather", "input": {"city": "Paris"}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"text": "21 °C"}]}},
                {"text": "Thanks."},
                {"cachePoint": {"type": "default"}},
            ]},
        ])
    );
    assert_eq!(
        sent["inferenceConfig"],
        json!({"maxTokens": 300, "temperature": 0.5, "stopSequences": ["END"]})
    );
    let tool = &sent["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!(
        tool["inputSchema"]["json"],
        weather()[0]["function"]["parameters"]
    );
}

#[tokio::test]
async fn tool_calls_come_back_with_json_arguments_and_null_content() {
    let app = TestApp::new().await;
    let reply = ScriptedReply {
        blocks: vec![
            Block::ToolUse {
                id: Some("tooluse1a".into()),
                name: "get_weather".into(),
                input: r#"{"city":"Paris"}"#.into(),
            },
            Block::ToolUse {
                id: Some("tooluse1b".into()),
                name: "get_weather".into(),
                input: String::new(),
            },
        ],
        ..ScriptedReply::default()
    };
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let mut body = hello("primary");
    body["tools"] = weather();
    let reply = app.chat_json(&body).await;
    let choice = &reply["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert!(choice["message"]["content"].is_null());
    assert_eq!(
        choice["message"]["tool_calls"],
        json!([
            {"id": "tooluse1a", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}},
            {"id": "tooluse1b", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
        ])
    );
}

#[tokio::test]
async fn a_tool_name_that_bedrock_refuses_comes_back_as_the_client_knew_it() {
    let app = TestApp::new().await;
    let name = format!("mcp.server/{}", "x".repeat(80));
    let mut body = hello("primary");
    body["tools"] =
        json!([{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}]);
    body["tool_choice"] = json!({"type": "function", "function": {"name": name}});
    let reply = app.chat_json(&body).await;
    assert_eq!(
        reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
        name
    );
    let sent = app.bedrock.requests()[0].body["toolConfig"]["tools"][0]["toolSpec"]["name"].clone();
    assert!(sent.as_str().unwrap().len() <= 64, "{sent}");
}

#[tokio::test]
async fn a_tool_schema_keeps_its_keys_in_the_client_s_order() {
    let app = TestApp::new().await;
    let schema = r#"{"type":"object","zeta":1,"properties":{"b":{"type":"string"},"a":{"type":"string"}},"alpha":2}"#;
    let raw = format!(
        r#"{{"model":"primary","messages":[{{"role":"user","content":"x"}}],
            "tools":[{{"type":"function","function":{{"name":"t","description":"d","parameters":{schema}}}}}]}}"#
    );
    for _ in 0..3 {
        let url = format!("{}/v1/chat/completions", app.url);
        let response = app
            .http
            .post(url)
            .bearer_auth(crate::support::KEY)
            .body(raw.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
    }
    for seen in app.bedrock.requests() {
        assert_eq!(
            seen.body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"].to_string(),
            schema
        );
    }
}

#[tokio::test]
async fn thinking_comes_back_as_text_and_as_signed_blocks_and_goes_up_again_unchanged() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    body["reasoning_effort"] = json!("low");
    body["tools"] = weather();
    app.bedrock.script(
        PRIMARY,
        [Step::reply(
            ScriptedReply::tool("get_weather", &json!({"city": "Paris"}))
                .with_thinking("The user greets me."),
        )],
    );
    let reply = app.chat_json(&body).await;
    let message = reply["choices"][0]["message"].clone();
    assert_eq!(message["reasoning_content"], "The user greets me.");
    assert_eq!(
        message["thinking_blocks"][0]["thinking"],
        "The user greets me."
    );
    let call = message["tool_calls"][0]["id"].clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message);
    messages.push(json!({"role": "tool", "tool_call_id": call, "content": "21 °C"}));
    app.chat_json(&body).await;
    let second = &app.bedrock.requests()[1].body;
    assert_eq!(
        second["additionalModelRequestFields"]["thinking"]["type"],
        "enabled"
    );
    assert_eq!(
        second["messages"][1]["content"][0]["reasoningContent"]["reasoningText"]["text"],
        "The user greets me."
    );
}

#[tokio::test]
async fn a_client_that_loses_the_thinking_of_its_tool_call_is_answered_without_thinking() {
    let app = TestApp::new().await;
    let body = json!({
        "model": "primary",
        "reasoning_effort": "high",
        "messages": [
            {"role": "user", "content": "weather in Paris?"},
            {"role": "assistant", "content": null, "reasoning_content": "I should look it up.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "21 °C"},
        ],
        "tools": weather(),
    });
    app.chat_json(&body).await;
    let sent = app.bedrock.requests();
    assert_eq!(sent.len(), 1, "Bedrock refused nothing");
    assert!(sent[0].body.get("additionalModelRequestFields").is_none());
}

#[tokio::test]
async fn a_client_s_cache_marks_reach_a_model_that_caches_and_no_other() {
    let app = TestApp::new().await;
    let body = |model: &str| {
        json!({"model": model, "messages": [
            {"role": "system", "content": [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": "hello", "cache_control": {"type": "ephemeral"}},
        ]})
    };
    app.chat_json(&body("primary")).await;
    let yaml = "model_list:\n  - {model_name: old, litellm_params: {model: bedrock/us.meta.llama3-3-70b-instruct-v1:0}}\n";
    let uncached = TestApp::builder().config(yaml).start().await;
    uncached.chat_json(&body("old")).await;
    let sent = &app.bedrock.requests()[0].body;
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(sent["system"], json!([{"text": "long"}, point]));
    assert_eq!(
        sent["messages"][0]["content"],
        json!([{"text": "hello"}, point])
    );
    assert!(
        !uncached.bedrock.requests()[0]
            .body
            .to_string()
            .contains("cachePoint")
    );
}

#[tokio::test]
async fn a_request_that_names_no_model_gets_the_configured_default() {
    let app = TestApp::builder()
        .settings("  default_model: backup\n")
        .start()
        .await;
    let reply = app
        .chat_json(&json!({"messages": [{"role": "user", "content": "hello"}]}))
        .await;
    assert_eq!(reply["model"], "backup");
}

#[tokio::test]
async fn a_model_that_cannot_stream_tools_is_called_whole_and_streamed_all_the_same() {
    let yaml = "model_list:\n  - {model_name: llama, litellm_params: {model: bedrock/us.meta.llama4-maverick-17b-instruct-v1:0}}\n";
    let app = TestApp::builder().config(yaml).start().await;
    let mut body = hello("llama");
    body["tools"] = weather();
    body["messages"][0]["content"] = json!("Use get_weather for Paris.");
    let chunks = app.chat_stream(&body).await;
    assert!(chunks.done);
    assert_eq!(chunks.finish_reasons().len(), 1);
    let seen = app.bedrock.requests();
    assert!(seen.iter().all(|seen| seen.status == 200), "{seen:?}");
    assert_eq!(seen[0].operation, "converse");
}
