//! Thinking that is bound to its prefix, in both dialects.

use super::*;

/// A conversation with a bound model, three turns long.
async fn three_turns(simulated: &Simulated) -> Value {
    let more = json!({"system": [{"type": "text", "text": "Be kind."}], "thinking": {"type": "adaptive"},
        "tools": [named("read", "reads", false)]});
    let mut body = with(ask("one"), more);
    for next in ["two", "three"] {
        let message = stream(simulated, SONNET_5_5, &body).await.folded();
        assert_eq!(message["content"][0]["type"], "thinking");
        body = go_on(&body, &message, json!(next));
    }
    body
}

const BOUND: &str = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation";

/// Why a model of the newer generation refuses this body; empty where it does not.
async fn refusal(simulated: &Simulated, body: &Value) -> String {
    match stream_of(&fixtures::client(simulated), SONNET_5_5, body).await {
        Ok(_) => String::new(),
        Err(error) => {
            let bytes = error.raw_response().unwrap().body().bytes().unwrap();
            let answer: Value = serde_json::from_slice(bytes).unwrap();
            answer["error"]["message"].as_str().unwrap().to_owned()
        }
    }
}

#[tokio::test]
async fn thinking_is_bound_to_all_that_stands_before_it() {
    let simulated = start().await;
    let body = three_turns(&simulated).await;
    let mark = json!({"type": "ephemeral"});
    // Marks do not bind, nor what is no part of the prompt, nor what comes later.
    for change in ["none", "marks", "effort", "later", "deferred"] {
        let mut body = body.clone();
        match change {
            "marks" => {
                body["system"][0]["cache_control"] = mark.clone();
                body["messages"][3]["content"][1]["cache_control"] = mark.clone();
                body["messages"][0]["content"] =
                    json!([{"type": "text", "text": "one", "cache_control": mark}]);
            }
            "effort" => body["output_config"] = json!({"effort": "low"}),
            "later" => body["messages"][4]["content"] = json!("five"),
            "deferred" => {
                let tools = body["tools"].as_array_mut().unwrap();
                tools.push(named("later", "found later", true));
            }
            _ => {}
        }
        assert_eq!(refusal(&simulated, &body).await, "", "{change}");
    }
    for change in [
        "system",
        "tool",
        "first words",
        "dropped thinking",
        "folded",
    ] {
        let mut body = body.clone();
        let mut words = BOUND;
        match change {
            "system" => body["system"][0]["text"] = json!("Be kind"),
            "tool" => body["tools"][0]["description"] = json!("reads files"),
            "first words" => body["messages"][0]["content"] = json!("One"),
            "dropped thinking" => {
                let blocks = body["messages"][1]["content"].as_array_mut().unwrap();
                blocks.remove(0);
                words = "messages.3.content.0: Invalid `signature`";
            }
            _ => {
                body["messages"].as_array_mut().unwrap().drain(..2);
                words = "messages.1.content.0: Invalid `signature`";
            }
        }
        let said = refusal(&simulated, &body).await;
        assert!(said.starts_with(words), "{change}: {said}");
        // Its own way out.
        body["thinking"]["block_binding"] = json!({"prefix_mismatch_behavior": "drop_block"});
        let said = refusal(&simulated, &body).await;
        assert_eq!(
            said,
            "thinking.adaptive.block_binding: Extra inputs are not permitted"
        );
        body["anthropic_beta"] = json!(["thinking-binding-controls-2026-08-01"]);
        assert_eq!(refusal(&simulated, &body).await, "", "{change}");
    }
}

#[tokio::test]
async fn thinking_does_not_go_over_to_the_other_dialect() {
    let simulated = start().await;
    let body = three_turns(&simulated).await;
    let block = &body["messages"][1]["content"][0];
    let think = |text: &Value, signature: &Value| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}});
    let talk = |thinking: Value| {
        json!({"messages": [
            {"role": "user", "content": [{"text": "one"}]},
            {"role": "assistant", "content": [thinking, {"text": "a"}]},
            {"role": "user", "content": [{"text": "two"}]},
        ]})
    };
    let post = async |body: &Value| {
        let url = format!("{}/model/{SONNET_5_5}/converse", simulated.url());
        let request = reqwest::Client::new().post(url).json(body);
        let answer = request.bearer_auth("key").send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let (status, refusal) = post(&talk(think(&json!(""), &block["signature"]))).await;
    assert_eq!(status, 400);
    assert!(
        refusal["message"]
            .as_str()
            .unwrap()
            .contains("bound to a different conversation")
    );

    // Within Converse it holds, cache points aside.
    let ask = json!({"messages": [{"role": "user", "content": [{"text": "one"}]}]});
    let (_, answer) = post(&ask).await;
    let thought = &answer["output"]["message"]["content"][0];
    let mut body = talk(thought.clone());
    assert_eq!(post(&body).await.0, 200);
    body["messages"][0]["content"] = json!([{"text": "one"}, {"cachePoint": {"type": "default"}}]);
    assert_eq!(post(&body).await.0, 200);
    body["messages"][0]["content"][0]["text"] = json!("One");
    let (status, refusal) = post(&body).await;
    assert_eq!(status, 400);
    assert!(
        refusal["message"]
            .as_str()
            .unwrap()
            .contains("bound to a different conversation")
    );
    body["additionalModelRequestFields"] = json!({
        "thinking": {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}},
        "anthropic_beta": ["thinking-binding-controls-2026-08-01"],
    });
    assert_eq!(post(&body).await.0, 200);
}
