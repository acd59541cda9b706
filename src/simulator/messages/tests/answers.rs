//! Text, thinking, tools: streamed and whole, and what scripts make of them.

use std::time::Duration;

use crate::simulator::{
    AnswerOutcome, Block, FaultKind, RawEvent, ScriptedReply, Served, Step, Tokens,
};

use super::*;

fn weather() -> Value {
    json!({"tools": [{"name": "get_weather", "input_schema": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]})
}

#[tokio::test]
async fn a_stream_has_claude_s_events_in_their_order() {
    let simulated = start().await;
    let events = stream(&simulated, SONNET_4_5, &ask("hello there")).await;
    let types = events.types();
    assert_eq!(types[..2], ["message_start", "content_block_start"]);
    let deltas = types.iter().filter(|kind| **kind == "content_block_delta");
    assert_eq!(deltas.count() + 5, types.len());
    let end = ["content_block_stop", "message_delta", "message_stop"];
    assert_eq!(types[types.len() - 3..], end);
    let message = events.folded();
    assert!(message["id"].as_str().unwrap().starts_with("msg_bdrk_01"));
    assert_eq!(message["model"], "claude-sonnet-4-5-20250929");
    let text = message["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("simulated") && text.contains("hello there"));
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(message["stop_sequence"], Value::Null);
    assert!(message.get("stop_details").is_none());
    let metrics = &events.all.last().unwrap()["amazon-bedrock-invocationMetrics"];
    assert_eq!(
        metrics["outputTokenCount"],
        message["usage"]["output_tokens"]
    );
    assert_eq!(metrics["inputTokenCount"], message["usage"]["input_tokens"]);

    let seen = simulated.requests_for(SONNET_4_5);
    assert_eq!(seen[0].operation, "invoke-with-response-stream");
    assert_eq!(seen[0].body["messages"][0]["content"], "hello there");
    assert_eq!((seen[0].status, seen[0].end), (200, AnswerOutcome::Taken));
    assert_eq!(simulated.billed(), 1);
}

#[tokio::test]
async fn the_generations_count_their_own_way() {
    let simulated = start().await;
    let names = |value: &Value| {
        let names = value.as_object().unwrap().keys().cloned();
        names.collect::<Vec<_>>().join(" ")
    };
    let old = stream(&simulated, SONNET_4_5, &ask("hi")).await;
    assert_eq!(names(&old.of("message_delta")["usage"]), "output_tokens");
    assert_eq!(
        names(&old.of("message_start")["message"]["usage"]),
        "input_tokens cache_creation_input_tokens cache_read_input_tokens cache_creation output_tokens"
    );
    let new = stream(&simulated, OPUS_4_8, &ask("hi")).await;
    assert_eq!(
        names(&new.of("message_delta")["usage"]),
        "input_tokens cache_creation_input_tokens cache_read_input_tokens output_tokens output_tokens_details"
    );
    assert_eq!(
        new.of("message_start")["message"]["usage"]["service_tier"],
        "standard"
    );
    assert_eq!(new.all.last().unwrap(), &json!({"type": "message_stop"}));
    assert_eq!(new.folded()["stop_details"], Value::Null);
    let message = whole(&simulated, OPUS_4_8, &ask("hi")).await;
    assert_eq!(
        message["usage"]["output_tokens_details"]["thinking_tokens"],
        0
    );
}

#[tokio::test]
async fn a_whole_answer_is_what_its_events_add_up_to() {
    let simulated = start().await;
    let citation = json!({"type": "char_location", "cited_text": "so", "document_index": 0});
    let reply = ScriptedReply::text("It is so.")
        .with_thinking("Is it?")
        .with_block(json!({"type": "text", "text": "Cited.", "citations": [citation]}))
        .with_block(json!({"type": "server_tool_use", "id": "srvtoolu_bdrk_1",
            "name": "tool_search_tool_regex", "input": {"query": "weather"}}))
        .with_block(json!({"type": "compaction", "content": "All of it."}))
        .with_block(json!({"type": "never_seen", "of": [1, 2]}))
        .with_tool("get_weather", &json!({"city": "Paris", "days": 3}))
        .with_field("context_management", json!({"applied_edits": []}))
        .with_field("usage", json!({"iterations": []}));
    for model in [SONNET_4_5, OPUS_4_8] {
        simulated.script(model, vec![Step::reply(reply.clone()); 2]);
        let body = with(ask("hi"), weather());
        let mut folded = stream(&simulated, model, &body).await.folded();
        let mut message = whole(&simulated, model, &body).await;
        for message in [&mut folded, &mut message] {
            message["id"] = Value::Null;
            let call = &mut message["content"][6];
            let id = call["id"].as_str().unwrap();
            assert!(id.starts_with("toolu_bdrk_01"));
            call["id"] = Value::Null;
        }
        assert_eq!(folded, message, "{model}");
        assert_eq!(message["stop_reason"], "tool_use");
        assert_eq!(message["content"][2]["citations"], json!([citation]));
        let omitted = message["content"][0]["thinking"] == "";
        assert_eq!(omitted, model == OPUS_4_8);
        assert_ne!(message["content"][0]["signature"], "");
    }
}

#[tokio::test]
async fn the_echo_calls_tools_thinks_and_stops_as_on_converse() {
    let simulated = start().await;
    let body = with(ask("call get_weather"), weather());
    let body = with(
        body,
        json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    );
    let message = stream(&simulated, SONNET_4_5, &body).await.folded();
    assert_eq!(message["stop_reason"], "tool_use");
    let [thinking, call] = message["content"].as_array().unwrap().as_slice() else {
        panic!("{message}");
    };
    assert!(thinking["thinking"].as_str().unwrap().contains("simulated"));
    assert_eq!(call["input"], json!({"city": "Paris"}));

    let mut next = body.clone();
    let result = json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}]);
    next["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": message["content"]}),
        json!({"role": "user", "content": result}),
    ]);
    let message = stream(&simulated, SONNET_4_5, &next).await.folded();
    assert!(
        message["content"][1]["text"]
            .as_str()
            .unwrap()
            .contains("sunny")
    );

    let body = with(
        ask("Reply with exactly one, two"),
        json!({"stop_sequences": [","]}),
    );
    let message = stream(&simulated, SONNET_4_5, &body).await.folded();
    assert_eq!(message["content"][0]["text"], "one");
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], ",");

    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": false});
    let format = json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let message = stream(&simulated, SONNET_4_5, &with(ask("hi"), format))
        .await
        .folded();
    assert_eq!(message["content"][0]["text"], r#"{"city":"Paris"}"#);
}

#[tokio::test]
async fn tools_that_anthropic_defines_are_called_with_what_they_take() {
    let simulated = start().await;
    let job =
        "Create a file named a.txt whose content is the single line X. Finish with exactly END.";
    let tools = [
        (
            json!({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}),
            json!({"command": "create", "path": "a.txt", "file_text": "X\n"}),
        ),
        (
            json!({"type": "memory_20250818", "name": "memory"}),
            json!({"command": "create", "path": "a.txt", "file_text": "X\n"}),
        ),
        (
            json!({"type": "bash_20250124", "name": "bash"}),
            json!({"command": "printf '%s\\n' X > a.txt"}),
        ),
    ];
    for (tool, input) in tools {
        let body = with(ask(job), json!({"tools": [tool]}));
        let message = whole(&simulated, SONNET_4_5, &body).await;
        assert_eq!(message["content"][0]["name"], tool["name"]);
        assert_eq!(message["content"][0]["input"], input);
    }
}

#[tokio::test]
async fn scripts_are_rendered_in_the_dialect_of_the_call() {
    let simulated = start().await;
    let usage = Tokens {
        input: 10,
        output: 20,
        cache_read: 30,
        cache_write_5m: 4,
        cache_write_1h: 5,
    };
    let reply = ScriptedReply {
        blocks: vec![
            Block::Redacted("AAAA".into()),
            Block::ToolUse {
                id: Some("toolu_1".into()),
                name: "look".into(),
                input: r#"{"cut": "#.into(),
            },
        ],
        ..ScriptedReply::default()
    };
    let reply = reply.with_usage(usage).with_stop("max_tokens");
    simulated.script(SONNET_4_5, [Step::reply(reply)]);
    let events = stream(&simulated, SONNET_4_5, &ask("hi")).await;
    let input: String = events
        .all
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(input, r#"{"cut": "#);
    let start = &events.of("message_start")["message"]["usage"];
    assert_eq!(start["cache_creation_input_tokens"], 9);
    assert_eq!(start["cache_creation"]["ephemeral_1h_input_tokens"], 5);
    assert_eq!(start["cache_read_input_tokens"], 30);
    assert_eq!(
        events.of("message_delta")["delta"]["stop_reason"],
        "max_tokens"
    );

    let refusal = ScriptedReply::text("").with_stop("content_filtered");
    simulated.script(OPUS_4_8, [Step::reply(refusal)]);
    let message = whole(&simulated, OPUS_4_8, &ask("hi")).await;
    assert_eq!(message["stop_reason"], "refusal");
    assert_eq!(message["stop_details"]["type"], "refusal");

    let step = Step::text("unpriced").without_metadata();
    simulated.script(SONNET_4_5, [step]);
    let events = stream(&simulated, SONNET_4_5, &ask("hi")).await;
    assert!(!json!(events.all).to_string().contains("usage"));
    assert!(!json!(events.all).to_string().contains("Metrics"));

    let unknown =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "hologram"}});
    let chunks = [
        unknown.clone(),
        json!({"type": "weather_report", "sunny": true}),
    ];
    let mut step = Step::chunks(chunks.clone());
    simulated.script(SONNET_4_5, [step.clone()]);
    assert_eq!(stream(&simulated, SONNET_4_5, &ask("hi")).await.all, chunks);
    step = Step::events(vec![RawEvent::chunk(unknown.clone())]);
    simulated.script(SONNET_4_5, [step]);
    assert_eq!(
        stream(&simulated, SONNET_4_5, &ask("hi")).await.all,
        [unknown]
    );
}

#[tokio::test]
async fn headers_are_seen_and_answered() {
    let simulated = start().await;
    let served = Served {
        tier: Some("default".into()),
        latency: None,
    };
    let reply = ScriptedReply::text("hi").with_served(served);
    simulated.script(OPUS_4_8, [Step::echo(), Step::reply(reply)]);
    let call = |client: Client| {
        let call = client.invoke_model().model_id(OPUS_4_8);
        let call = call.service_tier(aws_sdk_bedrockruntime::types::ServiceTierType::Flex);
        call.body(Blob::new(ask("hi").to_string())).send()
    };
    let output = call(fixtures::client(&simulated)).await.unwrap();
    assert_eq!(output.service_tier.unwrap().as_str(), "flex");
    let body: Value = serde_json::from_slice(output.body.as_ref()).unwrap();
    assert_eq!(body["usage"]["service_tier"], "flex");
    let output = call(fixtures::client(&simulated)).await.unwrap();
    assert_eq!(output.service_tier.unwrap().as_str(), "default");
    let seen = simulated.requests();
    assert_eq!(seen[0].headers["x-amzn-bedrock-service-tier"], "flex");

    let url = format!("{}/model/{OPUS_4_8}/invoke", simulated.url());
    let request = reqwest::Client::new().post(url).json(&ask("hi"));
    let answer = request.bearer_auth("key").send().await.unwrap();
    let headers = answer.headers().clone();
    let body: Value = answer.json().await.unwrap();
    for (header, field) in [
        ("x-amzn-bedrock-input-token-count", "input_tokens"),
        ("x-amzn-bedrock-output-token-count", "output_tokens"),
    ] {
        let count: u64 = headers[header].to_str().unwrap().parse().unwrap();
        assert_eq!(body["usage"][field], count);
    }
}

#[tokio::test]
async fn faults_come_after_as_many_events_as_on_converse() {
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    let ms = Duration::from_millis;
    let hear = async |kind: FaultKind| {
        let step = Step::text("one two three").fault(3, kind);
        simulated.script(SONNET_4_5, [step]);
        let events = stream_of(&client, SONNET_4_5, &ask("hi")).await.unwrap();
        let message = events.folded();
        let text = message["content"][0]["text"].as_str().unwrap().to_owned();
        let stopped = events.types().contains(&"message_stop");
        (text, stopped, events)
    };
    let cases = [
        (FaultKind::Cut, false, Some("DispatchFailure")),
        (FaultKind::End, false, None),
        (
            FaultKind::StallThenCut(ms(20)),
            false,
            Some("DispatchFailure"),
        ),
        (
            FaultKind::Exception {
                name: "modelTimeoutException".into(),
                message: "slow".into(),
            },
            false,
            Some("ModelTimeoutException"),
        ),
        (FaultKind::BrokenFrame, false, Some("ResponseError")),
        (
            FaultKind::TruncatedFrame,
            false,
            Some("UnexpectedEndOfStream"),
        ),
        (FaultKind::UnknownEvent, true, None),
        (FaultKind::Stall(ms(20)), true, None),
    ];
    for (kind, stops, error) in cases {
        let (text, stopped, events) = hear(kind.clone()).await;
        let wanted = if stops { "one two three" } else { "one two" };
        assert_eq!((text.as_str(), stopped), (wanted, stops), "{kind:?}");
        let found = events.error.unwrap_or_default();
        assert_eq!(found.is_empty(), error.is_none(), "{kind:?}: {found}");
        assert!(found.contains(error.unwrap_or_default()), "{found}");
    }
}

#[tokio::test]
async fn an_error_event_comes_first_or_in_the_middle() {
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    for (after, kind) in [
        (0, "rate_limit_error"),
        (3, "overloaded_error"),
        (2, "api_error"),
    ] {
        let step = Step::text("one two three").error_event_after(after, kind, "Not now");
        simulated.script(OPUS_4_7, [step]);
        let events = stream_of(&client, OPUS_4_7, &ask("hi")).await.unwrap();
        assert_eq!(events.error, None);
        let last = events.all.last().unwrap();
        assert_eq!(last["type"], "error");
        assert_eq!(last["error"]["type"], kind);
        assert_eq!(last["error"]["message"], "Not now");
        assert!(last["request_id"].as_str().unwrap().starts_with("req_"));
        assert_eq!(events.all.len() == 1, after == 0);
    }
    // Converse says the same with an exception.
    let step = Step::text("one two").error_event_after(2, "rate_limit_error", "Not now");
    simulated.script(OPUS_4_7, [step]);
    let output = client.converse_stream().model_id(OPUS_4_7);
    let output = output.messages(crate::simulator::tests::user("hi"));
    let heard = crate::simulator::tests::hear(output.send().await.unwrap()).await;
    assert!(heard.error.unwrap().contains("ThrottlingException"));
}

#[tokio::test]
async fn a_stream_can_fall_silent_and_a_call_can_fail_in_anthropic_s_shape() {
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    let silent = Step::text("one two").fault(2, FaultKind::Silence);
    simulated.script(SONNET_4_5, [silent]);
    let body = ask("hi");
    let call = stream_of(&client, SONNET_4_5, &body);
    let soon = Duration::from_millis(100);
    assert!(tokio::time::timeout(soon, call).await.is_err());
    for (kind, status) in [
        ("rate_limit_error", 429),
        ("overloaded_error", 529),
        ("request_too_large", 413),
    ] {
        let step = Step::anthropic_error(kind, "Not now");
        simulated.script(OPUS_4_8, [step]);
        let error = stream_of(&client, OPUS_4_8, &body).await.unwrap_err();
        let response = error.raw_response().unwrap();
        assert_eq!(response.status().as_u16(), status);
        let answer: Value = serde_json::from_slice(response.body().bytes().unwrap()).unwrap();
        assert_eq!(answer["error"], json!({"type": kind, "message": "Not now"}));
    }
}

#[tokio::test]
async fn other_processes_script_this_dialect_too() {
    let simulated = start().await;
    let url = format!("{}/_simulated/script", simulated.url());
    let step = json!({
        "only": "messages",
        "outcome": {"reply": {
            "blocks": [{"native": {"type": "hologram"}}, {"text": "one"}],
            "native": {"stop_details": {"type": "told"}}}},
        "fault": {"after": 3, "kind": {"error_event": {"kind": "api_error", "message": "oh"}}},
    });
    let script = json!({"model": OPUS_4_8, "steps": [step]});
    let request = reqwest::Client::new().post(url).json(&script);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let events = stream(&simulated, OPUS_4_8, &ask("hi")).await;
    let start =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "hologram"}});
    assert_eq!(events.all[1], start);
    assert_eq!(events.all.last().unwrap()["error"]["type"], "api_error");
}

#[tokio::test]
async fn invoke_can_be_denied_where_converse_is_not() {
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    simulated.always(SONNET_4_6, Step::deny_invoke());
    let error = stream_of(&client, SONNET_4_6, &ask("hi"))
        .await
        .unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let output = client.converse().model_id(SONNET_4_6);
    let output = output.messages(crate::simulator::tests::user("hi"));
    assert!(output.send().await.is_ok());
}

#[tokio::test]
async fn other_families_do_not_speak_it() {
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    let nova = "us.amazon.nova-lite-v1:0";
    let error = stream_of(&client, nova, &ask("hi")).await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = stream_of(&client, "us.nobody", &ask("hi"))
        .await
        .unwrap_err();
    assert_eq!(
        error.message(),
        Some("The provided model identifier is invalid.")
    );
}
