//! Where whole responses are stored, a request goes on from one by its id, and it can be read and deleted.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::keys::send;
use crate::support::responses::last_response;
use crate::support::{PRIMARY, TestApp, none_refused, thoughtful_and_redacted};

use super::{WHOLE, after, ask, days, expire, last_messages, reference, refused, stored, user};

async fn app() -> TestApp {
    TestApp::builder().settings(WHOLE).start().await
}

/// All text that stands in the messages, in order.
fn texts(messages: &Value) -> Vec<String> {
    let messages = messages.as_array().unwrap().iter();
    let content = messages.flat_map(|message| message["content"].as_array().unwrap());
    let texts = content.filter_map(|block| block["text"].as_str());
    texts.map(str::to_owned).collect()
}

async fn delete(app: &TestApp, response: &Value) -> (StatusCode, Value) {
    let id = response["id"].as_str().unwrap();
    let request = app.http.delete(format!("{}/v1/responses/{id}", app.url));
    let response = request
        .bearer_auth(crate::support::KEY)
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_request_goes_on_from_a_response_as_if_it_brought_everything() {
    let app = app().await;
    let other = app.another_instance().await;
    let mut body = ask("what is there?");
    body["tools"] = json!([{"type": "function", "name": "look", "parameters": {"type": "object"}}]);
    body["reasoning"] = json!({"effort": "low"});
    body["instructions"] = json!("Be brief.");
    app.bedrock
        .script(PRIMARY, [Step::reply(thoughtful_and_redacted())]);
    let first = last_response(&app.response_events(&body).await);
    assert_eq!(first["store"], true);
    assert_eq!(first["previous_response_id"], Value::Null);
    assert_eq!(days(&app, &first).await, 30);

    let call = &first["output"][1];
    body["input"] =
        json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "a tree"}]);
    body["previous_response_id"] = first["id"].clone();
    app.bedrock.script(PRIMARY, [Step::text("A tree.")]);
    let second = other.response(&body).await;
    assert_eq!(second["previous_response_id"], first["id"]);
    let sent = app.bedrock.requests().pop().unwrap().body;
    let messages = &sent["messages"];
    assert_eq!(messages[0]["content"][0]["text"], "what is there?");
    let thinking = &messages[1]["content"][0]["reasoningContent"]["reasoningText"];
    assert_eq!(thinking["text"], "I should \"look\".\n");
    let result = &messages[2]["content"][0]["toolResult"];
    // An id that may come again goes out with a suffix, and back without it.
    let written = result["toolUseId"].as_str().unwrap();
    let of_client = call["call_id"].as_str().unwrap();
    assert!(of_client.starts_with(written), "{of_client}: {written}");
    assert_eq!(sent["system"][0]["text"], "Be brief.");

    // Instructions are those of the request alone.
    let mut third = after(&second, "and then?");
    third["tools"] = body["tools"].clone();
    app.response(&third).await;
    let sent = app.bedrock.requests().pop().unwrap().body;
    assert!(
        sent.get("system").is_none_or(|system| system == &json!([])),
        "{sent}"
    );
    let texts = texts(&sent["messages"]);
    assert_eq!(texts, ["what is there?", "A tree.", "and then?"]);
    none_refused(&app);
}

/// The prompt cache hangs on it.
#[tokio::test]
async fn what_bedrock_is_sent_is_byte_for_byte_what_a_client_sends_that_brings_everything() {
    let app = app().await;
    let first = app.response(&ask("one")).await;
    app.response(&after(&first, "two")).await;
    let referred = app.bedrock.requests().pop().unwrap().body;
    let input = json!([user("one"), first["output"][0], user("two")]);
    app.response(&json!({"model": "primary", "input": input}))
        .await;
    let brought = app.bedrock.requests().pop().unwrap().body;
    assert_eq!(referred.to_string(), brought.to_string());
}

#[tokio::test]
async fn a_chain_of_a_hundred_responses_is_whole_at_its_end() {
    let app = app().await;
    let mut last = app.response(&ask("question 0")).await;
    for n in 1..100 {
        app.bedrock
            .script(PRIMARY, [Step::text(format!("answer {n}"))]);
        last = app.response(&after(&last, &format!("question {n}"))).await;
        assert_eq!(last["store"], true);
    }
    app.response(&after(&last, "the last")).await;
    let texts = texts(&last_messages(&app));
    assert_eq!(texts.len(), 201);
    assert_eq!(texts[0], "question 0");
    for n in 1..100 {
        assert_eq!(texts[2 * n], format!("question {n}"));
        assert_eq!(texts[2 * n + 1], format!("answer {n}"));
    }
    none_refused(&app);
}

#[tokio::test]
async fn two_may_go_on_from_the_same_response() {
    let app = app().await;
    let first = app.response(&ask("one")).await;
    for way in ["left", "right"] {
        let second = app.response(&after(&first, way)).await;
        app.response(&after(&second, "and then?")).await;
        let texts = texts(&last_messages(&app));
        assert_eq!(texts.len(), 5);
        assert_eq!((&*texts[0], &*texts[2]), ("one", way));
    }
}

#[tokio::test]
async fn what_is_not_stored_is_not_found_in_openai_s_words() {
    let app = app().await;
    let mut body = ask("one");
    body["store"] = json!(false);
    let unstored = app.response(&body).await;
    let deleted = app.response(&ask("one")).await;
    assert_eq!(delete(&app, &deleted).await.0, 200);
    let expired = app.response(&ask("one")).await;
    expire(&app, &expired).await;
    let root = app.response(&ask("one")).await;
    let headless = app.response(&after(&root, "two")).await;
    assert_eq!(delete(&app, &root).await.0, 200);
    let strange = json!({"id": "resp_abc"});
    for response in [&unstored, &deleted, &expired, &headless, &strange] {
        let (status, error) = refused(&app, &after(response, "more")).await;
        assert_eq!(status, 400);
        assert_eq!(error["code"], "previous_response_not_found");
        assert_eq!(error["param"], "previous_response_id");
        let message = error["message"].as_str().unwrap();
        let id = response["id"].as_str().unwrap();
        let sentence = format!("Previous response with id '{id}' not found.");
        assert!(message.starts_with(&sentence), "{message}");
    }
}

#[tokio::test]
async fn a_response_is_read_as_it_was_and_deleted_once() {
    let app = app().await;
    let mut body = ask("what is there?");
    body["reasoning"] = json!({"effort": "low"});
    let reply = || Step::reply(ScriptedReply::text("A tree.").with_thinking("Hm."));
    app.bedrock.script(PRIMARY, [reply(), reply()]);
    for response in [
        app.response(&body).await,
        last_response(&app.response_events(&body).await),
    ] {
        let id = response["id"].as_str().unwrap();
        for path in [format!("/v1/responses/{id}"), format!("/responses/{id}")] {
            assert_eq!(app.get_json(&path).await, response);
        }
        let path = format!("/v1/responses/{id}?include%5B%5D=reasoning.encrypted_content");
        let with_thinking = app.get_json(&path).await;
        assert!(with_thinking["output"][0]["encrypted_content"].is_string());
        let path = format!("/v1/responses/{id}?stream=true&starting_after=3");
        assert_eq!(app.get(&path).send().await.unwrap().status(), 400);

        let (status, gone) = delete(&app, &response).await;
        assert_eq!(status, 200);
        assert_eq!(
            gone,
            json!({"id": id, "object": "response", "deleted": true})
        );
        assert_eq!(stored(&app, &response).await, None);
        let (status, error) = delete(&app, &response).await;
        assert_eq!(status, 404);
        let sentence = format!("Response with id '{id}' not found.");
        assert_eq!(error["error"]["message"], sentence);
        let path = format!("/v1/responses/{id}");
        assert_eq!(app.get(&path).send().await.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn the_input_of_a_response_is_listed_in_pages_without_what_was_before() {
    let app = app().await;
    let first = app.response(&ask("zero")).await;
    let mut body = after(&first, "");
    body["input"] = json!([user("one"), reference(&first["output"][0]), user("two")]);
    let second = app.response(&body).await;
    let id = second["id"].as_str().unwrap();
    let path = format!("/v1/responses/{id}/input_items");
    let listed = app.get_json(&format!("{path}?order=asc")).await;
    assert_eq!(listed["object"], "list");
    assert_eq!(listed["has_more"], false);
    let data = listed["data"].as_array().unwrap();
    assert_eq!(data.len(), 3);
    assert_eq!(data[0]["content"][0]["text"], "one");
    assert_eq!(data[1], first["output"][0], "what it referred to");
    assert!(data[2]["id"].as_str().unwrap().starts_with("msg_"));
    let newest = app.get_json(&format!("{path}?limit=1")).await;
    assert_eq!(newest["data"][0], data[2]);
    assert_eq!(newest["has_more"], true);
    let after = newest["last_id"].as_str().unwrap();
    let rest = app.get_json(&format!("{path}?after={after}")).await;
    assert_eq!(rest["data"], json!([data[1], data[0]]));
    for query in ["limit=0", "limit=many", "order=up", "after=msg_1"] {
        let response = app.get(&format!("{path}?{query}")).send().await.unwrap();
        assert_eq!(response.status(), 400, "{query}");
    }
}

#[tokio::test]
async fn pictures_and_long_prompts_come_back_from_several_pieces() {
    let app = app().await;
    // Noise, so that it does not become small.
    let noise: String = (0..900_000).map(|_| fastrand::alphanumeric()).collect();
    let picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let mut body = ask("");
    body["input"] = json!([{"role": "user", "content": [
        {"type": "input_text", "text": noise}, {"type": "input_image", "image_url": picture}]}]);
    let first = app.response(&body).await;
    let pieces = stored(&app, &first).await.unwrap()["pieces"]
        .as_u64()
        .unwrap();
    assert!(pieces > 1, "{pieces}");
    app.response(&after(&first, "and then?")).await;
    let messages = last_messages(&app);
    assert_eq!(messages[0]["content"][0]["text"], noise);
    assert_eq!(messages[0]["content"][1]["image"]["format"], "png");
    assert_eq!(delete(&app, &first).await.0, 200);
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        app.get(&format!("/v1/responses/{id}"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_conversation_that_outgrows_a_request_is_refused_with_what_can_be_done() {
    let settings = format!(
        "{}  max_request_size_mb: 0.1\n",
        "general_settings:\n  store_responses: 30d\n"
    );
    let app = TestApp::builder().settings(&settings).start().await;
    let long = "a long story ".repeat(4_000);
    let first = app.response(&ask(&long)).await;
    let second = app.response(&after(&first, "go on")).await;
    let (status, error) = refused(&app, &after(&second, &long)).await;
    assert_eq!(status, 400);
    assert_eq!(error["param"], "previous_response_id");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("/v1/responses/compact"), "{message}");
    app.response(&after(&second, "go on")).await;
}

#[tokio::test]
async fn an_odd_surrogate_in_an_input_does_not_keep_it_from_being_continued() {
    let app = app().await;
    let body = r#"{"model": "primary", "input": "half \ud83d of it"}"#;
    let request = app.post("/v1/responses", &json!({})).body(body);
    let first: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(first["store"], true, "{first}");
    app.response(&after(&first, "more")).await;
    assert_eq!(
        last_messages(&app)[0]["content"][0]["text"],
        "half \u{fffd} of it"
    );
}

#[tokio::test]
async fn what_there_is_not_is_a_clear_refusal() {
    let app = app().await;
    let first = app.response(&ask("one")).await;
    let id = first["id"].as_str().unwrap();
    for (field, value) in [
        ("conversation", json!("conv_1")),
        ("prompt", json!({"id": "pmpt_1"})),
        ("background", json!(true)),
    ] {
        let mut body = ask("one");
        body[field] = value;
        let (status, error) = refused(&app, &body).await;
        assert_eq!((status, &error["param"]), (400, &json!(field)));
    }
    let path = format!("/v1/responses/{id}/cancel");
    let response = app.post(&path, &json!({})).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let response = app
        .post("/v1/conversations", &json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn the_tokens_of_a_prompt_are_counted_with_what_it_goes_on_from() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    let long = "word ".repeat(1000);
    let first = app.response(&ask(&long)).await;
    let count = async |body: &Value| {
        let request = app.post("/v1/responses/input_tokens", body);
        let (status, counted) = send(request).await;
        assert_eq!(status, 200, "{counted}");
        assert_eq!(counted["object"], "response.input_tokens");
        counted["input_tokens"].as_u64().unwrap()
    };
    let alone = count(&ask("And then?")).await;
    let together = count(&after(&first, "And then?")).await;
    assert!(alone < 100 && together > 1000, "{alone} {together}");
    let unknown = json!({"model": "primary", "input": "hi", "previous_response_id": "resp_none"});
    let (status, refused) = send(app.post("/v1/responses/input_tokens", &unknown)).await;
    assert_eq!(status, 400);
    assert_eq!(refused["error"]["code"], "previous_response_not_found");
}
