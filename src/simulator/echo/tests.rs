use serde_json::{Value, json};

use super::*;
use crate::simulator::{model::able, validate::validate};

fn ask(body: Value) -> ScriptedReply {
    let model = able("test.model");
    let asked = CheckedRequest {
        model: &model,
        streaming: true,
        body: &body,
        check_signatures: true,
    };
    validate(&asked).unwrap();
    answer("test.model", &asked)
}

fn say(text: &str) -> Value {
    json!([{"role": "user", "content": [{"text": text}]}])
}

fn text(reply: &ScriptedReply) -> &str {
    match reply.blocks.last() {
        Some(Block::Text(text)) => text,
        other => panic!("no text but {other:?}"),
    }
}

fn calls(reply: &ScriptedReply) -> Vec<(String, Value)> {
    let calls = reply.blocks.iter().filter_map(|block| match block {
        Block::ToolUse { name, input, .. } => {
            Some((name.clone(), serde_json::from_str(input).unwrap()))
        }
        _ => None,
    });
    calls.collect()
}

fn tool(name: &str, schema: Value) -> Value {
    json!({"toolSpec": {"name": name, "inputSchema": {"json": schema}}})
}

fn strings(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"type": "string"})))
        .collect();
    json!({"type": "object", "properties": properties, "required": names})
}

const JOB: &str = "Create a file named a.txt in the current directory. Its entire content must be the single line \
                   LINE-1. Use your file writing tool. When the file exists, finish with a final message that \
                   contains exactly END-1.";

#[test]
fn it_says_that_it_is_simulated() {
    let reply = ask(json!({"messages": say("what llm are you")}));
    assert!(text(&reply).contains("simulated"));
    assert!(text(&reply).contains("what llm are you"));
    assert_eq!(reply.stop_reason(), "end_turn");
}

#[test]
fn the_job_is_done_with_whatever_tool_the_client_has() {
    let system = json!([{"text": "4. Working Directory: /home/me\n"}]);
    let cases = [
        (
            vec![
                tool(
                    "run_commands",
                    json!({"type": "object", "properties": {"commands": {"type": "array", "items": {"type": "string"}}}, "required": ["commands"]}),
                ),
                tool(
                    "editor",
                    json!({"type": "object", "properties": {"path": {"type": "string"}, "old_text": {"type": "string"}, "new_text": {"type": "string"}}, "required": ["path", "new_text"]}),
                ),
            ],
            (
                "editor",
                json!({"path": "/home/me/a.txt", "new_text": "LINE-1\n"}),
            ),
        ),
        (
            vec![
                tool("bash", strings(&["command", "description"])),
                tool("edit", strings(&["filePath", "oldString", "newString"])),
                tool("write", strings(&["filePath", "content"])),
            ],
            (
                "write",
                json!({"filePath": "/home/me/a.txt", "content": "LINE-1\n"}),
            ),
        ),
        (
            vec![tool(
                "exec_command",
                json!({"type": "object", "properties": {"cmd": {"type": "string"}, "workdir": {"type": "string"}}, "required": ["cmd"]}),
            )],
            (
                "exec_command",
                json!({"cmd": "printf '%s\\n' LINE-1 > a.txt"}),
            ),
        ),
        (
            vec![tool(
                "shell",
                json!({"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}, "required": ["command"]}),
            )],
            (
                "shell",
                json!({"command": ["bash", "-lc", "printf '%s\\n' LINE-1 > a.txt"]}),
            ),
        ),
    ];
    for (tools, (name, input)) in cases {
        let reply =
            ask(json!({"system": system, "messages": say(JOB), "toolConfig": {"tools": tools}}));
        assert_eq!(calls(&reply), [(name.to_owned(), input)]);
        assert_eq!(reply.stop_reason(), "tool_use");
    }
}

#[test]
fn after_the_tools_result_the_last_words_are_said() {
    let tools = json!({"tools": [tool("write", strings(&["filePath", "content"]))]});
    let messages = json!([
        {"role": "user", "content": [{"text": JOB}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "write", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "ok"}]}}]},
    ]);
    let reply = ask(json!({"messages": messages, "toolConfig": tools}));
    assert!(text(&reply).ends_with("END-1"));
}

#[test]
fn agents_without_tools_get_their_own_formats() {
    let xml = "<attempt_completion>\n<result>\nYour result\n</result>\n</attempt_completion>";
    let reply = ask(json!({"system": [{"text": xml}], "messages": say(JOB)}));
    assert!(text(&reply).contains("<path>a.txt</path>"));
    let messages = json!([
        {"role": "user", "content": [{"text": JOB}]},
        {"role": "assistant", "content": [{"text": "<write_to_file>…"}]},
        {"role": "user", "content": [{"text": "[write_to_file for 'a.txt'] Result:"}, {"text": "The content was successfully saved."}]},
    ]);
    let reply = ask(json!({"system": [{"text": xml}], "messages": messages}));
    assert!(text(&reply).contains("<result>\nEND-1\n</result>"));

    let rules = format!("{JOB}\n\n# *SEARCH/REPLACE block* Rules:");
    let reply = ask(json!({"messages": say(&rules)}));
    assert!(
        text(&reply).contains("a.txt\n```\n<<<<<<< SEARCH\n=======\nLINE-1\n>>>>>>> REPLACE\n```")
    );

    let system = json!([{"text": "You generate concise, one-line Git commit messages"}]);
    let reply = ask(json!({"system": system, "messages": say(JOB)}));
    assert_eq!(text(&reply), "feat: add a.txt");
    let system = json!([{"text": "You are a title generator."}]);
    let reply = ask(json!({"system": system, "messages": say(JOB)}));
    assert_eq!(text(&reply), "Create a.txt");
    let reply = ask(json!({"messages": say("Reply with exactly HELLO-2")}));
    assert_eq!(text(&reply), "HELLO-2");
}

#[test]
fn tools_are_called_when_forced_or_asked_for() {
    let weather = tool("get_weather", strings(&["city"]));
    let read = tool("read", strings(&["path"]));
    let body = |said: &str, choice: Value| json!({"messages": say(said), "toolConfig": {"tools": [read, weather], "toolChoice": choice}});
    let named = |reply: &ScriptedReply| {
        calls(reply)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let auto = json!({"auto": {}});
    assert_eq!(
        named(&ask(body("please read the news", auto.clone()))),
        [""; 0]
    );
    assert_eq!(
        named(&ask(body("call get_weather for Paris", auto.clone()))),
        ["get_weather"]
    );
    assert_eq!(
        named(&ask(body("use the read tool and get_weather", auto))),
        ["read", "get_weather"]
    );
    assert_eq!(named(&ask(body("hi", json!({"any": {}})))), ["read"]);
    let reply = ask(body("hi", json!({"tool": {"name": "get_weather"}})));
    assert_eq!(
        calls(&reply),
        [("get_weather".to_owned(), json!({"city": "Paris"}))]
    );
}

#[test]
fn schemas_stop_sequences_and_limits_are_kept() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false});
    let schema = schema.to_string();
    let format = json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}});
    let reply = ask(json!({"messages": say("hi"), "outputConfig": format}));
    assert_eq!(text(&reply), r#"{"n":1}"#);

    let config = json!({"stopSequences": ["answering"]});
    let reply = ask(json!({"messages": say("hi"), "inferenceConfig": config}));
    assert_eq!(text(&reply), "This is a simulated Amazon Bedrock ");
    assert_eq!(reply.stop_reason(), "stop_sequence");

    let reply = ask(json!({"messages": say("hi"), "inferenceConfig": {"maxTokens": 1}}));
    assert_eq!(text(&reply), "This");
    assert_eq!(reply.stop_reason(), "max_tokens");
}

#[test]
fn thinking_comes_first_where_it_is_asked_for() {
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let reply = ask(json!({"messages": say("hi"), "additionalModelRequestFields": thinking}));
    assert!(matches!(reply.blocks.first(), Some(Block::Thinking(_))));
    let effort = json!({"reasoning_effort": "high"});
    let reply = ask(json!({"messages": say("hi"), "additionalModelRequestFields": effort}));
    assert!(matches!(reply.blocks.first(), Some(Block::Reasoning(_))));
}

#[test]
fn a_job_that_is_done_is_not_done_again_and_a_beginning_is_continued() {
    let messages = json!([
        {"role": "user", "content": [{"text": JOB}]},
        {"role": "assistant", "content": [{"text": "The file was written. END-1"}]},
        {"role": "user", "content": [{"text": "thanks"}]},
    ]);
    let tools = json!({"tools": [tool("write", strings(&["filePath", "content"]))]});
    let reply = ask(json!({"messages": messages, "toolConfig": tools}));
    assert!(text(&reply).ends_with("You said: thanks"));

    let messages = json!([
        {"role": "user", "content": [{"text": "hi"}]},
        {"role": "assistant", "content": [{"text": "This is a simulated"}]},
    ]);
    let reply = ask(json!({ "messages": messages }));
    assert!(text(&reply).starts_with(" Amazon Bedrock"));
}
