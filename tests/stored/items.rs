//! The items of an answer are stored unless somebody says no, and a later request may refer to them.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::responses::last_response;
use crate::support::{PRIMARY, TestApp, none_refused, thoughtful_and_redacted};

use super::{ask, days, expire, last_messages, reference, refused, stored, user};

/// A question with a tool, as the Vercel AI SDK asks it.
fn with_tool() -> Value {
    let tool = json!({"type": "function", "name": "look", "parameters": {"type": "object"}});
    json!({"model": "primary", "input": [user("what is there?")], "tools": [tool],
        "reasoning": {"effort": "low"}})
}

#[tokio::test]
async fn an_answer_s_items_can_be_referred_to_as_if_they_were_sent() {
    let app = TestApp::new().await;
    for stream in [false, true] {
        let mut body = with_tool();
        app.bedrock
            .script(PRIMARY, [Step::reply(thoughtful_and_redacted())]);
        let first = match stream {
            false => app.response(&body).await,
            true => last_response(&app.response_events(&body).await),
        };
        assert_eq!(first["store"], true);
        let output = first["output"].as_array().unwrap();
        assert_eq!(output[0]["type"], "reasoning");
        assert!(
            output[0].get("encrypted_content").is_none(),
            "not asked for"
        );
        let call = &output[1];
        let result =
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "seen"});
        let input = body["input"].as_array_mut().unwrap();
        input.extend([reference(&output[0]), reference(call), result.clone()]);
        app.bedrock.script(PRIMARY, [Step::text("A tree.")]);
        let second = app.response(&body).await;
        let messages = last_messages(&app);
        let content = &messages[1]["content"];
        let thinking = &content[0]["reasoningContent"]["reasoningText"];
        assert_eq!(thinking["text"], "I should \"look\".\n");
        assert_eq!(
            content[1]["reasoningContent"]["redactedContent"],
            "AP8KcmVkYWN0ZWQ="
        );
        assert_eq!(content[2]["toolUse"]["toolUseId"], call["call_id"]);
        // The next turn refers to the second answer too.
        let input = body["input"].as_array_mut().unwrap();
        input.extend([reference(&second["output"][0]), user("and then?")]);
        app.response(&body).await;
        let messages = last_messages(&app);
        assert_eq!(messages[3]["content"][0]["text"], "A tree.");
        assert_eq!(messages[4]["content"][0]["text"], "and then?");
        none_refused(&app);
    }
}

/// The next request of an agent comes within milliseconds, and may reach any instance.
#[tokio::test]
async fn the_next_request_may_reach_another_instance_at_once() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    for stream in [false, true] {
        let first = match stream {
            false => app.response(&ask("hello")).await,
            true => last_response(&app.response_events(&ask("hello")).await),
        };
        let body = json!({"model": "primary", "input": [user("hello"), reference(&first["output"][0]), user("more")]});
        other.response(&body).await;
        let said = &first["output"][0]["content"][0]["text"];
        assert_eq!(&last_messages(&app)[1]["content"][0]["text"], said);
    }
}

#[tokio::test]
async fn a_call_of_a_tool_with_free_text_is_referred_to_like_any_other() {
    let app = TestApp::new().await;
    let mut body = with_tool();
    body["tools"] = json!([{"type": "custom", "name": "patch"}]);
    let reply = ScriptedReply::tool("patch", &json!({"input": "*** Begin"}));
    app.bedrock.script(PRIMARY, [Step::reply(reply)]);
    let first = app.response(&body).await;
    let call = &first["output"][0];
    let result =
        json!({"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "done"});
    let input = body["input"].as_array_mut().unwrap();
    input.extend([reference(call), result]);
    app.response(&body).await;
    let messages = last_messages(&app);
    let input = &messages[1]["content"][0]["toolUse"]["input"];
    assert_eq!(input, &json!({"input": "*** Begin"}));
}

#[tokio::test]
async fn items_are_kept_for_seven_days_and_are_not_found_when_their_time_has_passed() {
    let app = TestApp::new().await;
    let first = app.response(&ask("hello")).await;
    assert_eq!(days(&app, &first).await, 7);
    let item = reference(&first["output"][0]);
    let body = json!({"model": "primary", "input": [user("hello"), item, user("more")]});
    app.response(&body).await;
    expire(&app, &first).await;
    let (status, error) = refused(&app, &body).await;
    assert_eq!(status, 400);
    assert_eq!(error["param"], "input[1].id");
    let id = first["output"][0]["id"].as_str().unwrap();
    let message = error["message"].as_str().unwrap();
    let sentence = format!("Item with id '{id}' not found.");
    assert!(message.starts_with(&sentence), "{message}");
}

#[tokio::test]
async fn an_item_must_be_the_one_that_its_id_says() {
    let app = TestApp::new().await;
    let first = app.response(&ask("hello")).await;
    let id = first["output"][0]["id"].as_str().unwrap();
    let key = first["id"].as_str().unwrap().strip_prefix("resp_").unwrap();
    for other in [
        id.replace("msg_", "fc_"),
        format!("msg_{key}_7"),
        format!("msg_{key}"),
        format!("msg_{key}_0_0"),
        format!("msg_{}_0", key.to_uppercase()),
        first["id"].as_str().unwrap().to_owned(),
    ] {
        let item = json!({"type": "item_reference", "id": other});
        let body = json!({"model": "primary", "input": [item, user("more")]});
        let (status, error) = refused(&app, &body).await;
        assert_eq!(
            (status, &error["param"]),
            (400, &json!("input[0].id")),
            "{other}"
        );
    }
}

#[tokio::test]
async fn store_is_true_only_where_the_answer_can_be_referred_to() {
    let off = "general_settings: {store_responses: off}\n";
    for (settings, store, is_stored) in [
        ("", Value::Null, true),
        ("", json!(true), true),
        ("", json!(false), false),
        (off, Value::Null, false),
        (off, json!(true), false),
    ] {
        let app = TestApp::builder().settings(settings).start().await;
        let mut body = ask("hello");
        body["store"] = store.clone();
        let events = app.response_events(&body).await;
        assert_eq!(events[0]["response"]["store"], is_stored);
        for response in [last_response(&events), app.response(&body).await] {
            assert_eq!(response["store"], is_stored, "{settings} {store}");
            assert_eq!(stored(&app, &response).await.is_some(), is_stored);
        }
    }
}

#[tokio::test]
async fn with_items_alone_no_response_can_be_continued_or_read() {
    let app = TestApp::new().await;
    let first = app.response(&ask("hello")).await;
    let id = first["id"].as_str().unwrap();
    let (status, error) = refused(&app, &super::after(&first, "more")).await;
    assert_eq!(status, 400);
    assert_eq!(error["code"], "previous_response_not_found");
    for path in [
        format!("/v1/responses/{id}"),
        format!("/responses/{id}/input_items"),
    ] {
        let response = app.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 404);
        let error: Value = response.json().await.unwrap();
        let sentence = format!("Response with id '{id}' not found.");
        assert_eq!(error["error"]["message"], sentence);
    }
    let item = stored(&app, &first).await.unwrap().to_string();
    assert!(!item.contains("hello"));
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_nothing() {
    let app = TestApp::new().await;
    let cut = Step::text("One two three four five six.").cut_after(4);
    app.bedrock.script(PRIMARY, [cut]);
    let mut body = ask("hello");
    body["disable_fallbacks"] = json!(true);
    let response = last_response(&app.response_events(&body).await);
    assert_eq!(response["status"], "failed");
    assert_eq!(response["store"], false);
    assert_eq!(stored(&app, &response).await, None);
}

#[tokio::test]
async fn what_an_answer_was_cut_at_is_stored_as_far_as_it_goes() {
    let app = TestApp::new().await;
    let cut = ScriptedReply::text("One two").with_stop("max_tokens");
    app.bedrock.script(PRIMARY, [Step::reply(cut)]);
    let first = last_response(&app.response_events(&ask("count")).await);
    assert_eq!(
        (&first["status"], &first["store"]),
        (&json!("incomplete"), &json!(true))
    );
    let item = reference(&first["output"][0]);
    let body = json!({"model": "primary", "input": [user("count"), item, user("go on")]});
    app.response(&body).await;
    assert_eq!(last_messages(&app)[1]["content"][0]["text"], "One two");
}

#[tokio::test]
async fn a_chat_request_neither_reads_nor_stores_anything() {
    let (app, proxy) = crate::support::table_proxy::behind_a_network().await;
    app.response(&ask("hello")).await;
    app.settle().await;
    let before = (
        proxy.calls("PutItem"),
        proxy.calls("BatchGetItem"),
        proxy.calls("GetItem"),
    );
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let mut body = crate::support::hello("primary");
        body["max_tokens"] = json!(50);
        let response = app.post(path, &body).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
    app.settle().await;
    let after = (
        proxy.calls("PutItem"),
        proxy.calls("BatchGetItem"),
        proxy.calls("GetItem"),
    );
    assert_eq!(before, after);
}
