//! A history comes again with every request: what of it cannot be read is a note in its place, and never the end of the
//! conversation.

use serde_json::{Value, json};

use super::left_out::post;
use crate::support::TestApp;
use crate::support::anthropic::ask;

/// What Bedrock is sent of these blocks of the assistant's, and what the reply names.
async fn said(app: &TestApp, blocks: Value) -> (Value, String) {
    let mut body = ask("");
    body["messages"] = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": "and?"}]);
    let (sent, dropped) = post(app, body, "").await;
    (sent["messages"][1]["content"].clone(), dropped)
}

/// What Bedrock is sent of the content of a tool's result, and what the reply names.
async fn result(app: &TestApp, content: Value) -> (Value, String) {
    let mut body = ask("");
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body["messages"] = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": content}]}]);
    let (sent, dropped) = post(app, body, "").await;
    let content = sent["messages"][2]["content"][0]["toolResult"]["content"].clone();
    (content, dropped)
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| json!({"text": text})).collect()
}

#[tokio::test]
async fn what_bedrock_takes_in_no_result_stands_there_in_words() {
    let app = TestApp::on_converse().await;
    let picture = json!({"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "AAAA"}});
    for (content, expected, names) in [
        (
            json!([{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "s", "content": "b"}]),
            texts(&["a", "b"]),
            "tool_result",
        ),
        (
            json!([{"type": "tool_result", "tool_use_id": "s", "content": [
                {"type": "text", "text": "a"},
                {"type": "tool_result", "tool_use_id": "r", "content": [{"type": "text", "text": "b"}]}]}]),
            texts(&["a", "b"]),
            "tool_result",
        ),
        (
            json!([{"type": "tool_use", "id": "s", "name": "see", "input": {"x": 1}}]),
            texts(&["[tool call s: see({\"x\":1})]"]),
            "tool_use",
        ),
        (
            json!([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}]),
            texts(&["[web_search was called with {\"q\":\"x\"}]"]),
            "",
        ),
        (
            json!([{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]),
            texts(&["[a thinking stood here]"]),
            "thinking",
        ),
        (
            json!([{"type": "thinking", "thinking": "hm"}, {"type": "redacted_thinking", "data": "c2ln"}]),
            texts(&[
                "[a thinking stood here]",
                "[a redacted_thinking stood here]",
            ]),
            "thinking, redacted_thinking",
        ),
        (
            json!([{"type": "tool_result", "content": "whose?"}, {"type": "audio", "data": "x"}, {"text": "no type"}]),
            texts(&[
                "[a tool_result stood here]",
                "[a audio stood here]",
                "no type",
            ]),
            "tool_result, audio",
        ),
        (
            json!([picture, null, "plain"]),
            texts(&["[a image stood here]", "plain"]),
            "image, content",
        ),
        (json!([null]), texts(&["(no output)"]), "content"),
        (json!([7, [8]]), texts(&["(no output)"]), "content"),
        (
            json!({"rows": [1, {"a": null}]}),
            texts(&["{\"rows\":[1,{\"a\":null}]}"]),
            "",
        ),
        (
            json!({"type": "text", "text": "no list"}),
            texts(&["no list"]),
            "",
        ),
    ] {
        let (sent, dropped) = result(&app, content.clone()).await;
        assert_eq!((sent, dropped.as_str()), (expected, names), "{content}");
    }
}

#[tokio::test]
async fn what_tools_of_anthropic_s_service_found_stays_as_words() {
    let app = TestApp::on_converse().await;
    for (kind, content, words) in [
        ("mcp_tool_result", json!("22 degrees"), vec!["22 degrees"]),
        (
            "mcp_tool_result",
            json!([{"type": "text", "text": "22"}, {"type": "tool_reference", "tool_name": "f"}, null]),
            vec!["22", "[the tool f is available]"],
        ),
        (
            "web_search_tool_result",
            json!([
                {"type": "web_search_result", "title": "News", "url": "https://a.example/n", "encrypted_content": "x"},
                {"type": "web_search_result", "url": "https://b.example"}]),
            vec!["News\nhttps://a.example/n", "https://b.example"],
        ),
        (
            "web_search_tool_result",
            json!({"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}),
            vec!["max_uses_exceeded"],
        ),
        (
            "web_fetch_tool_result",
            json!({"type": "web_fetch_result", "url": "https://a.example", "content": {"type": "document",
                "title": "A", "source": {"type": "text", "media_type": "text/plain", "data": "All of it."}}}),
            vec!["https://a.example", "All of it."],
        ),
        (
            "code_execution_tool_result",
            json!({"type": "code_execution_result", "stdout": "4\n", "stderr": "warned", "return_code": 1,
                "content": [{"type": "code_execution_output", "file_id": "f"}]}),
            vec!["4\n\nwarned\n[it ended with code 1]"],
        ),
        (
            "text_editor_code_execution_tool_result",
            json!({"type": "text_editor_code_execution_view_result", "file_type": "text", "content": "fn main"}),
            vec!["fn main"],
        ),
        (
            "tool_search_tool_result",
            json!({"type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "f"}]}),
            vec!["[the tool f is available]"],
        ),
        (
            "of_tomorrow_tool_result",
            json!([{"type": "text", "text": "7"}]),
            vec!["7"],
        ),
        ("of_tomorrow_tool_result", json!(7), vec![]),
    ] {
        let block = json!({"type": kind, "tool_use_id": "s", "content": content});
        let (sent, dropped) = said(&app, json!([block, {"type": "text", "text": "So."}])).await;
        assert_eq!(dropped, kind);
        let (last, told) = sent.as_array().unwrap().split_last().unwrap();
        assert_eq!(last["text"], "So.");
        let told: Vec<&str> = told
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect();
        let expected = format!("[a {kind} stood here]");
        let expected = [&[expected.as_str()], words.as_slice()].concat().join("\n");
        let told = told.join("\n");
        let is_document = kind == "web_fetch_tool_result";
        assert!(
            told == expected || is_document && words.iter().all(|words| told.contains(words)),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_the_model_is_said_to_have_said_is_never_refused() {
    let app = TestApp::on_converse().await;
    for (block, expected, name) in [
        (json!(null), None, "content"),
        (json!({"type": "text", "text": null}), None, ""),
        (json!({"type": "text"}), None, ""),
        (json!("plain"), Some("plain"), ""),
        (json!(7), None, "content"),
        (json!({"type": 7}), Some("[a block stood here]"), "block"),
        (
            json!({"type": "text", "text": {"value": "a"}}),
            Some("[a text stood here]"),
            "text",
        ),
        (
            json!({"type": "server_tool_use", "id": "s", "name": {"a": 1}, "input": "x"}),
            Some("[a server_tool_use stood here]"),
            "server_tool_use",
        ),
        (
            json!({"type": "server_tool_use", "id": 7, "name": "web_search", "input": null}),
            Some("[web_search was called with null]"),
            "",
        ),
        (
            json!({"type": "redacted_thinking"}),
            Some("[a redacted_thinking stood here]"),
            "redacted_thinking",
        ),
        (
            json!({"type": "redacted_thinking", "data": 7}),
            Some("[a redacted_thinking stood here]"),
            "redacted_thinking",
        ),
        (json!({"type": "thinking"}), None, ""),
        (
            json!({"type": "thinking", "thinking": ["a"], "signature": {}}),
            Some("[a thinking stood here]"),
            "thinking",
        ),
        (
            json!({"type": "tool_use", "id": 7, "name": "look", "input": {}}),
            Some("[a tool_use stood here]"),
            "tool_use",
        ),
        (
            json!({"type": "tool_use", "id": "t", "input": "x"}),
            Some("[a tool_use stood here]"),
            "tool_use",
        ),
        (
            json!({"type": "text", "text": "a", "citations": 7, "cache_control": "x"}),
            Some("a"),
            "cache_control",
        ),
        (
            json!({"type": "text", "text": "a", "citations": {"of": ["tomorrow"]}, "cache_control": {"ttl": "9d", "x": 1}}),
            Some("a"),
            "cache_control.ttl",
        ),
    ] {
        let (sent, dropped) = said(&app, json!([{"type": "text", "text": "Yes."}, block])).await;
        assert_eq!(dropped, name, "{block}");
        let text = sent
            .as_array()
            .unwrap()
            .get(1)
            .and_then(|part| part["text"].as_str());
        assert_eq!(text, expected, "{block}");
    }
}

#[tokio::test]
async fn what_the_user_said_before_is_never_refused() {
    let app = TestApp::on_converse().await;
    let picture = |source: Value| json!({"type": "image", "source": source});
    let document = |source: Value| json!({"type": "document", "source": source});
    // Some of these are of kinds that nobody here knows: they are notes also where they are new.
    for (block, is_new_kind) in [
        (picture(json!({"type": "of_tomorrow", "data": "x"})), true),
        (
            picture(json!({"type": "base64", "media_type": "image/tiff", "data": "AAAA"})),
            true,
        ),
        (picture(json!({"type": "file", "file_id": "f"})), false),
        (picture(json!({"type": 7})), false),
        (picture(json!(7)), false),
        (
            picture(json!({"type": "base64", "media_type": "image/png", "data": "?"})),
            false,
        ),
        (document(json!({"type": "of_tomorrow"})), true),
        (
            document(json!({"type": "base64", "media_type": "application/zip", "data": "AAAA"})),
            true,
        ),
        (
            document(json!({"type": "url", "url": "https://a.example/a.pdf"})),
            false,
        ),
        (json!({"type": "document"}), false),
        (json!({"type": "audio", "source": {}}), false),
        (
            json!({"type": "tool_result", "tool_use_id": 7, "content": "a"}),
            false,
        ),
    ] {
        let kind = block["type"].as_str().unwrap();
        let note = format!("[a {kind} stood here]");
        let asked = json!({"role": "user", "content": [{"type": "text", "text": "hi"}, block]});
        let mut body = ask("");
        body["messages"] = json!([asked, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "and?"}]);
        let (sent, dropped) = post(&app, body.clone(), "").await;
        assert_eq!(sent["messages"][0]["content"][1]["text"], note, "{block}");
        assert_eq!(dropped, kind);
        body["messages"] = json!([asked]);
        if is_new_kind {
            let (sent, dropped) = post(&app, body, "").await;
            assert_eq!(sent["messages"][0]["content"][1]["text"], note);
            assert_eq!(dropped, kind);
        } else {
            // Its loss would change what is asked for now.
            let reply = app.as_anthropic("/v1/messages", &body).send().await;
            assert_eq!(reply.unwrap().status(), 400, "{block}");
        }
    }
    // What a result says stays, whatever stands beside it.
    let mut body = ask("");
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body["messages"] = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": null}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "seen", "is_error": "no"}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "and?"}]);
    let (sent, dropped) = post(&app, body, "").await;
    let result = &sent["messages"][2]["content"][0]["toolResult"];
    assert_eq!(result["content"], texts(&["seen"]));
    assert_eq!(dropped, "is_error");
}

#[tokio::test]
async fn a_request_that_is_none_is_still_refused() {
    let app = TestApp::on_converse().await;
    for messages in [
        json!("hi"),
        json!([null]),
        json!([{"content": "hi"}]),
        json!([{"role": "robot", "content": "hi"}]),
        json!([{"role": "user", "content": 7}]),
    ] {
        let mut body = ask("");
        body["messages"] = messages;
        let reply = app.as_anthropic("/v1/messages", &body).send().await;
        assert_eq!(reply.unwrap().status(), 400, "{body}");
    }
}
