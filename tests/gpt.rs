//! OpenAI's GPT models on Converse: they go on thinking after a tool's result, are asked for what they take, and their
//! cached tokens are counted once.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bedrock_sidecar::simulator::{Block, RawEvent, ScriptedReply, Step, Tokens};
use serde_json::{Value, json};

use crate::support::anthropic::read_events;
use crate::support::{
    Chunks, DROPPED, TestApp, header, hello, none_refused, remember, with_fields,
};

const SOL: &str = "us.openai.gpt-5.6-sol";

const CONFIG: &str = r#"
model_list:
  - {model_name: primary, litellm_params: {model: bedrock/us.openai.gpt-5.6-sol, aws_region_name: us-east-1}}
  - {model_name: astra, litellm_params: {model: bedrock/us.openai.gpt-6-astra, aws_region_name: us-east-1}}
  - {model_name: claude, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
litellm_settings: {num_retries: 0}
router_settings: {disable_cooldowns: true}
"#;

async fn app() -> TestApp {
    TestApp::builder().config(CONFIG).start().await
}

fn encrypted(words: &str) -> String {
    BASE64_STANDARD.encode(format!("rsn_{words}"))
}

/// An answer that thinks these encrypted words, then calls the tool `look`.
fn thinks(words: &str) -> ScriptedReply {
    let mut reply = ScriptedReply::tool("look", &json!({}));
    reply.blocks.insert(0, Block::Redacted(encrypted(words)));
    reply
}

/// What Bedrock was sent of encrypted thinking, in order.
fn replayed(sent: &Value) -> Vec<String> {
    let messages = sent["messages"].as_array().unwrap().iter();
    let blocks = messages.flat_map(|message| message["content"].as_array().unwrap());
    let data = blocks.filter_map(|block| block["reasoningContent"]["redactedContent"].as_str());
    let bytes = data.map(|data| BASE64_STANDARD.decode(data).unwrap());
    bytes
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect()
}

/// The client on the chat wire that loses thinking.
struct Agent {
    messages: Vec<Value>,
}

impl Agent {
    fn new() -> Self {
        Self {
            messages: vec![json!({"role": "user", "content": "what is there?"})],
        }
    }

    /// One step to the end of its answer.
    async fn step(&mut self, app: &TestApp) -> Chunks {
        let body = json!({"model": "primary", "reasoning_effort": "high", "messages": self.messages,
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]});
        let answer = app.chat_stream(&body).await;
        remember(&mut self.messages, &answer, "seen");
        answer
    }
}

/// The status of every call of the primary model since the last look, and the body of the last one.
fn calls(app: &TestApp, seen: &mut usize) -> (Vec<u16>, Value) {
    let all = app.bedrock.requests_for(SOL);
    let new: Vec<u16> = all[*seen..].iter().map(|call| call.status).collect();
    *seen = all.len();
    (new, all.last().unwrap().body.clone())
}

#[tokio::test]
async fn a_client_that_loses_encrypted_thinking_keeps_its_model_thinking() {
    let app = app().await;
    let mut agent = Agent::new();
    for words in ["one", "two"] {
        app.bedrock.script(SOL, [Step::reply(thinks(words))]);
        agent.step(&app).await;
    }
    agent.step(&app).await;
    none_refused(&app);
    assert_eq!(replayed(&app.last_sent()), ["rsn_one", "rsn_two"]);
    assert_eq!(
        app.last_sent()["messages"][1]["content"][0]["reasoningContent"]["redactedContent"],
        encrypted("one")
    );
}

#[tokio::test]
async fn encrypted_thinking_comes_in_pieces_and_goes_back_whole() {
    let app = app().await;
    let delta = |index: u8, delta: Value| {
        let payload = json!({"contentBlockIndex": index, "delta": delta});
        RawEvent::new("contentBlockDelta", payload)
    };
    let piece = |words: &str| {
        let data = BASE64_STANDARD.encode(words);
        delta(0, json!({"reasoningContent": {"redactedContent": data}}))
    };
    let call = json!({"toolUse": {"toolUseId": "call_0", "name": "look"}});
    let events = vec![
        RawEvent::new("messageStart", json!({"role": "assistant"})),
        piece("rsn_first "),
        piece("and second"),
        RawEvent::new("contentBlockStop", json!({"contentBlockIndex": 0})),
        RawEvent::new(
            "contentBlockStart",
            json!({"contentBlockIndex": 1, "start": call}),
        ),
        delta(1, json!({"toolUse": {"input": "{}"}})),
        RawEvent::new("contentBlockStop", json!({"contentBlockIndex": 1})),
        RawEvent::new("messageStop", json!({"stopReason": "tool_use"})),
    ];
    app.bedrock.script(SOL, [Step::events(events)]);
    let mut agent = Agent::new();
    agent.step(&app).await;
    agent.step(&app).await;
    none_refused(&app);
    assert_eq!(replayed(&app.last_sent()), ["rsn_first and second"]);
}

#[tokio::test]
async fn thinking_that_another_region_wrote_costs_one_call_and_is_left_out_from_then_on() {
    let app = app().await;
    let (mut agent, mut seen) = (Agent::new(), 0);
    app.bedrock
        .script(SOL, [Step::reply(thinks("elsewhere, in Ohio"))]);
    agent.step(&app).await;
    assert_eq!(calls(&app, &mut seen).0, [200]);

    // Refused, and asked once more without it.
    app.bedrock
        .script(SOL, [Step::echo(), Step::reply(thinks("here"))]);
    agent.step(&app).await;
    let (statuses, sent) = calls(&app, &mut seen);
    assert_eq!(statuses, [400, 200]);
    assert!(replayed(&sent).is_empty());
    let fields = &sent["additionalModelRequestFields"];
    assert_eq!(fields["reasoning"]["effort"], "high", "it thinks anew");

    // The session's next steps go without it at once, and with what was written since.
    app.bedrock.script(SOL, [Step::reply(thinks("here too"))]);
    agent.step(&app).await;
    let (statuses, sent) = calls(&app, &mut seen);
    assert_eq!(statuses, [200]);
    assert_eq!(replayed(&sent), ["rsn_here"]);
    agent.step(&app).await;
    let (statuses, sent) = calls(&app, &mut seen);
    assert_eq!(statuses, [200]);
    assert_eq!(replayed(&sent), ["rsn_here", "rsn_here too"]);

    // Another session is not concerned.
    let mut other = Agent::new();
    app.bedrock.script(SOL, [Step::reply(thinks("here"))]);
    other.step(&app).await;
    other.step(&app).await;
    let (statuses, sent) = calls(&app, &mut seen);
    assert_eq!(statuses, [200, 200]);
    assert_eq!(replayed(&sent), ["rsn_here"]);
}

#[tokio::test]
async fn a_refusal_in_unknown_words_is_healed_as_well() {
    for refusal in [
        Step::internal_error(),
        Step::fail(400, "ValidationException", "Something about the past."),
        Step::fail(
            400,
            "ValidationException",
            "The model returned the following errors: {\"error\":{\"code\":\"validation_error\",\"message\":\
             \"invalid encrypted reasoning\",\"param\":null,\"type\":\"invalid_request_error\"}}",
        ),
    ] {
        let app = app().await;
        let (mut agent, mut seen) = (Agent::new(), 0);
        app.bedrock
            .script(SOL, [Step::reply(thinks("one")), refusal]);
        agent.step(&app).await;
        agent.step(&app).await;
        let (statuses, sent) = calls(&app, &mut seen);
        assert_eq!(statuses.len(), 3, "{statuses:?}");
        assert_eq!(statuses[2], 200);
        assert!(replayed(&sent).is_empty());
        agent.step(&app).await;
        assert_eq!(calls(&app, &mut seen).0, [200]);
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_in_itself_is_not_asked_for_ever() {
    let app = app().await;
    let (mut agent, mut seen) = (Agent::new(), 0);
    app.bedrock.script(SOL, [Step::reply(thinks("one"))]);
    agent.step(&app).await;
    calls(&app, &mut seen);
    let refusal = || Step::fail(400, "ValidationException", "Something is wrong.");
    app.bedrock.script(SOL, [refusal(), refusal(), refusal()]);
    let body = json!({"model": "primary", "messages": agent.messages,
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]});
    assert_eq!(app.chat(&body).await.status(), 400);
    let (statuses, sent) = calls(&app, &mut seen);
    assert_eq!(statuses, [400, 400], "{sent}");
}

#[tokio::test]
async fn each_kind_of_thinking_goes_back_to_the_kind_of_model_that_wrote_it() {
    let app = app().await;
    let redacted = |data: String| json!({"type": "redacted_thinking", "data": data});
    let claude_s = BASE64_STANDARD.encode("AP8Kredacted");
    let call = json!({"id": "tooluse1a", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": [call],
            "thinking_blocks": [redacted(encrypted("one")), redacted(claude_s.clone())]},
        {"role": "tool", "tool_call_id": "tooluse1a", "content": "r"},
    ]);
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    for (model, data) in [("primary", encrypted("one")), ("claude", claude_s)] {
        let body = json!({"model": model, "messages": messages, "tools": tools});
        app.chat_json(&body).await;
        let content = app.last_sent()["messages"][1]["content"].clone();
        assert_eq!(content[0]["reasoningContent"]["redactedContent"], data);
        assert!(content[1].get("toolUse").is_some(), "{content}");
    }
    none_refused(&app);
}

#[tokio::test]
async fn clients_that_carry_encrypted_thinking_bring_it_back() {
    let app = app().await;
    app.bedrock.script(SOL, [Step::reply(thinks("one"))]);
    let mut body = json!({"model": "primary", "max_tokens": 2000,
        "messages": [{"role": "user", "content": "q"}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}], "stream": true});
    let response = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    let message = read_events(response).await.message();
    let call = message["content"].as_array().unwrap().last().unwrap();
    let result = json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "seen"}]);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": message["content"]}));
    messages.push(json!({"role": "user", "content": result}));
    app.as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(replayed(&app.last_sent()), ["rsn_one"]);

    app.bedrock.script(SOL, [Step::reply(thinks("two"))]);
    let mut body = json!({"model": "primary", "store": false, "include": ["reasoning.encrypted_content"],
        "input": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}]});
    let response = app.response(&body).await;
    crate::support::responses::remember(&mut body, &response);
    app.response(&body).await;
    assert_eq!(replayed(&app.last_sent()), ["rsn_two"]);
    none_refused(&app);
}

#[tokio::test]
async fn a_model_is_asked_for_what_it_takes() {
    let app = app().await;
    let short = with_fields(
        hello("primary"),
        &json!({"max_tokens": 5, "stop": ["END"], "reasoning_effort": "none"}),
    );
    let response = app.chat(&short).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, DROPPED), "stop");
    let sent = app.last_sent();
    assert_eq!(sent["inferenceConfig"], json!({"maxTokens": 16}));
    assert_eq!(
        sent["additionalModelRequestFields"]["reasoning"]["effort"],
        "none"
    );
    // One that always thinks is not told otherwise.
    let body = with_fields(hello("astra"), &json!({"reasoning_effort": "none"}));
    app.chat_json(&body).await;
    assert!(
        app.last_sent()
            .get("additionalModelRequestFields")
            .is_none()
    );
    none_refused(&app);
}

#[tokio::test]
async fn an_effort_that_is_refused_is_left_out_and_remembered() {
    let app = app().await;
    let words = "Unsupported value: 'reasoning.effort' does not support 'none' with this model. Supported values are: \
                 'low', 'medium', and 'high'.";
    let error = json!({"error": {"message": words, "type": "invalid_request_error", "code": "unsupported_value"}});
    let refusal = format!("The model returned the following errors: {error}");
    app.bedrock
        .script(SOL, [Step::fail(400, "ValidationException", &refusal)]);
    let body = with_fields(hello("primary"), &json!({"reasoning_effort": "none"}));
    for calls in [2, 3] {
        app.chat_json(&body).await;
        assert_eq!(app.bedrock.requests_for(SOL).len(), calls);
        assert!(
            app.last_sent()
                .get("additionalModelRequestFields")
                .is_none()
        );
    }
}

#[tokio::test]
async fn cached_tokens_are_counted_once() {
    let app = app().await;
    let usage = Tokens {
        input: 2,
        output: 19,
        cache_read: 3_000,
        cache_write_5m: 1_993,
        ..Tokens::default()
    };
    let mut usages = Vec::new();
    for stream in [false, true] {
        let reply = ScriptedReply::text("Hi.").with_usage(usage);
        app.bedrock.script(SOL, [Step::reply(reply)]);
        let mut body = hello("primary");
        usages.push(if stream {
            body["stream_options"] = json!({"include_usage": true});
            app.chat_stream(&body).await.usage().unwrap().clone()
        } else {
            app.chat_json(&body).await["usage"].take()
        });
    }
    assert_eq!(usages[0], usages[1]);
    assert_eq!(usages[0]["prompt_tokens"], 4_995);
    assert_eq!(usages[0]["prompt_tokens_details"]["cached_tokens"], 3_000);
}

/// The last event of a stream with these counts.
fn metadata(input: u64, read: u64) -> Vec<RawEvent> {
    let usage = json!({"inputTokens": input, "outputTokens": 5, "totalTokens": input + read + 5,
        "cacheReadInputTokens": read});
    vec![
        RawEvent::new("messageStart", json!({"role": "assistant"})),
        RawEvent::new(
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "Hi."}}),
        ),
        RawEvent::new("messageStop", json!({"stopReason": "end_turn"})),
        RawEvent::new("metadata", json!({ "usage": usage })),
    ]
}

#[tokio::test]
async fn a_stream_that_counts_cached_tokens_apart_is_believed_from_then_on() {
    let app = app().await;
    let mut body = hello("primary");
    body["stream_options"] = json!({"include_usage": true});
    // Input as reported, read from the cache → the prompt's tokens.
    for (input, read, prompt) in [
        (5_000, 3_000, 5_000),
        (200, 3_000, 3_200),
        (5_000, 3_000, 8_000),
    ] {
        app.bedrock
            .script(SOL, [Step::events(metadata(input, read))]);
        let answer = app.chat_stream(&body).await;
        assert_eq!(answer.usage().unwrap()["prompt_tokens"], prompt);
    }
}
