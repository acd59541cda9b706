//! A body of the Responses API on the chat route: what the chat API has beside its messages means there what it means in
//! a chat body.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{DROPPED, PRIMARY, TestApp, dropped, header, hello, with_fields};

/// The same question in both forms.
fn bodies() -> [Value; 2] {
    let mut chat = hello("primary");
    chat["messages"] = json!([{"role": "user", "content": "hello"}]);
    [chat, json!({"model": "primary", "input": "hello"})]
}

/// What becomes of a body: its status, what the refusal is about, the names in the reply's header, and what Bedrock was
/// asked.
async fn outcome(app: &TestApp, body: &Value) -> (u16, Value, Option<String>, Value) {
    let before = app.bedrock.requests_for(PRIMARY).len();
    let reply = app.chat(body).await;
    let status = reply.status().as_u16();
    let dropped = dropped(&reply);
    let text = reply.text().await.unwrap();
    let error: Value = serde_json::from_str(&text).unwrap_or_default();
    let asked = app.bedrock.requests_for(PRIMARY).split_off(before).pop();
    let asked = asked.map_or(Value::Null, |seen| seen.body);
    (status, error["error"]["param"].clone(), dropped, asked)
}

#[tokio::test]
async fn the_chat_api_s_own_fields_do_what_they_do_in_a_chat_body() {
    let app = TestApp::new().await;
    app.bedrock
        .always(PRIMARY, Step::reply(ScriptedReply::text(r#"{"a": "b"}"#)));
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    for (fields, status) in [
        (json!({"stop": ["END", "STOP"]}), 200),
        (json!({"stop": "END", "temperature": 0.5}), 200),
        (json!({"stop": 7}), 400),
        (json!({"reasoning_effort": "high"}), 200),
        (json!({"reasoning_effort": "enormous"}), 400),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            200,
        ),
        (json!({"top_k": 5, "max_tokens": 77}), 200),
        (json!({"max_completion_tokens": 0}), 400),
        (json!({"response_format": {"type": "json_object"}}), 200),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}),
            200,
        ),
        (json!({"response_format": {"type": "poem"}}), 400),
        (json!({"n": 2}), 400),
        (json!({"n": 1}), 200),
        (json!({"n": "two"}), 400),
        (json!({"logprobs": true}), 400),
        (json!({"logprobs": false, "top_logprobs": 0}), 200),
        (json!({"top_logprobs": 5}), 400),
        (json!({"seed": 7}), 400),
        (
            json!({"presence_penalty": 0.5, "frequency_penalty": 1}),
            400,
        ),
        (json!({"logit_bias": {"7": 1}, "drop_params": true}), 200),
        (json!({"web_search_options": {}}), 400),
        (
            json!({"modalities": ["text", "audio"], "drop_params": true}),
            200,
        ),
        (json!({"functions": [{"name": "f"}]}), 400),
        (json!({"service_tier": "flex"}), 200),
        (json!({"guardrails": ["pii"]}), 400),
        (json!({"requestMetadata": {"team": "search"}}), 200),
        (json!({"additional_model_request_fields": {"a": 1}}), 200),
        (json!({"timeout": -1}), 400),
        (
            json!({"num_retries": 1, "user": "u", "litellm_session_id": "s", "store": true}),
            200,
        ),
        (json!({"of_tomorrow": 1, "moderation": {}}), 200),
        (
            json!({"context_management": [{"type": "compaction"}], "truncation": "auto"}),
            200,
        ),
        (json!({"mock_response": "hi", "enable_thinking": true}), 200),
        (
            json!({"verbosity": "low", "prediction": {}, "provider": {}}),
            200,
        ),
    ] {
        for stream in [false, true] {
            let [chat, response] = bodies().map(|body| with_fields(body.clone(), &fields));
            let [chat, response] =
                [chat, response].map(|body| with_fields(body.clone(), &json!({"stream": stream})));
            let of_chat = outcome(&app, &chat).await;
            let of_response = outcome(&app, &response).await;
            assert_eq!(of_response, of_chat, "{fields}");
            assert_eq!(of_chat.0, status, "{fields}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_named_where_it_is_to_be_ignored() {
    let app = TestApp::new().await;
    let [_, body] = bodies();
    let fields = json!({"logprobs": true, "top_logprobs": 3, "seed": 1, "drop_params": true, "of_tomorrow": 1,
        "include": ["message.output_text.logprobs"]});
    let (status, _, dropped, _) = outcome(&app, &with_fields(body.clone(), &fields)).await;
    assert_eq!(status, 200);
    let expected =
        "of_tomorrow, seed, logprobs, top_logprobs, include.message.output_text.logprobs";
    assert_eq!(dropped.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_name_of_the_responses_api_for_the_same_thing_wins() {
    let app = TestApp::new().await;
    let [chat, body] = bodies();
    let schema = |field: &str| json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field], "additionalProperties": false});
    let in_chat = |field: &str| json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema(field)}});
    for (both, alone) in [
        (
            json!({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}),
            json!({"reasoning_effort": "low"}),
        ),
        (
            json!({"reasoning": {"effort": "none"}, "reasoning_effort": "high"}),
            json!({"reasoning_effort": "none"}),
        ),
        (
            json!({"max_output_tokens": 700, "max_tokens": 900, "max_completion_tokens": 800}),
            json!({"max_tokens": 700}),
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "name": "a", "schema": schema("b")}}, "response_format": in_chat("c")}),
            json!({"response_format": in_chat("b")}),
        ),
    ] {
        let wanted = outcome(&app, &with_fields(chat.clone(), &alone)).await;
        assert_eq!(wanted.0, 200, "{alone}");
        assert_eq!(
            outcome(&app, &with_fields(body.clone(), &both)).await,
            wanted,
            "{both}"
        );
    }
}

#[tokio::test]
async fn an_input_beside_no_messages_is_the_conversation() {
    let app = TestApp::new().await;
    let [chat, body] = bodies();
    let wanted = outcome(&app, &chat).await;
    for messages in [json!(null), json!([])] {
        let body = with_fields(body.clone(), &json!({"messages": messages}));
        assert_eq!(outcome(&app, &body).await, wanted, "{body}");
        let items = json!({"input": [{"role": "user", "content": "hello"}]});
        assert_eq!(
            outcome(&app, &with_fields(body.clone(), &items)).await,
            wanted,
            "{body}"
        );
    }
    for messages in [json!("hello"), json!({"role": "user"}), json!(7)] {
        let body = with_fields(body.clone(), &json!({"messages": messages}));
        let (status, param, ..) = outcome(&app, &body).await;
        assert_eq!((status, param), (400, json!("messages")));
    }
    let nothing = json!({"model": "primary", "messages": null});
    assert_eq!(outcome(&app, &nothing).await.1, "messages");
}

#[tokio::test]
async fn what_a_response_asks_for_and_does_not_get_is_refused_or_named() {
    let app = TestApp::new().await;
    for (fields, status, name) in [
        (json!({"top_logprobs": 5}), 400, "top_logprobs"),
        (json!({"top_logprobs": 0}), 200, ""),
        (
            json!({"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]}),
            400,
            "include.message.output_text.logprobs",
        ),
        (
            json!({"include": ["reasoning.encrypted_content", "web_search_call.action.sources"]}),
            200,
            "",
        ),
        (
            json!({"include": ["message.of_tomorrow"]}),
            200,
            "include.message.of_tomorrow",
        ),
        (json!({"truncation": "auto"}), 200, "truncation"),
        (json!({"truncation": "disabled"}), 200, ""),
        (
            json!({"context_management": [{"type": "compaction"}]}),
            200,
            "context_management",
        ),
        (json!({"context_management": []}), 200, ""),
        (
            json!({"prompt_cache_retention": "24h"}),
            200,
            "prompt_cache_retention",
        ),
        (json!({"prompt_cache_retention": "in_memory"}), 200, ""),
        (json!({"extra_body": {"n": 2}}), 200, "extra_body"),
        (
            json!({"service_tier": "auto", "max_tool_calls": 3, "store": true}),
            200,
            "",
        ),
        (json!({"service_tier": "gold"}), 400, "service_tier"),
    ] {
        for stream in [false, true] {
            let mut body = with_fields(json!({"model": "primary", "input": "hi"}), &fields);
            body["stream"] = json!(stream);
            let reply = app.post("/v1/responses", &body).send().await.unwrap();
            assert_eq!(reply.status(), status, "{body}");
            if status == 400 {
                let error: Value = reply.json().await.unwrap();
                assert_eq!(error["error"]["param"], name, "{error}");
                if name == "service_tier" {
                    continue;
                }
                body["drop_params"] = json!(true);
                let reply = app.post("/v1/responses", &body).send().await.unwrap();
                assert_eq!(header(&reply, DROPPED), name, "{body}");
                continue;
            }
            let dropped = reply.headers().contains_key(DROPPED);
            assert_eq!(dropped, !name.is_empty(), "{body}");
            if dropped {
                assert_eq!(header(&reply, DROPPED), name, "{body}");
            }
        }
    }
    for (word, tier) in [
        ("flex", json!({"type": "flex"})),
        ("priority", json!({"type": "priority"})),
        ("default", Value::Null),
    ] {
        app.response(&json!({"model": "primary", "input": "hi", "service_tier": word}))
            .await;
        let sent = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
        assert_eq!(sent["serviceTier"], tier, "{word}");
    }
}
