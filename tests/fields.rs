//! What a request says beside the conversation reaches Bedrock, or is named.

use bedrock_sidecar::simulator::{RawEvent, Step};
use serde_json::{Value, json};

use crate::support::{DROPPED, KEY, PRIMARY, TestApp, header, hello, hello_with, validation_error};

async fn refusal(app: &TestApp, body: &Value) -> (String, String) {
    let response = app.chat(body).await;
    assert_eq!(response.status(), 400, "{body}");
    let error: Value = response.json().await.unwrap();
    let text = |field: &str| {
        error["error"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("param"), text("message"))
}

#[tokio::test]
async fn guardrail_tier_latency_and_tags_go_to_bedrock() {
    let app = TestApp::builder().settings("general_settings: {bedrock_request_metadata_fields: [key_alias, session_id, nothing]}\n").start()
    .await;
    let mut body = hello_with("primary", "service_tier", json!("flex"));
    body["guardrailConfig"] = json!({"guardrailIdentifier": "g", "guardrailVersion": "DRAFT"});
    body["performanceConfig"] = json!({"latency": "optimized"});
    body["requestMetadata"] = json!({"team": "search"});
    body["anthropic_beta"] = json!(["context-1m-2025-08-07"]);
    body["litellm_session_id"] = json!("task|7");
    app.chat_json(&body).await;
    let sent = &app.bedrock.requests_for(PRIMARY)[0].body;
    assert_eq!(sent["serviceTier"], json!({"type": "flex"}));
    assert_eq!(sent["guardrailConfig"], body["guardrailConfig"]);
    assert_eq!(sent["performanceConfig"], json!({"latency": "optimized"}));
    let tags = &sent["requestMetadata"];
    assert_eq!(
        (&tags["team"], &tags["session_id"]),
        (&json!("search"), &json!("task_7"))
    );
    assert!(tags["key_alias"].is_string() && !tags.to_string().contains(KEY));
    assert_eq!(
        sent["additionalModelRequestFields"],
        json!({"anthropic_beta": ["context-1m-2025-08-07"]})
    );
}

/// So many tags of a client's, in its own order, which is not the alphabet's.
fn many(tags: usize) -> Value {
    let tags = (0..tags).map(|n| (format!("{}-{n}", (b'z' - n as u8) as char), json!("v")));
    Value::Object(tags.collect())
}

#[tokio::test]
async fn tags_of_the_gateway_s_own_stay_whatever_a_client_adds() {
    let yaml = r#"
model_list:
  - model_name: primary
    litellm_params:
      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      requestMetadata: {team: search}
general_settings: {bedrock_request_metadata_fields: [key_alias, session_id]}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let dropped = "x-sidecar-dropped-request-metadata";
    for stream in [false, true] {
        let mut body = hello_with("primary", "requestMetadata", many(16));
        body["requestMetadata"]["z-0"] = json!("first");
        body["litellm_session_id"] = json!("task-7");
        body["stream"] = json!(stream);
        let response = app.chat(&body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, dropped), "m-13, l-14, k-15", "{stream}");
        let tags =
            app.bedrock.requests_for(PRIMARY).last().unwrap().body["requestMetadata"].clone();
        assert_eq!(tags.as_object().unwrap().len(), 16);
        assert_eq!(
            (&tags["team"], &tags["session_id"]),
            (&json!("search"), &json!("task-7"))
        );
        assert!(tags["key_alias"].is_string(), "{tags}");
        assert_eq!(
            (&tags["z-0"], &tags["n-12"]),
            (&json!("first"), &json!("v"))
        );
    }

    // A client cannot say another key's name; it may say another value for what the deployment says.
    let tags = json!({"key_alias": "another", "team": "mine"});
    let response = app
        .chat(&hello_with("primary", "requestMetadata", tags))
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().get(dropped).is_none());
    let tags = app.bedrock.requests_for(PRIMARY).last().unwrap().body["requestMetadata"].clone();
    assert_ne!(tags["key_alias"], "another");
    assert_eq!(tags["team"], "mine");
}

#[tokio::test]
async fn a_field_that_cannot_be_honoured_is_named_unless_the_client_wants_it_ignored() {
    let app = TestApp::new().await;
    let (param, message) = refusal(&app, &hello_with("primary", "logprobs", json!(true))).await;
    assert_eq!(param, "logprobs");
    assert!(
        message.contains("'logprobs'") && message.contains("drop_params"),
        "{message}"
    );
    let mut body = hello_with("primary", "logprobs", json!(true));
    body["drop_params"] = json!(true);
    let response = app.chat(&body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, DROPPED), "logprobs");
    let dropping = TestApp::builder().config("model_list: [{model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, drop_params: true}}]\n").start()
    .await;
    dropping
        .chat_json(&hello_with("primary", "logprobs", json!(true)))
        .await;
}

/// Names what of a request goes no further.
#[tokio::test]
async fn fields_that_nobody_here_knows_are_left_out_and_the_reply_names_them() {
    let app = TestApp::new().await;
    let chat = hello("primary");
    let messages = json!({"model": "primary", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let responses = json!({"model": "primary", "input": "hi"});
    for (path, mut body) in [
        ("/v1/chat/completions", chat),
        ("/v1/messages", messages),
        ("/v1/responses", responses),
    ] {
        for stream in [false, true] {
            body["stream"] = json!(stream);
            let plain = app.post(path, &body).send().await.unwrap();
            assert!(plain.headers().get(DROPPED).is_none(), "{path}");
            let mut asked = body.clone();
            asked["of_tomorrow"] = json!({"temperature": 7});
            asked["thread\r\nx-y: z"] = json!([1]);
            let reply = app.post(path, &asked).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path}");
            assert_eq!(header(&reply, DROPPED), "of_tomorrow, thread__x-y: z");
            let seen = app.bedrock.requests();
            let [.., before, after] = seen.as_slice() else {
                panic!("two requests")
            };
            assert_eq!(before.body, after.body, "{path}");
        }
    }
}

#[tokio::test]
async fn bookkeeping_in_a_form_that_nobody_here_knows_is_left_out_by_its_name() {
    let app = TestApp::new().await;
    let chat = hello("primary");
    let responses = json!({"model": "primary", "input": "hi"});
    let odd = [
        json!({"of": ["tomorrow"]}),
        json!([7]),
        json!(7),
        json!(true),
    ];
    for (path, body, fields) in [
        (
            "/v1/chat/completions",
            &chat,
            &["user", "litellm_session_id", "stream_options"][..],
        ),
        (
            "/v1/responses",
            &responses,
            &["user", "safety_identifier", "prompt_cache_key", "include"],
        ),
        (
            "/v1/chat/completions",
            &chat,
            &["prompt_cache_options", "moderation"],
        ),
        (
            "/v1/responses",
            &responses,
            &["prompt_cache_options", "moderation", "thread"],
        ),
    ] {
        for (at, value) in odd.iter().enumerate() {
            for field in fields {
                let mut body = body.clone();
                body[field] = value.clone();
                body["stream"] = json!(at % 2 == 0);
                let reply = app.post(path, &body).send().await.unwrap();
                assert_eq!(reply.status(), 200, "{path} {field} {value}");
                let dropped = header(&reply, DROPPED);
                let expected = match (*field, value) {
                    // These have the form that they are known in.
                    ("include", Value::Array(_)) | ("stream_options", Value::Object(_)) => "",
                    _ => field,
                };
                assert_eq!(dropped, expected, "{path} {value}");
            }
        }
    }
    for value in &odd {
        let mut body = chat.clone();
        body["messages"][0]["name"] = value.clone();
        let answered =
            json!({"role": "assistant", "content": "So.", "thinking_blocks": value, "name": value});
        let messages = body["messages"].as_array_mut().unwrap();
        messages.extend([answered, json!({"role": "user", "content": "And?"})]);
        assert_eq!(app.chat(&body).await.status(), 200, "{value}");
    }
    let mut body = chat;
    body["stream_options"] = json!({"include_usage": "of course"});
    let reply = app.chat(&body).await;
    assert_eq!(header(&reply, DROPPED), "stream_options.include_usage");
}

#[tokio::test]
async fn guardrails_of_litellm_are_refused_unless_they_are_to_be_ignored() {
    let app = TestApp::new().await;
    let mut messages = hello("primary");
    messages["max_tokens"] = json!(9);
    for (path, body) in [
        ("/v1/chat/completions", hello("primary")),
        ("/v1/messages", messages),
        ("/v1/responses", json!({"model": "primary", "input": "hi"})),
    ] {
        for wanted in [json!(["pii"]), json!([{"pii": {"extra_body": {}}}])] {
            for stream in [false, true] {
                let mut body = body.clone();
                body["guardrails"] = wanted.clone();
                body["stream"] = json!(stream);
                let reply = app.post(path, &body).send().await.unwrap();
                assert_eq!(reply.status(), 400, "{path}");
                let text = reply.text().await.unwrap();
                assert!(
                    text.contains("'guardrails'") && text.contains("drop_params"),
                    "{text}"
                );
                body["drop_params"] = json!(true);
                let reply = app.post(path, &body).send().await.unwrap();
                assert_eq!(reply.status(), 200, "{path}");
                assert_eq!(header(&reply, DROPPED), "guardrails");
            }
        }
        for nothing in [json!([]), json!(null)] {
            let mut body = body.clone();
            body["guardrails"] = nothing;
            let reply = app.post(path, &body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path}");
            assert!(reply.headers().get(DROPPED).is_none());
        }
    }
}

#[tokio::test]
async fn what_a_field_must_be_is_said_with_its_name() {
    let app = TestApp::new().await;
    let cases = [
        ("service_tier", json!("gold"), "service_tier"),
        (
            "guardrailConfig",
            json!({"guardrailIdentifier": "g"}),
            "guardrailConfig.guardrailVersion",
        ),
        (
            "performanceConfig",
            json!({"latency": "fast"}),
            "performanceConfig.latency",
        ),
        (
            "requestMetadata",
            json!({"a": "\u{e9}"}),
            "requestMetadata.a",
        ),
        ("requestMetadata", json!({"a": 1}), "requestMetadata.a"),
        ("functions", json!([{"name": "f"}]), "functions"),
    ];
    for (field, value, expected) in cases {
        let (param, message) = refusal(&app, &hello_with("primary", field, value)).await;
        assert_eq!(param, expected, "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_pdf_reaches_a_model_that_reads_them() {
    let app = TestApp::new().await;
    let mut body = hello("primary");
    body["messages"][0]["content"] = json!([
        {"type": "file", "file": {"filename": "Q3 report.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
    ]);
    app.chat_json(&body).await;
    assert_eq!(
        app.bedrock.requests_for(PRIMARY)[0].body["messages"][0]["content"],
        json!([
            {"text": "."},
            {"document": {"format": "pdf", "name": "Q3 report", "source": {"bytes": "JVBERi0="}}},
        ])
    );
    body["messages"][0]["content"] = json!([{"type": "file", "file": {"file_id": "file-abc"}}]);
    let (param, _) = refusal(&app, &body).await;
    assert_eq!(param, "messages[0].content[0].file.file_data");
}

#[tokio::test]
async fn a_picture_elsewhere_is_fetched_from_no_host_that_is_not_allowed_and_never_from_inside() {
    let app = TestApp::builder()
        .settings(
            "general_settings: {user_url_allowed_hosts: [localhost, 127.0.0.1, 169.254.169.254]}\n",
        )
        .start()
        .await;
    for (url, why) in [
        ("https://example.com/a.png", "fetches nothing"),
        ("http://localhost/a.png", "private address"),
        ("http://127.0.0.1/a.png", "private address"),
        ("http://169.254.169.254/latest/meta-data", "private address"),
        ("HTTP://2130706433/a.png", "private address"),
    ] {
        let mut body = hello("primary");
        body["messages"][0]["content"] = json!([
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]);
        let (param, message) = refusal(&app, &body).await;
        assert_eq!(param, "messages[0].content[1].image_url");
        assert!(message.contains(why), "{url}: {message}");
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn what_an_answer_rests_on_is_in_its_annotations() {
    let app = TestApp::new().await;
    let delta = |block: u32, delta: Value| {
        RawEvent::new(
            "contentBlockDelta",
            json!({"contentBlockIndex": block, "delta": delta}),
        )
    };
    let events = || {
        Step::events(vec![
            RawEvent::new("messageStart", json!({"role": "assistant"})),
            delta(0, json!({"text": "Sö: "})),
            delta(1, json!({"text": "it rose."})),
            delta(
                1,
                json!({"citation": {
                    "title": "Q3 report", "sourceContent": [{"text": "rose by 3"}],
                    "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
                }}),
            ),
            delta(
                1,
                json!({"citation": {"title": "News", "location": {"web": {"url": "https://example.com/n"}}}}),
            ),
            RawEvent::new("messageStop", json!({"stopReason": "end_turn"})),
            RawEvent::new(
                "metadata",
                json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}}),
            ),
        ])
    };
    let expected = json!([
        {"type": "file_citation", "file_citation": {"start_index": 4, "end_index": 12, "filename": "Q3 report", "quote": "rose by 3"}},
        {"type": "url_citation", "url_citation": {"start_index": 4, "end_index": 12, "url": "https://example.com/n", "title": "News"}},
    ]);
    app.bedrock.script(PRIMARY, [events(), events()]);
    let reply = app.chat_json(&hello("primary")).await;
    let message = &reply["choices"][0]["message"];
    assert_eq!(message["content"], "Sö: it rose.");
    assert_eq!(message["annotations"], expected);
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let text = app.chat(&body).await.text().await.unwrap();
    for (index, annotation) in expected.as_array().unwrap().iter().enumerate() {
        let kind = annotation["type"].as_str().unwrap();
        let entry = format!("\"annotations\":[{{\"index\":{index},\"type\":\"{kind}\"");
        assert!(text.contains(&entry), "{text}");
    }
}

#[tokio::test]
async fn a_field_that_a_model_turns_out_to_refuse_is_left_out_from_then_on() {
    let app = TestApp::new().await;
    let refusal = |field: &str| {
        let message =
            format!("This model doesn't support the {field} field. Remove {field} and try again.");
        validation_error(&message)
    };
    app.bedrock
        .script(PRIMARY, [refusal("temperature"), refusal("stopSequences")]);
    let mut request = hello("primary");
    request["temperature"] = json!(0.5);
    request["stop"] = json!(["x"]);
    app.chat_json(&request).await;
    app.chat_json(&request).await;
    let seen = app.bedrock.requests();
    let sent: Vec<(bool, bool)> = seen
        .iter()
        .map(|seen| {
            let config = &seen.body["inferenceConfig"];
            (
                config.get("temperature").is_some(),
                config.get("stopSequences").is_some(),
            )
        })
        .collect();
    assert_eq!(
        sent,
        [(true, true), (false, true), (false, false), (false, false)]
    );
}

/// What of a request its target lacks: each request goes on, and its reply says what the model does without.
#[tokio::test]
async fn what_the_answering_model_lacks_is_named() {
    let app = TestApp::builder()
        .config(
            "model_list:
  - {model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-5-5}}
  - {model_name: llama, litellm_params: {model: bedrock/us.meta.llama3-3-70b-instruct-v1:0}}
",
        )
        .start()
        .await;
    let function = json!({"name": "read", "parameters": {"type": "object"}});
    let tools = json!([{"type": "function", "function": function}]);
    let named = json!({"type": "function", "function": {"name": "read"}});
    let table = [
        (
            "primary",
            json!({"tools": tools, "tool_choice": "required"}),
            "tool_choice",
        ),
        (
            "primary",
            json!({"tools": tools, "tool_choice": named}),
            "tool_choice",
        ),
        (
            "llama",
            json!({"tools": tools, "tool_choice": named}),
            "tool_choice",
        ),
        (
            "primary",
            json!({"temperature": 0.5, "stop": ["x"]}),
            "temperature",
        ),
        (
            "primary",
            json!({"top_k": 4, "diagnostics": 1}),
            "diagnostics, top_k",
        ),
        (
            "primary",
            json!({"tools": tools, "tool_choice": "auto", "stop": ["x"]}),
            "",
        ),
        ("llama", json!({"temperature": 0.5, "top_p": 0.5}), ""),
    ];
    for (model, fields, dropped) in table {
        for stream in [false, true] {
            let mut body = hello(model);
            body["stream"] = json!(stream);
            for (field, value) in fields.as_object().unwrap() {
                body[field] = value.clone();
            }
            let response = app.chat(&body).await;
            assert_eq!(response.status(), 200, "{body}");
            let said = response.headers().get("x-sidecar-dropped");
            let said = said.map_or("", |names| names.to_str().unwrap());
            assert_eq!(said, dropped, "{body}");
        }
    }
    let tools = json!([{"name": "read", "input_schema": {"type": "object"}}]);
    let mut message = hello("primary");
    message["max_tokens"] = json!(9);
    message["tools"] = tools;
    message["tool_choice"] = json!({"type": "any"});
    let mut response = hello("primary");
    response["input"] = json!("hello");
    response["tools"] =
        json!([{"type": "function", "name": "read", "parameters": {"type": "object"}}]);
    response["tool_choice"] = json!("required");
    response.as_object_mut().unwrap().remove("messages");
    for (path, body) in [("/v1/messages", message), ("/v1/responses", response)] {
        let reply = app.post(path, &body).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, "x-sidecar-dropped"), "tool_choice", "{path}");
    }
}
