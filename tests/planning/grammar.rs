//! Bedrock's rules for a Converse body, as far as a planner can break them.

use std::collections::HashSet;

use serde_json::Value;

use super::list;
use bedrock_sidecar::catalog::{Family, Model};

fn is_legal(name: &Value) -> bool {
    let name = name.as_str().unwrap();
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Panics where Bedrock would refuse.
pub(super) fn check(body: &Value, model: &Model) {
    let messages = list(&body["messages"]);
    assert!(!messages.is_empty(), "no messages");
    for (at, message) in messages.iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        assert_eq!(message["role"], role, "roles alternate: {body}");
        blocks(list(&message["content"]), role, body);
        beside_results(list(&message["content"]), model, body);
    }
    let last_is_assistant = messages.len().is_multiple_of(2);
    assert!(
        !last_is_assistant || model.abilities.prefill,
        "ends with the assistant: {body}"
    );
    for text in list(&body["system"])
        .iter()
        .filter_map(|block| block["text"].as_str())
    {
        assert!(!text.trim().is_empty(), "a blank system prompt: {body}");
    }
    calls(messages, model, body);
    documents(messages, model, body);
    tools(body);
    points(body, model);
    thinking(body, messages, last_is_assistant);
    for stop in list(&body["inferenceConfig"]["stopSequences"]) {
        let stop = stop.as_str().unwrap();
        assert!(!stop.is_empty(), "an empty stop sequence");
        assert!(model.family != Family::Claude || !stop.trim().is_empty());
    }
}

fn blocks(content: &[Value], role: &str, body: &Value) {
    assert!(!content.is_empty(), "an empty turn: {body}");
    let mut before = "";
    let mut says_something = false;
    for block in content {
        let kind = block.as_object().unwrap().keys().next().unwrap().as_str();
        match kind {
            "text" => assert!(
                !block["text"].as_str().unwrap().trim().is_empty(),
                "blank text: {body}"
            ),
            "guardContent" => assert_eq!(role, "user", "{kind}: {body}"),
            "cachePoint" => assert!(
                !["", "cachePoint", "document", "reasoningContent"].contains(&before),
                "a point after {before:?}: {body}"
            ),
            "toolUse" | "reasoningContent" => assert_eq!(role, "assistant", "{kind}: {body}"),
            "toolResult" => {
                assert_eq!(role, "user", "{kind}: {body}");
                let inner = list(&block[kind]["content"]);
                assert!(!inner.is_empty(), "an empty result: {body}");
                for block in inner {
                    let text = block.get("text").map(|text| text.as_str().unwrap());
                    assert!(
                        block.get("image").is_some()
                            || block.get("document").is_some()
                            || text.is_some_and(|text| !text.trim().is_empty()),
                        "in a result: {body}"
                    );
                }
                assert!(
                    ["", "toolResult", "cachePoint"].contains(&before),
                    "a result after {before}: {body}"
                );
            }
            "image" | "document" => assert_eq!(role, "user", "{kind}: {body}"),
            _ => panic!("{kind}: {body}"),
        }
        says_something |= !["cachePoint", "reasoningContent"].contains(&kind);
        before = kind;
    }
    assert!(says_something, "nothing but thinking: {body}");
    let has = |kind| content.iter().any(|block| block.get(kind).is_some());
    assert!(
        !has("document") || has("text"),
        "no text beside a document: {body}"
    );
}

fn beside_results(content: &[Value], model: &Model, body: &Value) {
    let abilities = &model.abilities;
    let has = |kind| content.iter().any(|block| block.get(kind).is_some());
    if has("toolResult") {
        assert!(
            abilities.documents_beside_results || !has("document"),
            "{body}"
        );
        let words = has("text") || has("image");
        assert!(abilities.text_beside_results || !words, "{body}");
    }
    let results = content.iter().map(|block| &block["toolResult"]["content"]);
    let pictures = results
        .flat_map(list)
        .any(|part| part.get("image").is_some());
    assert!(abilities.tool_result_images || !pictures, "{body}");
    let results = content.iter().map(|block| &block["toolResult"]["content"]);
    let documents = results
        .flat_map(list)
        .any(|part| part.get("document").is_some());
    assert!(abilities.tool_result_documents || !documents, "{body}");
}

fn calls(messages: &[Value], model: &Model, body: &Value) {
    let mut seen = HashSet::new();
    let mut open: HashSet<&str> = HashSet::new();
    for message in messages {
        let mut asked = HashSet::new();
        for block in list(&message["content"]) {
            if let Some(call) = block.get("toolUse") {
                let id = call["toolUseId"].as_str().unwrap();
                let strict = model.family == Family::Claude;
                let plain = if strict {
                    id.to_owned()
                } else {
                    id.replace(['.', ':'], "_")
                };
                assert!(
                    is_legal(&Value::from(plain)) && is_legal(&call["name"]),
                    "{body}"
                );
                assert!(call["input"].is_object(), "{body}");
                let id = call["toolUseId"].as_str().unwrap();
                assert!(seen.insert(id), "an id comes twice: {body}");
                asked.insert(id);
            }
            if let Some(result) = block.get("toolResult") {
                let id = result["toolUseId"].as_str().unwrap();
                assert!(open.remove(id), "a result that nothing asked for: {body}");
            }
        }
        assert!(open.is_empty(), "a call without a result: {body}");
        open = asked;
    }
    assert!(open.is_empty(), "a call without a result: {body}");
    assert!(
        seen.is_empty() || body.get("toolConfig").is_some(),
        "tool blocks without toolConfig: {body}"
    );
}

fn tools(body: &Value) {
    let Some(config) = body.get("toolConfig") else {
        return;
    };
    let mut names = HashSet::new();
    for spec in list(&config["tools"])
        .iter()
        .filter_map(|tool| tool.get("toolSpec"))
    {
        assert!(is_legal(&spec["name"]), "{body}");
        assert!(names.insert(spec["name"].as_str().unwrap()), "{body}");
        assert_ne!(spec["description"], "", "{body}");
        assert_eq!(spec["inputSchema"]["json"]["type"], "object", "{body}");
    }
    assert!(!names.is_empty(), "{body}");
}

/// At most four points, none where the model takes none, and none of an hour after one of five minutes.
fn points(body: &Value, model: &Model) {
    let of = |list: &[Value]| -> Vec<bool> {
        let points = list.iter().filter_map(|block| block.get("cachePoint"));
        points.map(|point| point.get("ttl").is_some()).collect()
    };
    let in_tools = of(list(&body["toolConfig"]["tools"]));
    let mut hours = in_tools.clone();
    hours.extend(of(list(&body["system"])));
    for message in list(&body["messages"]) {
        hours.extend(of(list(&message["content"])));
    }
    assert!(hours.len() <= 4, "{body}");
    assert!(
        hours.is_sorted_by(|before, after| before >= after),
        "an hour after five minutes: {body}"
    );
    match model.abilities.caching {
        None => assert!(hours.is_empty(), "{body}"),
        Some(caching) => {
            assert!(caching.tools || in_tools.is_empty(), "{body}");
            assert!(caching.one_hour || !hours.contains(&true), "{body}");
        }
    }
}

fn thinking(body: &Value, messages: &[Value], last_is_assistant: bool) {
    let fields = &body["additionalModelRequestFields"];
    let kind = fields["thinking"]["type"].as_str();
    if !matches!(kind, Some("enabled" | "adaptive")) {
        return;
    }
    let config = &body["inferenceConfig"];
    for field in [&config["temperature"], &config["topP"], &fields["top_k"]] {
        assert!(field.is_null(), "sampling beside thinking: {body}");
    }
    assert!(
        body["toolConfig"]["toolChoice"].is_null(),
        "a forced choice beside thinking: {body}"
    );
    if kind == Some("enabled") {
        let budget = fields["thinking"]["budget_tokens"].as_u64().unwrap();
        assert!(budget >= 1_024, "{body}");
        assert!(budget < config["maxTokens"].as_u64().unwrap(), "{body}");
        let answers = |message: &&Value| {
            let mut blocks = list(&message["content"]).iter();
            blocks.any(|block| block.get("toolResult").is_some())
        };
        // A tool loop is one turn, which begins with its first message.
        let users = messages.iter().rev().step_by(2);
        let steps = users.take_while(answers).count();
        let turn = if last_is_assistant {
            messages.last()
        } else {
            messages.iter().rev().nth((2 * steps).saturating_sub(1))
        };
        if let Some(turn) = turn.filter(|_| steps > 0 || last_is_assistant) {
            assert!(
                turn["content"][0].get("reasoningContent").is_some(),
                "the turn to go on with begins without thinking: {body}"
            );
        }
    }
}

fn documents(messages: &[Value], model: &Model, body: &Value) {
    let blocks = messages
        .iter()
        .flat_map(|message| list(&message["content"]));
    let all = blocks.flat_map(|block| {
        let inside = list(&block["toolResult"]["content"]);
        std::iter::once(block).chain(inside)
    });
    let mut names = HashSet::new();
    for document in all.filter_map(|block| block.get("document")) {
        assert!(model.abilities.documents, "a document: {body}");
        let name = document["name"].as_str().unwrap();
        let legal = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
        assert!(
            name.chars().all(legal) && (1..=200).contains(&name.len()) && !name.contains("  "),
            "{name}"
        );
        assert!(names.insert(name), "twice {name}: {body}");
    }
}
