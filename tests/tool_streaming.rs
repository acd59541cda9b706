//! Claude is asked for a tool call's arguments as it writes them, and what may come of it, arguments that are cut or no
//! JSON, is told as it is.

use bedrock_sidecar::simulator::{RawEvent, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::last_response;
use crate::support::{BACKUP, KEY, LAST, PRIMARY, TestApp, trail_of, validation_error};

const EAGER: &str = "fine-grained-tool-streaming-2025-05-14";
const LONG: &str = "context-1m-2025-08-07";

const NEWEST: &str = "us.anthropic.claude-sonnet-5-5";
const OLD: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";

/// The bodies of the three wires, with one tool each.
fn bodies(model: &str) -> [(&'static str, Value); 3] {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let messages = json!([{"role": "user", "content": "hi"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": model, "messages": messages,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}),
        ),
        (
            "/v1/messages",
            json!({"model": model, "max_tokens": 1000, "messages": messages,
                "tools": [{"name": "f", "input_schema": schema}]}),
        ),
        (
            "/v1/responses",
            json!({"model": model, "input": "hi",
                "tools": [{"type": "function", "name": "f", "parameters": schema}]}),
        ),
    ]
}

/// The trail of a request, and the betas of the last call that it made.
async fn sent(app: &TestApp, path: &str, body: &Value, is_stream: bool) -> (String, Value) {
    with_betas(app, path, body, is_stream, "").await
}

async fn with_betas(
    app: &TestApp,
    path: &str,
    body: &Value,
    is_stream: bool,
    betas: &str,
) -> (String, Value) {
    let mut body = body.clone();
    body["stream"] = json!(is_stream);
    let request = app.http.post(format!("{}{path}", app.url)).bearer_auth(KEY);
    let request = request.header("anthropic-beta", betas).json(&body);
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key("x-sidecar-dropped"));
    let trail = trail_of(&response);
    let text = response.text().await.unwrap();
    assert!(!text.contains("\"error\":{"), "{text}");
    let seen = app.bedrock.requests().pop().expect("a call").body;
    let fields = &seen["additionalModelRequestFields"];
    (trail, fields["anthropic_beta"].clone())
}

const REFUSALS: [&str; 4] = [
    "The model returned the following errors: invalid beta flag",
    "Unexpected value(s) `fine-grained-tool-streaming-2025-05-14` for the `anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the header.",
    "Malformed input request: #: extraneous key [anthropic_beta] is not permitted, please reformat your input and try again.",
    "The model returned the following errors: anthropic_beta: Extra inputs are not permitted",
];

#[tokio::test]
async fn claude_is_asked_for_it_wherever_a_stream_has_tools() {
    let config = format!(
        "model_list:
  - {{model_name: sonnet-4-5, litellm_params: {{model: bedrock/{PRIMARY}}}}}
  - {{model_name: haiku-4-5, litellm_params: {{model: bedrock/{BACKUP}}}}}
  - {{model_name: newest, litellm_params: {{model: bedrock/{NEWEST}}}}}
  - {{model_name: old, litellm_params: {{model: bedrock/{OLD}}}}}
  - {{model_name: nova, litellm_params: {{model: bedrock/{LAST}}}}}
"
    );
    let app = TestApp::builder()
        .config(&config)
        .on_converse()
        .start()
        .await;
    for model in ["sonnet-4-5", "haiku-4-5", "newest"] {
        for (path, body) in bodies(model) {
            let (trail, betas) = sent(&app, path, &body, true).await;
            assert_eq!((trail, betas), (format!("{model}:ok"), json!([EAGER])));
            assert_eq!(sent(&app, path, &body, false).await.1, Value::Null);
            let mut plain = body.clone();
            plain.as_object_mut().unwrap().remove("tools");
            assert_eq!(sent(&app, path, &plain, true).await.1, Value::Null);
        }
    }
    app.bedrock
        .script(OLD, vec![Step::text("ok").unchecked(); 3]);
    for model in ["old", "nova"] {
        for (path, body) in bodies(model) {
            assert_eq!(
                sent(&app, path, &body, true).await.1,
                Value::Null,
                "{model}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_may_say_so_or_forbid_it_for_every_tool() {
    let app = TestApp::on_converse().await;
    let [_, (path, mut body), _] = bodies("primary");
    for (wishes, betas) in [
        (vec![json!(true)], json!([EAGER])),
        (vec![json!(false)], Value::Null),
        (vec![json!(false), json!(false)], Value::Null),
        (vec![json!(false), json!(true)], json!([EAGER])),
        (vec![json!(false), Value::Null], json!([EAGER])),
    ] {
        let tools = wishes.iter().enumerate().map(|(at, wish)| {
            json!({"name": format!("f{at}"), "input_schema": {"type": "object"}, "eager_input_streaming": wish})
        });
        body["tools"] = tools.collect();
        assert_eq!(sent(&app, path, &body, true).await.1, betas, "{wishes:?}");
        let tool = &app.bedrock.requests().pop().unwrap().body["toolConfig"]["tools"][0];
        assert!(!tool.to_string().contains("eager"), "{tool}");
    }
    // A client's own beta is asked for once, and also without a stream.
    body["tools"] = bodies("primary")[1].1["tools"].clone();
    for is_stream in [true, false] {
        let (_, betas) = with_betas(&app, path, &body, is_stream, EAGER).await;
        assert_eq!(betas, json!([EAGER]));
    }
}

#[tokio::test]
async fn a_target_that_refuses_it_is_asked_without_it_and_that_is_remembered() {
    let bodies = bodies("primary").into_iter().cycle();
    for (message, (path, body)) in REFUSALS.into_iter().zip(bodies) {
        let app = TestApp::on_converse().await;
        app.bedrock.script(PRIMARY, [validation_error(message)]);
        let (trail, betas) = sent(&app, path, &body, true).await;
        assert_eq!(trail, "primary:lacks_betas(400), primary:ok");
        assert_eq!(betas, Value::Null);
        let again = ("primary:ok".to_owned(), Value::Null);
        assert_eq!(sent(&app, path, &body, true).await, again);
        app.settle().await;
        let newcomer = app.another_instance().await;
        assert_eq!(sent(&newcomer, path, &body, true).await, again);
        app.clock.advance(std::time::Duration::from_secs(3_601));
        assert_eq!(sent(&app, path, &body, true).await.1, json!([EAGER]));
    }
}

#[tokio::test]
async fn the_gateway_s_own_beta_and_a_client_s_are_told_apart() {
    let app = TestApp::on_converse().await;
    let [_, (path, body), _] = bodies("primary");
    let ask = async |betas: &str| with_betas(&app, path, &body, true, betas).await;
    let refused_once = "primary:lacks_betas(400), primary:ok";
    let refused_twice = "primary:lacks_betas(400), primary:lacks_betas(400), primary:ok";

    // The client's was meant: the gateway's own is asked for as before.
    app.bedrock.script(
        PRIMARY,
        [validation_error(REFUSALS[0]), validation_error(REFUSALS[0])],
    );
    let (trail, betas) = ask(LONG).await;
    assert_eq!((trail.as_str(), betas), (refused_twice, Value::Null));
    assert_eq!(ask("").await.1, json!([EAGER]));
    assert_eq!(ask(LONG).await, ("primary:ok".to_owned(), json!([EAGER])));

    // One that the client made up teaches nothing.
    let app = TestApp::on_converse().await;
    let ask = async |betas: &str| with_betas(&app, path, &body, true, betas).await;
    let made_up = "context-1m-quite-special";
    app.bedrock.script(
        PRIMARY,
        [validation_error(REFUSALS[0]), validation_error(REFUSALS[0])],
    );
    assert_eq!(ask(made_up).await.0, refused_twice);
    assert_eq!(ask("").await.1, json!([EAGER]));
    let both = ask(made_up).await.1;
    assert_eq!(both, json!([made_up, EAGER]));
    app.bedrock.script(PRIMARY, [validation_error(REFUSALS[0])]);
    assert_eq!(ask(made_up).await.0, refused_once);
    assert_eq!(ask("").await.1, json!([EAGER]));

    // The gateway's own was meant: the client keeps its own.
    app.bedrock.script(PRIMARY, [validation_error(REFUSALS[0])]);
    let (trail, betas) = ask(LONG).await;
    assert_eq!((trail.as_str(), betas), (refused_once, json!([LONG])));
    assert_eq!(ask(LONG).await, ("primary:ok".to_owned(), json!([LONG])));
    assert_eq!(ask("").await.1, Value::Null);
}

/// What the events of a streamed answer say of its calls, in the client's order: ids, and the arguments of each.
fn calls_of(body: &str) -> Vec<(String, String)> {
    let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let mut calls: Vec<(String, String)> = Vec::new();
    for event in events {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let begun = text("/choices/0/delta/tool_calls/0/id")
            .or_else(|| text("/content_block/id"))
            .or_else(|| {
                text("/item/call_id").filter(|_| event["type"] == "response.output_item.added")
            });
        calls.extend(begun.map(|id| (id.to_owned(), String::new())));
        let is_delta = event["type"] == "response.function_call_arguments.delta";
        let piece = text("/choices/0/delta/tool_calls/0/function/arguments")
            .or_else(|| text("/delta/partial_json"))
            .or_else(|| text("/delta").filter(|_| is_delta));
        if let (Some(piece), Some((_, arguments))) = (piece, calls.last_mut()) {
            arguments.push_str(piece);
        }
        // The wire's own place of the call is that of the one that began last.
        let place = event.pointer("/choices/0/delta/tool_calls/0/index");
        assert!(
            place.is_none_or(|place| *place == calls.len() - 1),
            "{event}"
        );
    }
    calls
}

#[tokio::test]
async fn calls_that_a_model_writes_at_once_reach_the_client_one_by_one() {
    let app = TestApp::on_converse().await;
    let start = |block: usize, id: &str| {
        let call = json!({"toolUse": {"toolUseId": id, "name": "f"}});
        RawEvent::new(
            "contentBlockStart",
            json!({"contentBlockIndex": block, "start": call}),
        )
    };
    let input = |block: usize, piece: &str| {
        let delta = json!({"toolUse": {"input": piece}});
        RawEvent::new(
            "contentBlockDelta",
            json!({"contentBlockIndex": block, "delta": delta}),
        )
    };
    let stop =
        |block: usize| RawEvent::new("contentBlockStop", json!({"contentBlockIndex": block}));
    let written = || {
        vec![
            RawEvent::new("messageStart", json!({"role": "assistant"})),
            start(0, "tooluse10a"),
            start(1, "tooluse11a"),
            input(0, "{\"a\":"),
            input(1, "{\"a\": "),
            start(2, "tooluse12a"),
            input(0, "\"x\"}"),
            stop(2),
            input(1, "\"y\"}"),
            stop(1),
            stop(0),
            RawEvent::new("messageStop", json!({"stopReason": "tool_use"})),
            RawEvent::new(
                "metadata",
                json!({"usage": {"inputTokens": 9, "outputTokens": 9, "totalTokens": 18}}),
            ),
        ]
    };
    for (path, mut body) in bodies("primary") {
        body["stream"] = json!(true);
        app.bedrock.script(PRIMARY, [Step::events(written())]);
        let response = app.post(path, &body).send().await.unwrap();
        let calls = calls_of(&response.text().await.unwrap());
        let ids: Vec<&str> = calls.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["tooluse10a", "tooluse11a", "tooluse12a"], "{path}");
        let arguments: Vec<&str> = calls
            .iter()
            .map(|(_, arguments)| arguments.as_str())
            .collect();
        // Anthropic's service sends nothing of no arguments, and its clients know.
        let none = if path == "/v1/messages" { "" } else { "{}" };
        assert_eq!(
            arguments,
            ["{\"a\":\"x\"}", "{\"a\": \"y\"}", none],
            "{path}"
        );
    }
}

/// A call whose arguments the longest answer has cut, or that are no JSON.
fn cut(arguments: &str, stop: &str) -> Step {
    let mut reply = ScriptedReply::text("ok")
        .with_tool("f", &json!({}))
        .with_stop(stop);
    let Some(bedrock_sidecar::simulator::Block::ToolUse { input, .. }) = reply.blocks.last_mut()
    else {
        unreachable!("the tool is last");
    };
    *input = arguments.to_owned();
    Step::reply(reply)
}

#[tokio::test]
async fn arguments_that_are_cut_are_told_as_they_are() {
    let app = TestApp::on_converse().await;
    let [(_, chat), (_, messages), (_, responses)] = bodies("primary");
    for (arguments, stop) in [
        ("{\"a\": \"hello wor", "max_tokens"),
        ("{\"a\": ", "max_tokens"),
        ("{\"a\": nothing}", "tool_use"),
    ] {
        let is_cut = stop == "max_tokens";
        app.bedrock.script(PRIMARY, vec![cut(arguments, stop); 6]);
        let chunks = app.chat_stream(&chat).await;
        assert!(chunks.done);
        assert_eq!(chunks.tool_calls()[0].2, arguments);
        let reason = if is_cut { "length" } else { "tool_calls" };
        assert_eq!(chunks.finish_reasons(), [reason]);
        let choice = app.chat_json(&chat).await["choices"][0].clone();
        assert_eq!(choice["finish_reason"], reason);
        let call = &choice["message"]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], arguments);

        let reason = if is_cut { "max_tokens" } else { "tool_use" };
        let events = app.message_events(&messages).await;
        let deltas = events.of("content_block_delta").into_iter();
        let json = deltas.filter_map(|data| data["delta"]["partial_json"].as_str());
        assert_eq!(json.collect::<String>(), arguments);
        let end = &events.of("message_delta")[0]["delta"];
        assert_eq!(end["stop_reason"], reason);
        assert_eq!(events.of("message_stop").len(), 1);
        let message = app.message(&messages).await;
        assert_eq!(message["stop_reason"], reason);
        assert_eq!(
            message["content"][1]["input"],
            json!({"INVALID_JSON": arguments})
        );

        let status = if is_cut { "incomplete" } else { "completed" };
        let streamed = last_response(&app.response_events(&responses).await);
        for response in [streamed, app.response(&responses).await] {
            assert_eq!(response["status"], status);
            let call = &response["output"][1];
            assert_eq!(
                (&call["arguments"], &call["status"]),
                (&json!(arguments), &json!("incomplete"))
            );
        }
    }
}

#[tokio::test]
async fn a_cut_call_in_the_history_does_not_end_the_session() {
    let app = TestApp::on_converse().await;
    let [(_, mut chat), (_, mut messages), (_, mut responses)] = bodies("primary");
    for broken in ["{\"a\": \"hello wor", "{\"a\": ", "", "7"] {
        let call =
            json!({"id": "t1", "type": "function", "function": {"name": "f", "arguments": broken}});
        chat["messages"] = json!([{"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "t1", "content": "broken"}]);
        app.chat_json(&chat).await;
        assert!(app.chat_stream(&chat).await.done);
        responses["input"] = json!([{"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "t1", "name": "f", "arguments": broken},
            {"type": "function_call_output", "call_id": "t1", "output": "broken"}]);
        app.response(&responses).await;
    }
    for input in [
        json!({"INVALID_JSON": "{\"a\": \"hello wor"}),
        json!("{\"a\": \"hello wor"),
        json!([1]),
        Value::Null,
    ] {
        let call = json!({"type": "tool_use", "id": "t1", "name": "f", "input": input});
        let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "broken"});
        messages["messages"] = json!([{"role": "user", "content": "hi"},
            {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]);
        app.message(&messages).await;
        let sent = app.bedrock.requests().pop().unwrap().body;
        let sent = &sent["messages"][1]["content"][0]["toolUse"]["input"];
        let text = input.to_string();
        assert!(sent.is_object() && (text == "null" || sent.to_string().contains("INVALID_JSON")));
    }
}

#[tokio::test]
async fn an_answer_by_schema_that_is_cut_in_its_call_ends_as_cut() {
    let app = TestApp::on_converse().await;
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": "give_answer"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{\"a\": 1"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "max_tokens"})),
    ];
    let events = events.map(|(name, payload)| RawEvent::new(name, payload));
    app.bedrock
        .script(LAST, vec![Step::events(events.to_vec()); 2]);
    let [(_, mut chat), ..] = bodies("last");
    chat["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "out",
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}});
    let chunks = app.chat_stream(&chat).await;
    assert_eq!(chunks.finish_reasons(), ["length"]);
    assert_eq!(chunks.text(), "{\"a\": 1");
    let choice = app.chat_json(&chat).await["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "length");
}
