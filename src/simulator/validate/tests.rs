use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::*;
use crate::simulator::{
    fixtures::{ASTRA, LLAMA, NOVA, OPUS, PIXTRAL, SONNET, lookup},
    signature::{self, SignedFor},
};

fn refusal_of(model: &str, streaming: bool, body: &Value) -> Option<ErrorReply> {
    let model = lookup(model).unwrap();
    let asked = CheckedRequest {
        model: &model,
        streaming,
        body,
        check_signatures: true,
    };
    validate(&asked).err()
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn hi() -> Value {
    user(json!([{"text": "hi"}]))
}

fn spec(name: &str) -> Value {
    json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}})
}

fn with_schema(more: Value) -> Value {
    let mut spec = spec("a");
    let schema = spec["toolSpec"]["inputSchema"]["json"]
        .as_object_mut()
        .unwrap();
    schema.extend(more.as_object().unwrap().clone());
    spec
}

/// A strict tool with so many parameters that may be left out.
fn strict(name: &str, optional: usize) -> Value {
    let properties = (0..optional).map(|n| (format!("p{n}"), json!({"type": "string"})));
    let properties: serde_json::Map<_, _> = properties.collect();
    let mut spec = held_to(closed(properties.into()));
    spec["toolSpec"]["name"] = json!(name);
    spec
}

fn held_to(schema: Value) -> Value {
    let mut spec = with_schema(schema);
    spec["toolSpec"]["strict"] = json!(true);
    spec
}

fn closed(properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn call(id: &str) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": "look", "input": {}}})
}

fn result(id: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"text": "seen"}]}})
}

fn signed(text: &str) -> Value {
    let signature = signature::sign(text, SignedFor::default());
    json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
}

fn redacted(data: &str) -> Value {
    let data = BASE64_STANDARD.encode(data);
    assistant(json!([{"reasoningContent": {"redactedContent": data}}, {"text": "a"}]))
}

/// A request with a tool, with these messages and this thinking.
fn with_tool(messages: Value, fields: Value) -> Value {
    json!({
        "messages": messages,
        "toolConfig": {"tools": [spec("look")]},
        "additionalModelRequestFields": fields,
    })
}

const THINKING: &str = r#"{"thinking": {"type": "enabled", "budget_tokens": 2000}}"#;

fn thinking() -> Value {
    serde_json::from_str(THINKING).unwrap()
}

#[test]
fn every_refusal_has_its_words() {
    let point = || json!({"cachePoint": {"type": "default"}});
    let hour = || json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let said = |messages: Value| json!({ "messages": messages });
    let infer = |config: Value| json!({"messages": [hi()], "inferenceConfig": config});
    let tools = |tools: Value| json!({"messages": [hi()], "toolConfig": {"tools": tools}});
    let think = |fields: Value| json!({"messages": [hi()], "additionalModelRequestFields": fields});
    let named = |name: &str| tools(json!([spec(name)]));
    let loop_of = |first: Value, second: Value| json!([hi(), first, second]);
    let png = "iVBORw0KGgo=";
    let document = |name: &str| json!({"document": {"format": "txt", "name": name, "source": {"bytes": "YQ=="}}});
    let cases: Vec<(&str, Value, &str)> = vec![
        // Form and conversation.
        (
            SONNET,
            json!({"messages": [hi()], "cache_control": {}}),
            "extraneous key [cache_control] is not permitted",
        ),
        (
            SONNET,
            said(json!([])),
            "A conversation must start with a user message.",
        ),
        (
            SONNET,
            said(json!([assistant(json!([{"text": "a"}])), hi()])),
            "A conversation must start with a user message.",
        ),
        (
            SONNET,
            said(json!([hi(), hi()])),
            "A conversation must alternate between user and assistant roles.",
        ),
        (
            SONNET,
            said(json!([user(json!([]))])),
            "The content field in the Message object at messages.0 is empty.",
        ),
        (
            SONNET,
            said(json!([user(json!([{"text": "a"}, {"text": " \n"}]))])),
            "The text field in the ContentBlock object at messages.0.content.1 is blank.",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "system": [{"text": ""}]}),
            "The text field in the SystemContentBlock object at system.0 is blank.",
        ),
        (
            OPUS,
            said(json!([hi(), assistant(json!([{"text": "so"}]))])),
            "This model does not support assistant message prefill.",
        ),
        (
            NOVA,
            said(json!([hi(), assistant(json!([{"text": "so"}]))])),
            "A conversation must end with a user message.",
        ),
        (
            SONNET,
            said(json!([hi(), assistant(json!([{"text": "so "}]))])),
            "final assistant content cannot end with trailing whitespace",
        ),
        // Tools.
        (
            SONNET,
            tools(json!([])),
            "Value '[]' at 'toolConfig.tools' failed to satisfy constraint",
        ),
        (
            SONNET,
            named("a.b"),
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
        ),
        (
            SONNET,
            named(&"x".repeat(65)),
            "Member must have length less than or equal to 64",
        ),
        (
            SONNET,
            tools(json!([spec("a"), spec("a")])),
            "Tool names must be unique.",
        ),
        (
            SONNET,
            tools(json!([with_schema(json!({"properties": null}))])),
            "tools.0.custom.input_schema: JSON schema is invalid.",
        ),
        (
            SONNET,
            tools(json!([spec("b"), with_schema(json!({"oneOf": [{}]}))])),
            "tools.1.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        ),
        (
            SONNET,
            tools(json!([with_schema(
                json!({"properties": {"filter[name]": {}}})
            )])),
            "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
        ),
        (
            SONNET,
            tools(json!([held_to(
                json!({"type": "object", "properties": {}})
            )])),
            "tools.0.custom: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            SONNET,
            tools(json!([held_to(closed(json!({"a": {}})))])),
            "tools.0.custom: Schema must have a 'type' field",
        ),
        (
            SONNET,
            tools(json!([held_to(closed(json!({"a": {"$ref": "#"}})))])),
            "tools.0.custom: Recursive schemas are not supported",
        ),
        (
            SONNET,
            tools((0..21).map(|n| strict(&format!("t{n}"), 0)).collect()),
            "Too many strict tools (21). The maximum number of strict tools supported is 20.",
        ),
        (
            SONNET,
            tools(json!([strict("a", 20), strict("b", 5)])),
            "Schemas contains too many optional parameters (25), which would make grammar compilation inefficient.",
        ),
        (
            SONNET,
            tools(json!([{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}])),
            "inputSchema.json.type must be one of the following: object.",
        ),
        (
            SONNET,
            tools(
                json!([{"toolSpec": {"name": "a", "description": "", "inputSchema": {"json": {"type": "object"}}}}]),
            ),
            "toolSpec.description' failed to satisfy constraint",
        ),
        (
            LLAMA,
            named("a"),
            "This model doesn't support tool use in streaming mode.",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "toolConfig": {"tools": [spec("a")], "toolChoice": {"tool": {"name": "b"}}}}),
            "Tool 'b' not found in provided tools",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a b")])),
                    user(json!([result("a b")])),
                ),
                json!({}),
            ),
            "[a-zA-Z0-9_.:-]+",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(
                        json!([{"toolUse": {"toolUseId": "a", "name": "look", "input": ""}}]),
                    ),
                    user(json!([result("a")])),
                ),
                json!({}),
            ),
            "toolUse.input is invalid. Provide a json object for the field and try again.",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a"), call("a")])),
                    user(json!([result("a")])),
                ),
                json!({}),
            ),
            "`tool_use` ids must be unique",
        ),
        (
            SONNET,
            said(loop_of(
                assistant(json!([call("a")])),
                user(json!([result("a")])),
            )),
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a"), call("b")])),
                    user(json!([result("a")])),
                ),
                json!({}),
            ),
            "Expected toolResult blocks at messages.2.content for the following Ids: b",
        ),
        (
            SONNET,
            with_tool(json!([hi(), assistant(json!([call("a")]))]), json!({})),
            "Expected toolResult blocks at messages.2.content for the following Ids: a",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a")])),
                    user(json!([result("a"), result("b")])),
                ),
                json!({}),
            ),
            "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
        ),
        (
            SONNET,
            with_tool(json!([user(json!([result("a")]))]), json!({})),
            "The number of toolResult blocks at messages.0.content exceeds",
        ),
        // Pictures and documents.
        (
            SONNET,
            said(json!([user(
                json!([{"image": {"format": "jpeg", "source": {"bytes": png}}}])
            )])),
            "specified using the image/jpeg media type, but the image appears to be a image/png image",
        ),
        (
            SONNET,
            said(json!([user(json!([document("a")]))])),
            "A message with a document must also have a text block.",
        ),
        (
            SONNET,
            said(json!([user(json!([{"text": "a"}, document("a.txt")]))])),
            "The document file name can only contain alphanumeric characters",
        ),
        (
            SONNET,
            said(json!([user(
                json!([{"text": "a"}, document("a"), document("a")])
            )])),
            "must be unique",
        ),
        (
            LLAMA,
            infer(json!({"stopSequences": ["x"]})),
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        ),
        // Beside tool results, and inside.
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a")])),
                    user(json!([result("a"), {"text": "t"}, document("a")])),
                ),
                json!({}),
            ),
            "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: a.",
        ),
        (
            PIXTRAL,
            with_tool(
                loop_of(
                    assistant(json!([call("a")])),
                    user(json!([result("a"), {"text": "t"}])),
                ),
                json!({}),
            ),
            "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: a.",
        ),
        (
            PIXTRAL,
            with_tool(
                loop_of(
                    assistant(json!([call("a")])),
                    user(
                        json!([{"toolResult": {"toolUseId": "a", "content": [{"image": {"format": "png", "source": {"bytes": png}}}]}}]),
                    ),
                ),
                json!({}),
            ),
            "This model doesn't support the image field for user messages.",
        ),
        // Cache points.
        (
            LLAMA,
            said(json!([user(json!([{"text": "a"}, point()]))])),
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        ),
        (
            NOVA,
            tools(json!([spec("a"), point()])),
            "#/toolConfig/tools/1: extraneous key [cachePoint] is not permitted",
        ),
        (
            SONNET,
            said(json!([user(
                json!([{"text": "a"}, point(), {"text": "b"}, point(), {"text": "c"}, point(), {"text": "d"}, point(), {"text": "e"}, point()])
            )])),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            SONNET,
            json!({"system": [{"text": "s"}, point()], "messages": [user(json!([{"text": "a"}, hour()]))]}),
            "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
        ),
        (
            NOVA,
            said(json!([user(json!([{"text": "a"}, hour()]))])),
            "Extended TTL",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([call("a")])),
                    user(
                        json!([{"toolResult": {"toolUseId": "a", "content": [{"text": "x"}, point()]}}]),
                    ),
                ),
                json!({}),
            ),
            "extraneous key [cachePoint]",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([signed("t"), point(), call("a")])),
                    user(json!([result("a")])),
                ),
                json!({}),
            ),
            "Cache point cannot be inserted after reasoning block.",
        ),
        (
            SONNET,
            said(json!([user(json!([point(), {"text": "a"}]))])),
            "There is nothing available to cache. Please remove the invalid cache point and try again.",
        ),
        (
            SONNET,
            said(json!([user(
                json!([{"text": "a"}, document("a"), point()])
            )])),
            "The model returned the following errors: messages.0.content.2.type: Field required",
        ),
        // Thinking.
        (
            SONNET,
            said(loop_of(redacted("rsn_a"), hi())),
            "The model returned the following errors: messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        ),
        (
            NOVA,
            said(loop_of(redacted("rsn_a"), hi())),
            "This model doesn't support the reasoningContent.redactedContent field for assistant messages.",
        ),
        (
            ASTRA,
            said(loop_of(redacted("claude"), hi())),
            "\"message\":\"invalid encrypted reasoning\"",
        ),
        (
            ASTRA,
            said(loop_of(redacted("rsn_elsewhere"), hi())),
            "encrypted reasoning is scoped to the region that produced it",
        ),
        (
            ASTRA,
            think(json!({"reasoning": {"effort": "none"}})),
            "'reasoning.effort' does not support 'none' with this model",
        ),
        (
            ASTRA,
            infer(json!({"maxTokens": 15})),
            "Expected a value >= 16, but got 15 instead.",
        ),
        (
            NOVA,
            think(thinking()),
            "extraneous key [thinking] is not permitted",
        ),
        (
            OPUS,
            think(thinking()),
            "\"thinking.type.enabled\" is not supported for this model.",
        ),
        (
            SONNET,
            think(json!({"thinking": {"type": "adaptive"}})),
            "adaptive thinking is not supported on this model",
        ),
        (
            SONNET,
            think(json!({"thinking": {"type": "enabled", "budget_tokens": 1000}})),
            "Input should be greater than or equal to 1024",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "inferenceConfig": {"maxTokens": 2000}, "additionalModelRequestFields": thinking()}),
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "inferenceConfig": {"temperature": 0.5}, "additionalModelRequestFields": thinking()}),
            "`temperature` may only be set to 1 when thinking is enabled.",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "inferenceConfig": {"topP": 0.5}, "additionalModelRequestFields": thinking()}),
            "`top_p` must be greater than or equal to 0.95",
        ),
        (
            SONNET,
            think(json!({"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2000}})),
            "`top_k` must be unset when thinking is enabled.",
        ),
        (
            SONNET,
            json!({"messages": [hi()], "toolConfig": {"tools": [spec("a")], "toolChoice": {"any": {}}}, "additionalModelRequestFields": thinking()}),
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            SONNET,
            said(json!([user(json!([signed("t"), {"text": "a"}]))])),
            "User messages cannot contain reasoning content.",
        ),
        (
            SONNET,
            with_tool(
                loop_of(assistant(json!([call("a")])), user(json!([result("a")]))),
                thinking(),
            ),
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
        ),
        (
            SONNET,
            with_tool(
                loop_of(
                    assistant(json!([{"text": "I look"}, call("a")])),
                    user(json!([result("a")])),
                ),
                thinking(),
            ),
            "but found `text`",
        ),
        (
            SONNET,
            said(json!([
                hi(),
                assistant(
                    json!([{"reasoningContent": {"reasoningText": {"text": "t", "signature": "c2ln"}}}, {"text": "a"}])
                ),
                hi()
            ])),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        // Inference.
        (
            SONNET,
            infer(json!({"stopSequences": [""]})),
            "inferenceConfig.stopSequences.1.member",
        ),
        (
            SONNET,
            infer(json!({"stopSequences": ["\n"]})),
            "each stop sequence must contain non-whitespace",
        ),
        (
            SONNET,
            infer(json!({"maxTokens": 64_001})),
            "The maximum tokens you requested exceeds the model limit of 64000.",
        ),
        (
            SONNET,
            infer(json!({"temperature": 1.5})),
            "Member must have value less than or equal to 1",
        ),
        (
            SONNET,
            infer(json!({"temperature": 0.5, "topP": 0.5})),
            "`temperature` and `top_p` cannot both be specified",
        ),
        (
            OPUS,
            infer(json!({"temperature": 0.5})),
            "`temperature` is deprecated for this model.",
        ),
        (
            SONNET,
            think(json!({"reasoning_effort": "low"})),
            "reasoning_effort: Extra inputs are not permitted",
        ),
        (
            SONNET,
            said(json!([user(json!([{"text": "x".repeat(801_000)}]))])),
            "Input is too long for requested model.",
        ),
    ];
    for (model, body, words) in cases {
        let shown: String = body.to_string().chars().take(300).collect();
        let failure = refusal_of(model, true, &body).unwrap_or_else(|| panic!("accepted: {shown}"));
        assert!(
            failure.message.contains(words),
            "{}\nnot: {words}\n{shown}",
            failure.message
        );
        let forbidden = failure.kind.as_deref() == Some("AccessDeniedException");
        assert_eq!(failure.status, if forbidden { 403 } else { 400 });
    }
}

#[test]
fn what_is_right_is_accepted() {
    let closed = json!([hi(), assistant(json!([{"text": "a"}])), hi()]);
    let open = json!([
        hi(),
        assistant(json!([signed("t"), call("a")])),
        user(json!([result("a"), {"cachePoint": {"type": "default"}}]))
    ]);
    let unsigned = json!([
        hi(),
        assistant(json!([call("a")])),
        user(json!([result("a")]))
    ]);
    let cases = [
        (SONNET, with_tool(open, thinking())),
        (SONNET, with_tool(closed, thinking())),
        (
            OPUS,
            with_tool(
                unsigned,
                json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
            ),
        ),
        (LLAMA, json!({"messages": [hi()]})),
        (
            SONNET,
            json!({"messages": [hi(), assistant(json!([{"text": "so"}]))]}),
        ),
        (
            SONNET,
            json!({
                "toolConfig": {"tools": [spec("a"), {"cachePoint": {"type": "default", "ttl": "1h"}}]},
                "messages": [user(json!([{"text": "a"}, {"cachePoint": {"type": "default"}}]))],
            }),
        ),
    ];
    for (model, body) in cases {
        assert_eq!(refusal_of(model, true, &body), None, "{body}");
    }
    let tools = json!({"messages": [hi()], "toolConfig": {"tools": [spec("a")]}});
    assert_eq!(refusal_of(LLAMA, false, &tools), None);
}

#[test]
fn every_rule_says_where_it_is_from() {
    assert!(rules().all(|rule| !rule.name.is_empty() && !rule.source.is_empty()));
}
