use bytes::Bytes;
use serde_json::{Map, json};
use std::sync::Arc;

use super::*;
use crate::bedrock::plan::{DroppedForTarget, Shape, ToolNames};
use crate::catalog::Dialect;
use crate::conversation::{
    CacheTtl, Image, ImageFormat, Request, Service, ThinkingBlock, ToolCall, ToolResult,
};

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn::new(role, parts)
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

#[test]
fn a_plan_is_written_as_converse_reads_it() {
    let schema = r#"{"type":"object","properties":{"z":{},"a":{}},"required":["z"],"$defs":{}}"#;
    let tool = |name: &str, cache| Tool {
        name: name.into(),
        description: "What it does".into(),
        schema: Arc::new(serde_json::from_str(schema).unwrap()),
        strict: false,
        cache,
        kind: None,
        native: None,
    };
    let plan = Plan {
        system: vec![text("Be \"brief\"."), Part::CacheMark(CacheTtl::OneHour)],
        turns: vec![
            turn(
                Role::User,
                vec![
                    text("Look:\n"),
                    Part::Image(Image {
                        format: ImageFormat::Jpeg,
                        bytes: Bytes::from_static(&[0xff, 0xd8]),
                    }),
                ],
            ),
            turn(
                Role::Assistant,
                vec![
                    Part::Thinking(ThinkingBlock::Signed {
                        text: "Hm.".into(),
                        signature: "SIG==".into(),
                    }),
                    Part::Thinking(ThinkingBlock::Redacted(Bytes::from_static(&[0, 1]))),
                    Part::ToolCall(ToolCall {
                        id: "t0".into(),
                        name: "look".into(),
                        input: json!({"z": 1, "a": [null, 1.5]}),
                        native: None,
                    }),
                ],
            ),
            turn(
                Role::User,
                vec![
                    Part::ToolResult(ToolResult {
                        id: "t0".into(),
                        content: vec![text("nothing")],
                        is_error: true,
                        native: None,
                    }),
                    Part::CacheMark(CacheTtl::FiveMinutes),
                ],
            ),
        ],
        tools: vec![tool("look", None), tool("see", Some(CacheTtl::OneHour))],
        tool_choice: Some(ToolChoice::Named("see".into())),
        inference: Inference {
            max_tokens: 100,
            temperature: Some(0.7),
            top_p: Some(0.95),
            stop: vec!["END".into()],
        },
        model_fields: Map::from_iter([("top_k".into(), json!(5)), ("a".into(), json!({}))]),
        shape: Shape::Free,
        service: Service::default(),
        tags: BTreeMap::new(),
        dropped: DroppedForTarget::default(),
        response_fields: &[],
        names: ToolNames::of(&Request::default()),
        streaming: true,
        cached_in_input: false,
        dialect: Dialect::Converse,
    };
    let written = String::from_utf8(body(&plan).unwrap().to_vec()).unwrap();
    insta::assert_snapshot!(written, @r#"{"messages":[{"role":"user","content":[{"text":"Look:\n"},{"image":{"format":"jpeg","source":{"bytes":"/9g="}}}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"SIG=="}}},{"reasoningContent":{"redactedContent":"AAE="}},{"toolUse":{"toolUseId":"t0","name":"look","input":{"z":1,"a":[null,1.5]}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t0","content":[{"text":"nothing"}],"status":"error"}},{"cachePoint":{"type":"default"}}]}],"system":[{"text":"Be \"brief\"."},{"cachePoint":{"type":"default","ttl":"1h"}}],"inferenceConfig":{"maxTokens":100,"temperature":0.7,"topP":0.95,"stopSequences":["END"]},"toolConfig":{"tools":[{"toolSpec":{"name":"look","description":"What it does","inputSchema":{"json":{"type":"object","properties":{"z":{},"a":{}},"required":["z"],"$defs":{}}}}},{"toolSpec":{"name":"see","description":"What it does","inputSchema":{"json":{"type":"object","properties":{"z":{},"a":{}},"required":["z"],"$defs":{}}}}},{"cachePoint":{"type":"default","ttl":"1h"}}],"toolChoice":{"tool":{"name":"see"}}},"additionalModelRequestFields":{"top_k":5,"a":{}}}"#);
}

#[test]
fn what_is_not_set_is_not_written() {
    let plan = Plan {
        system: Vec::new(),
        turns: vec![turn(Role::User, vec![text("q")])],
        tools: Vec::new(),
        tool_choice: Some(ToolChoice::Required),
        inference: Inference {
            max_tokens: 1,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
        },
        model_fields: Map::new(),
        shape: Shape::Free,
        service: Service::default(),
        tags: BTreeMap::new(),
        dropped: DroppedForTarget::default(),
        response_fields: &[],
        names: ToolNames::default(),
        streaming: true,
        cached_in_input: false,
        dialect: Dialect::Converse,
    };
    let written = String::from_utf8(body(&plan).unwrap().to_vec()).unwrap();
    insta::assert_snapshot!(written, @r#"{"messages":[{"role":"user","content":[{"text":"q"}]}],"inferenceConfig":{"maxTokens":1}}"#);
}
