//! What a prompt costs: the cache, the count, and usage.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;
use crate::simulator::{ScriptedReply, Step, Tokens};

/// Tokens that were read, and written for five minutes and an hour.
fn cached(message: &Value) -> (u64, u64, u64) {
    let usage = &message["usage"];
    let count = |value: &Value| value.as_u64().unwrap();
    (
        count(&usage["cache_read_input_tokens"]),
        count(&usage["cache_creation"]["ephemeral_5m_input_tokens"]),
        count(&usage["cache_creation"]["ephemeral_1h_input_tokens"]),
    )
}

#[tokio::test]
async fn the_cache_is_kept_by_marks_wherever_they_stand() {
    let long = "word ".repeat(2000);
    let five = json!({"type": "ephemeral"});
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let text = |mark: &Value| json!([{"type": "text", "text": long, "cache_control": mark}]);
    let mut tool = named("read", &long, false);
    tool["cache_control"] = hour.clone();
    let call = json!([{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}]);
    let looked = |content: Value, mark: Value| {
        let result = json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "cache_control": mark}]);
        json!({"tools": [named("read", "reads", false)], "messages": [
            user(json!("hi")), {"role": "assistant", "content": call}, user(result)]})
    };
    let cases = [
        (json!({"system": text(&five)}), (2500, 0)),
        (json!({"system": text(&hour)}), (0, 2500)),
        (json!({ "tools": [tool] }), (0, 2500)),
        (json!({"messages": [user(text(&five))]}), (2500, 0)),
        (looked(text(&five), Value::Null), (2500, 0)),
        (looked(json!(long), five.clone()), (2500, 0)),
    ];
    for (more, (short, hours)) in cases {
        let simulated = start().await;
        let body = with(ask("hi"), more);
        let (read, written, written_1h) = cached(&whole(&simulated, SONNET_4_5, &body).await);
        assert_eq!(read, 0);
        let near = |found: u64, wanted: u64| found >= wanted && found < wanted + 80;
        assert!(
            near(written, short) && near(written_1h, hours),
            "{written} {written_1h} {body}"
        );
        let again = cached(&whole(&simulated, SONNET_4_5, &body).await);
        assert_eq!(again, (written + written_1h, 0, 0));
        // Each format has a cache of its own, and each model.
        let other = cached(&whole(&simulated, SONNET_4_6, &body).await);
        assert_eq!(other.0, 0);
    }
}

#[tokio::test]
async fn automatic_caching_moves_with_the_conversation() {
    let simulated = start().await;
    let more = json!({"cache_control": {"type": "ephemeral"}, "system": "word ".repeat(2000)});
    let body = with(ask("hi"), more);
    let first = whole(&simulated, OPUS_4_8, &body).await;
    let (read, written, _) = cached(&first);
    assert!(read == 0 && written > 2500);
    let next = go_on(&body, &first, json!("and now?"));
    let (read, more, _) = cached(&whole(&simulated, OPUS_4_8, &next).await);
    assert!(read == written && more > 0 && more < 100, "{read} {more}");
    // Tools that are deferred can come later without losing it.
    let mut tools = archive("tool_search_tool_regex");
    let tools = tools["tools"].as_array_mut().unwrap();
    let with_tools = |n: usize| with(next.clone(), json!({"tools": tools[..n]}));
    let few = cached(&whole(&simulated, OPUS_4_8, &with_tools(4)).await);
    let many = cached(&whole(&simulated, OPUS_4_8, &with_tools(9)).await);
    assert_eq!(many.0, few.0 + few.1);
}

#[tokio::test]
async fn a_prompt_is_counted_in_its_own_format() {
    let simulated = start().await;
    let count = async |model: &str, body: &Value| {
        let url = format!("{}/model/{model}/count-tokens", simulated.url());
        let body = BASE64_STANDARD.encode(body.to_string());
        let body = json!({"input": {"invokeModel": {"body": body}}});
        let request = reqwest::Client::new().post(url).json(&body);
        let answer = request.bearer_auth("key").send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let base = SONNET_4_5.strip_prefix("us.").unwrap();
    let mut body = with(
        ask(&"word ".repeat(1000)),
        archive("tool_search_tool_regex"),
    );
    body["anthropic_beta"] = json!(["tool-search-tool-2025-10-19"]);
    let (status, counted) = count(base, &body).await;
    assert_eq!(status, 200);
    let tokens = counted["inputTokens"].as_u64().unwrap();
    assert!((1250..1400).contains(&tokens), "{tokens}");
    let (status, refusal) = count(SONNET_4_5, &body).await;
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!("The provided model identifier is invalid."))
    );
    let (status, _) = count(base, &with(body, json!({"max_tokens": null}))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn scripted_usage_is_what_it_says() {
    let simulated = start().await;
    let usage = Tokens {
        output: 50,
        ..Tokens::default()
    };
    let reply = ScriptedReply::text("hi")
        .with_thinking("x".repeat(80))
        .with_usage(usage);
    simulated.script(OPUS_4_8, [Step::reply(reply)]);
    let message = whole(&simulated, OPUS_4_8, &ask("hi")).await;
    assert_eq!(message["usage"]["output_tokens"], 50);
    let details = &message["usage"]["output_tokens_details"];
    assert_eq!(details["thinking_tokens"], 20);
}
