//! A conversation that has grown too long goes on from a summary: as Codex asks for it, as OpenAI's SDKs do, and as VS Code
//! does.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::keys::{key, post_with, send};
use crate::support::responses::last_response;
use crate::support::{BACKUP, DROPPED, PRIMARY, TestApp, header, none_refused};

const SUMMARY: &str = "The user's cat is called Miezi. Next: find her.";

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

fn assistant(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

/// A session as Codex replays it.
fn session() -> Value {
    json!({"model": "primary", "store": false, "instructions": "You are an agent.",
        "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"},
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
        "input": [user("My cat is called Miezi."), assistant("I look for her."),
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "no cat"}]})
}

fn with(mut body: Value, items: &[Value]) -> Value {
    body["input"]
        .as_array_mut()
        .unwrap()
        .extend_from_slice(items);
    body
}

fn trigger() -> Value {
    json!({"type": "compaction_trigger"})
}

/// All that the model was last sent, as text.
fn last_sent(app: &TestApp) -> Value {
    app.bedrock.requests().pop().expect("a request").body
}

/// Goes on from a compaction as a client does, and returns what the model is sent.
async fn go_on(app: &TestApp, items: &[Value]) -> Value {
    let mut body = session();
    body["input"] = json!([]);
    let body = with(body, &[items, &[user("And now?")]].concat());
    app.bedrock.script(PRIMARY, [Step::text("I go on.")]);
    app.response(&body).await;
    none_refused(app);
    last_sent(app)["messages"].clone()
}

#[tokio::test]
async fn a_trigger_at_the_end_gets_one_compaction_that_goes_on_later() {
    let app = TestApp::new().await;
    for stream in [true, false] {
        let reply = ScriptedReply::text(SUMMARY).with_thinking("What matters?");
        app.bedrock.script(PRIMARY, [Step::reply(reply)]);
        let body = with(session(), &[trigger()]);
        let response = match stream {
            true => {
                let events = app.response_events(&body).await;
                let done: Vec<&Value> = events
                    .iter()
                    .filter(|event| event["type"] == "response.output_item.done")
                    .collect();
                assert_eq!(done.len(), 1);
                assert_eq!(done[0]["item"]["type"], "compaction");
                last_response(&events)
            }
            false => app.response(&body).await,
        };
        assert_eq!(response["status"], "completed");
        assert!(response["usage"]["output_tokens"].as_u64().unwrap() > 0);
        let output = response["output"].as_array().unwrap();
        assert_eq!(output.len(), 1);
        assert!(output[0]["id"].as_str().unwrap().starts_with("cmp_"));

        // The prompt is what it was before, with one question more: it is read from the cache.
        let asked = last_sent(&app);
        let messages = asked["messages"].as_array().unwrap();
        assert_eq!(messages[0]["content"][0]["text"], "My cat is called Miezi.");
        assert_eq!(asked["toolConfig"]["tools"][0]["toolSpec"]["name"], "look");
        assert!(asked["toolConfig"].get("toolChoice").is_none());
        assert!(asked["inferenceConfig"]["maxTokens"].as_u64().unwrap() >= 16_384);
        let last = messages.last().unwrap()["content"].as_array().unwrap();
        let question = last
            .iter()
            .find_map(|block| block["text"].as_str())
            .unwrap();
        assert!(question.contains("summary"), "{question}");

        let messages = go_on(&app, &[user("An old question."), output[0].clone()]).await;
        let texts = messages.to_string();
        assert!(texts.contains("Miezi") && texts.contains("An old question."));
        assert!(!texts.contains("no cat"));
    }
}

#[tokio::test]
async fn a_compaction_is_a_turn_like_any_other_for_its_key() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"rpm_limit": 2, "max_budget": 5})).await;
    let body = with(session(), &[trigger()]);
    app.bedrock
        .script(PRIMARY, [Step::text(SUMMARY), Step::text(SUMMARY)]);
    let (status, response) = send(post_with(&app, &key, "/v1/responses", &body)).await;
    assert_eq!(status, 200);
    let record = app.record(response["id"].as_str().unwrap()).await;
    assert_eq!(record["call_type"], "aresponses");
    assert!(record["spend"].as_f64().unwrap() > 0.0, "{record}");
    let (status, response) = send(post_with(&app, &key, "/v1/responses/compact", &session())).await;
    assert_eq!(status, 200);
    let record = app.record(response["id"].as_str().unwrap()).await;
    assert_eq!(record["call_type"], "acompact_responses");
    assert!(record["spend"].as_f64().unwrap() > 0.0, "{record}");
    let (status, _) = send(post_with(&app, &key, "/v1/responses/compact", &session())).await;
    assert_eq!(status, 429);
    assert_eq!(app.bedrock.requests().len(), 2);
}

#[tokio::test]
async fn the_compact_route_gives_the_conversation_that_its_client_goes_on_with() {
    let app = TestApp::new().await;
    for path in ["/v1/responses/compact", "/responses/compact"] {
        app.bedrock.script(PRIMARY, [Step::text(SUMMARY)]);
        let mut body = with(session(), &[user("Where is she?")]);
        body["stream"] = json!(true);
        let (status, compacted) = send(app.post(path, &body)).await;
        assert_eq!(status, 200, "{compacted}");
        assert_eq!(compacted["object"], "response.compaction");
        assert!(compacted["created_at"].is_i64());
        assert!(compacted["usage"]["input_tokens"].as_u64().unwrap() > 0);
        let output = compacted["output"].as_array().unwrap();
        for (item, text) in output
            .iter()
            .zip(["My cat is called Miezi.", "Where is she?"])
        {
            assert_eq!(
                (&item["type"], &item["role"]),
                (&json!("message"), &json!("user"))
            );
            assert_eq!(item["content"][0]["text"], text);
            assert!(item["id"].as_str().unwrap().starts_with("msg_"));
        }
        assert_eq!(output[2]["type"], "compaction");
        assert_eq!(output.len(), 3);
        let texts = go_on(&app, output).await.to_string();
        assert!(texts.contains("find her") && !texts.contains("no cat"));
    }
}

#[tokio::test]
async fn a_stored_conversation_is_compacted_by_its_response_s_id() {
    let settings = "general_settings: {store_responses: 30d}\n";
    let app = TestApp::builder().settings(settings).start().await;
    let first = app
        .response(&json!({"model": "primary", "input": "My cat is called Miezi."}))
        .await;
    let body = json!({"model": "primary", "input": [user("Where is she?")], "previous_response_id": first["id"]});
    app.bedrock.script(PRIMARY, [Step::text(SUMMARY)]);
    let (status, compacted) = send(app.post("/v1/responses/compact", &body)).await;
    assert_eq!(status, 200, "{compacted}");
    assert!(
        last_sent(&app)["messages"]
            .to_string()
            .contains("My cat is called Miezi.")
    );
    let output = compacted["output"].as_array().unwrap();
    assert_eq!(
        output.len(),
        3,
        "both messages of the user, and the compaction"
    );
    assert_eq!(output[0]["type"], "message");
    assert_eq!(output[0]["content"][0]["text"], "My cat is called Miezi.");
}

/// As VS Code asks: the client hears nothing of a compaction that is not needed.
#[tokio::test]
async fn a_prompt_above_its_threshold_is_compacted_before_it_is_answered() {
    let app = TestApp::new().await;
    let long = "She is black and white. ".repeat(1_000);
    for stream in [true, false] {
        for (threshold, is_compacted) in [(1_000, true), (100_000, false)] {
            let mut body = with(session(), &[user(&long), user("Where is she now?")]);
            body["context_management"] =
                json!([{"type": "compaction", "compact_threshold": threshold}]);
            if is_compacted {
                app.bedrock.script(PRIMARY, [Step::text(SUMMARY)]);
            }
            let call = ScriptedReply::text("In the garden.").with_tool("look", &json!({}));
            app.bedrock.script(PRIMARY, [Step::reply(call)]);
            let before = app.bedrock.requests().len();
            let response = match stream {
                true => last_response(&app.response_events(&body).await),
                false => app.response(&body).await,
            };
            let asked = app.bedrock.requests().split_off(before);
            assert_eq!(asked.len(), 1 + usize::from(is_compacted));
            let kinds: Vec<&str> = response["output"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["type"].as_str().unwrap())
                .collect();
            let answer = asked.last().unwrap().body["messages"].to_string();
            if !is_compacted {
                assert_eq!(kinds, ["message", "function_call"]);
                assert!(answer.contains("no cat"));
                continue;
            }
            assert_eq!(kinds, ["compaction", "message", "function_call"]);
            assert!(answer.contains("Miezi") && answer.contains("Where is she now?"));
            assert!(!answer.contains("no cat") && !answer.contains("black and white"));
            // Its client drops all before the compaction.
            let call = &response["output"][2];
            let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "there"});
            let mut items = response["output"].as_array().unwrap().clone();
            items.push(result);
            let texts = go_on(&app, &items).await.to_string();
            assert!(texts.contains("Miezi") && texts.contains("In the garden."));
            assert!(texts.contains("Where is she now?"));
        }
    }
    none_refused(&app);
}

/// Two requests to Bedrock are two records, and both are paid for.
#[tokio::test]
async fn a_compaction_before_an_answer_has_a_record_of_its_own() {
    let app = TestApp::new().await;
    let key = key(&app, json!({"max_parallel_requests": 1, "max_budget": 5})).await;
    let mut body = session();
    body["context_management"] = json!([{"type": "compaction", "compact_threshold": 1}]);
    app.bedrock
        .script(PRIMARY, [Step::text(SUMMARY), Step::text("Here.")]);
    let (status, response) = send(post_with(&app, &key, "/v1/responses", &body)).await;
    assert_eq!(status, 200, "{response}");
    assert_eq!(response["output"][0]["type"], "compaction");
    app.settle().await;
    let rows = app.get_json("/spend/logs").await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["spend"].as_f64().unwrap() > 0.0));
}

#[tokio::test]
async fn an_answer_goes_on_without_a_compaction_that_fails() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    let mut body = session();
    body["disable_fallbacks"] = json!(true);
    body["context_management"] = json!([{"type": "compaction", "compact_threshold": 1}]);
    for failing in [
        Step::throttle(),
        Step::reply(ScriptedReply::tool("look", &json!({}))),
        Step::text("Half").cut_after(2),
        Step::reply(ScriptedReply::text("No.").with_stop("content_filtered")),
    ] {
        app.bedrock.script(PRIMARY, [failing, Step::text("Here.")]);
        let response = last_response(&app.response_events(&body).await);
        assert_eq!(response["status"], "completed");
        assert_eq!(response["output"][0]["content"][0]["text"], "Here.");
        assert!(last_sent(&app)["messages"].to_string().contains("no cat"));
    }
}

#[tokio::test]
async fn what_is_no_summary_is_told_as_a_failure() {
    let app = TestApp::builder()
        .settings("  disable_cooldowns: true\n")
        .start()
        .await;
    for failing in [
        ScriptedReply::tool("look", &json!({})),
        ScriptedReply::text("No.").with_stop("content_filtered"),
        ScriptedReply::text(" "),
    ] {
        let body = with(session(), &[trigger()]);
        let step = || Step::reply(failing.clone());
        app.bedrock.script(PRIMARY, [step(), step(), step()]);
        let response = last_response(&app.response_events(&body).await);
        assert_eq!(response["status"], "failed");
        assert_eq!(response["output"], json!([]));
        for (path, body) in [
            ("/v1/responses", &body),
            ("/v1/responses/compact", &session()),
        ] {
            let (status, error) = send(app.post(path, body)).await;
            assert_eq!(status, 502, "{error}");
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains("no summary"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_fallback_may_write_the_summary() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(BACKUP, [Step::text(SUMMARY)]);
    let response = app.response(&with(session(), &[trigger()])).await;
    assert_eq!(response["output"][0]["type"], "compaction");
}

#[tokio::test]
async fn a_compaction_of_somebody_else_is_refused_and_never_left_out() {
    let app = TestApp::new().await;
    let [own, other] = [key(&app, json!({})).await, key(&app, json!({})).await];
    app.bedrock.script(PRIMARY, [Step::text(SUMMARY)]);
    let body = with(session(), &[trigger()]);
    let (_, response) = send(post_with(&app, &own, "/v1/responses", &body)).await;
    let compaction = &response["output"][0];
    let forged = json!({"type": "compaction", "encrypted_content": "gAAAAABo"});
    let thinking = json!({"type": "context_compaction", "encrypted_content": "e30="});
    let before = app.bedrock.requests().len();
    for (key, item) in [(&other, compaction), (&own, &forged), (&own, &thinking)] {
        let body = json!({"model": "primary", "input": [user("old"), item, user("And now?")]});
        let (status, error) = send(post_with(&app, key, "/v1/responses", &body)).await;
        assert_eq!(status, 400);
        assert_eq!(error["error"]["code"], "invalid_encrypted_content");
        assert_eq!(error["error"]["param"], "input[1].encrypted_content");
    }
    assert_eq!(app.bedrock.requests().len(), before);
    // By any of its names it is its key's.
    for kind in ["compaction", "compaction_summary", "context_compaction"] {
        let item = json!({"type": kind, "encrypted_content": compaction["encrypted_content"]});
        let body = json!({"model": "primary", "input": [item, user("And now?")]});
        let (status, _) = send(post_with(&app, &own, "/v1/responses", &body)).await;
        assert_eq!(status, 200, "{kind}");
        assert!(last_sent(&app)["messages"].to_string().contains("Miezi"));
    }
}

#[tokio::test]
async fn what_asks_for_a_compaction_where_none_can_be_had_is_named() {
    let app = TestApp::new().await;
    for management in [
        json!([{"type": "clear_tool_uses"}]),
        json!([{"type": "compaction"}]),
        json!([{"type": "compaction", "compact_threshold": 1}, {"type": "other"}]),
    ] {
        let mut body = session();
        body["context_management"] = management;
        let response = app.post("/v1/responses", &body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, DROPPED), "context_management");
    }
    // A chat completion has no place for one.
    let body = with(session(), &[trigger()]);
    let response = app
        .post("/v1/chat/completions", &body)
        .send()
        .await
        .unwrap();
    assert!(header(&response, DROPPED).contains("compaction_trigger"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["object"], "chat.completion");
}

/// Where whole responses are stored, what a compaction has summed up is sent to no model again.
#[tokio::test]
async fn a_stored_conversation_goes_on_from_its_last_compaction() {
    let settings = "general_settings: {store_responses: 30d}\n";
    let app = TestApp::builder().settings(settings).start().await;
    let mut body = session();
    body["store"] = json!(true);
    body["input"] = json!([{"role": "developer", "content": "Speak like a cat."}, user("My cat is called Miezi.")]);
    let first = app.response(&body).await;
    body["previous_response_id"] = first["id"].clone();
    body["input"] = json!([user("Where is she?")]);
    body["context_management"] = json!([{"type": "compaction", "compact_threshold": 1}]);
    app.bedrock
        .script(PRIMARY, [Step::text(SUMMARY), Step::text("Here.")]);
    let mut last = app.response(&body).await;
    assert_eq!(last["output"][0]["type"], "compaction");
    body.as_object_mut().unwrap().remove("context_management");
    for n in 0..3 {
        body["previous_response_id"] = last["id"].clone();
        body["input"] = json!([user(&format!("question {n}"))]);
        last = app.response(&body).await;
        let sent = last_sent(&app);
        let texts = sent["messages"].to_string();
        assert!(
            sent["system"].to_string().contains("Speak like a cat."),
            "{sent}"
        );
        assert!(
            texts.contains("find her") && texts.contains("Here.") && texts.contains("question 0")
        );
        assert!(!texts.contains("My cat is called"), "{texts}");
    }
    let id = last["id"].as_str().unwrap();
    let listed = app
        .get_json(&format!("/v1/responses/{id}/input_items"))
        .await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    none_refused(&app);
}
