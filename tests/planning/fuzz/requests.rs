//! Any request whatever: it is refused with a field's name, or becomes what Bedrock takes.

use fastrand::Rng;
use http::HeaderMap;
use serde_json::{Value, json};

use super::super::{
    call, claude, grammar, newer_claude, nova, pixtral, plain_claude, sent, text_only,
};
use super::{garbled, json, lines, one, run};
use bedrock_sidecar::bedrock::plan::{UnsupportedFeatures, plan};
use bedrock_sidecar::catalog::{Catalog, Model, ThinkingSupport};
use bedrock_sidecar::config::Defaults;
use bedrock_sidecar::openai::ChatRequest;
use bedrock_sidecar::wire::WireRequest;

const KEYS: [&str; 56] = [
    "messages",
    "role",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "tool_calls",
    "tool_call_id",
    "id",
    "function",
    "name",
    "arguments",
    "parameters",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "thinking_blocks",
    "thinking",
    "signature",
    "cache_control",
    "ttl",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "n",
    "reasoning_effort",
    "reasoning",
    "budget_tokens",
    "effort",
    "metadata",
    "file",
    "file_data",
    "filename",
    "source",
    "data",
    "media_type",
    "citations",
    "response_format",
    "json_schema",
    "schema",
    "$ref",
    "$defs",
    "anyOf",
    "properties",
    "guardrailConfig",
    "requestMetadata",
    "service_tier",
    "anthropic_beta",
    "output_config",
    "function_call",
    "drop_params",
    "additional_model_request_fields",
];

const WORDS: [&str; 36] = [
    "",
    " ",
    "user",
    "assistant",
    "tool",
    "system",
    "developer",
    "function",
    "text",
    "image_url",
    "input_text",
    "file",
    "document",
    "image",
    "thinking",
    "redacted_thinking",
    "refusal",
    "enabled",
    "adaptive",
    "disabled",
    "high",
    "max",
    "auto",
    "none",
    "required",
    "object",
    "array",
    "json_schema",
    "json_object",
    "ephemeral",
    "1h",
    "a",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:text/csv;base64,YSxi",
    "{\"a\":1}{\"b\":\"\\ud83d\"}",
    "#/$defs/node",
];

/// Requests in the shape of those that real clients send.
fn shapes() -> Vec<Value> {
    let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {"path": {"type": "string", "pattern": "^/"}, "node": {"$ref": "#/$defs/node"},
            "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991_i64}},
        "required": ["path"], "additionalProperties": false, "anyOf": [{"required": ["path"]}],
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}});
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "description": "d", "strict": false, "parameters": schema}});
    let mark = json!({"type": "ephemeral"});
    let mut marked = call("b");
    marked["cache_control"] = mark.clone();
    vec![
        // An agent that loses the signatures of its thinking.
        json!({"model": "m", "max_tokens": 32000, "reasoning_effort": "high", "stream": true,
            "stream_options": {"include_usage": true}, "tool_choice": "auto", "tools": [tool("editor"), tool("run commands")],
            "messages": [{"role": "system", "content": "You are an agent."},
                {"role": "user", "content": [{"type": "text", "text": "do it"}]},
                {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [call("a"), call("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "{\"ok\":true}"},
                {"role": "tool", "tool_call_id": "b", "content": "{\"ok\":true}"},
                {"role": "user", "content": "and now?"}]}),
        // One that marks what to cache, in all places, and keeps its blocks.
        json!({"model": "m", "temperature": 0, "thinking": {"type": "enabled", "budget_tokens": 2000},
            "tools": [tool("write")], "messages": [
                {"role": "system", "content": "s", "cache_control": mark},
                {"role": "user", "content": [{"type": "text", "text": "q", "cache_control": mark}]},
                {"role": "assistant", "content": "", "tool_calls": [marked],
                    "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "AAE="}]},
                {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "r"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}], "cache_control": mark}]}),
        // Plain talk with documents, and with a schema for the answer.
        json!({"model": "m", "messages": [
                {"role": "user", "content": [{"type": "text", "text": "read"},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}]},
                {"role": "assistant", "content": "so"}, {"role": "system", "content": "late"},
                {"role": "user", "content": "q"}, {"role": "user", "content": "q"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}},
            "stop": ["x"], "top_p": 0.5, "n": 1, "user": "u", "seed": 1, "drop_params": true}),
        json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "requestMetadata": {"a": "b"},
            "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
            "performanceConfig": {"latency": "optimized"}, "service_tier": "flex", "anthropic_beta": ["b"],
            "additional_model_request_fields": {"top_k": 5}, "metadata": {"tags": ["t"]}}),
    ]
}

/// The shapes, and the captured requests of real clients where the environment names their folder.
fn seeds() -> Vec<Value> {
    let mut seeds = shapes();
    if let Some(folder) = std::env::var_os("CLIENT_SAMPLES") {
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
            let bodies = lines(&text).into_iter().map(|mut line| line["body"].take());
            seeds.extend(bodies.filter(|body| body.get("messages").is_some()));
        }
    }
    seeds
}

fn models() -> Vec<Model> {
    let mut reader = claude();
    reader.abilities.documents = true;
    reader.abilities.json_schema = true;
    let mut models: Vec<Model> = Catalog::bundled().iter().collect();
    for _ in 0..40 {
        models.extend([
            claude(),
            plain_claude(),
            pixtral(),
            text_only(),
            reader.clone(),
            newer_claude(ThinkingSupport::BudgetOrAdaptive),
            nova(ThinkingSupport::ReasoningConfig),
        ]);
    }
    models
}

fn body(rng: &mut Rng, seeds: &[Value]) -> Vec<u8> {
    let mut body = if rng.u8(..4) == 0 {
        let mut body = json!({"messages": json::any(rng, &KEYS, &WORDS, 6), "tools": json::any(rng, &KEYS, &WORDS, 5)});
        body[*one(rng, &KEYS)] = json::any(rng, &KEYS, &WORDS, 4);
        body
    } else {
        one(rng, seeds).clone()
    };
    for _ in 0..rng.usize(..6) {
        json::spoil(rng, &mut body, &KEYS, &WORDS);
    }
    let mut text = body.to_string();
    if rng.u8(..8) == 0 {
        let odd = ["\\ud83d", "\\ude00\\ud83d", "\\u0000", "1e999", "-0.0"];
        let times = rng.usize(1..5);
        text = text.replacen('a', odd[rng.usize(..odd.len())], times);
    }
    if rng.u8(..8) == 0 {
        garbled(rng, text.into_bytes())
    } else {
        text.into_bytes()
    }
}

fn plan_of(rng: &mut Rng, body: &[u8], model: &Model) {
    let shown = String::from_utf8_lossy(body);
    let read = ChatRequest::parse(body).and_then(|mut chat| {
        let found = vec![bytes::Bytes::from_static(b"GIF8"); chat.remote_images().len()];
        chat.put_images(found);
        Box::new(chat).into_conversation(&HeaderMap::new())
    });
    let request = match read {
        Ok((request, _)) => request,
        Err(error) => {
            assert_eq!(error.status.as_u16(), 400, "{}: {shown}", error.message);
            assert!(
                error.param.is_some_and(|param| !param.is_empty()),
                "{}: {shown}",
                error.message
            );
            return;
        }
    };
    let without = UnsupportedFeatures {
        thinking_blocks: rng.u8(..8) == 0,
        thinking: rng.u8(..8) == 0,
        caching: rng.u8(..8) == 0,
        tools_while_streaming: rng.u8(..8) == 0,
        prefill: rng.u8(..8) == 0,
        temperature: rng.u8(..8) == 0,
        top_p: rng.u8(..8) == 0,
        top_k: rng.u8(..8) == 0,
        stop_sequences: rng.u8(..8) == 0,
        required_tool_choice: rng.u8(..8) == 0,
        named_tool_choice: rng.u8(..8) == 0,
        json_schema: rng.u8(..8) == 0,
        strict_tools: rng.u8(..8) == 0,
        betas: rng.u8(..8) == 0,
        eager_tool_input: rng.u8(..8) == 0,
        encrypted_thinking: usize::from(rng.u8(..8)).saturating_sub(5),
        effort_none: rng.u8(..8) == 0,
        cached_in_input: rng.u8(..8) == 0,
        max_tokens: (rng.u8(..8) == 0).then(|| rng.u32(1..100_000)),
        messages_dialect: rng.u8(..8) == 0,
        native_extras: rng.u8(..8) == 0,
        bound_thinking: rng.u8(..8) == 0,
    };
    let mut lacking = model.clone();
    lacking.abilities.prefill &= !without.prefill;
    if without.caching {
        lacking.abilities.caching = None;
    }
    grammar::check(
        &sent(&plan(&request, model, &Defaults::default(), without)),
        &lacking,
    );
}

#[test]
#[ignore = "runs for ten minutes: make fuzz"]
fn any_request_is_refused_by_name_or_becomes_what_bedrock_takes() {
    let (seeds, models) = (seeds(), models());
    run("requests", |rng| {
        let body = body(rng, &seeds);
        let model = one(rng, &models);
        plan_of(rng, &body, model);
    });
}
