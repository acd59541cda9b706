//! Schemas as clients write them reach every model in a form that it takes, and what the model writes comes back as the
//! client asked for it: on every wire, streamed and whole.

mod alternatives;
mod nulls;
mod property_keys;
mod too_much;

use reqwest::Response;
use serde_json::{Value, json};

use crate::support::TestApp;

/// A request with tools of these schemas, as each wire says it, whole and streamed.
fn asking(model: &str, schemas: &[Value], strict: bool) -> Vec<(&'static str, Value)> {
    let named = || {
        schemas
            .iter()
            .enumerate()
            .map(|(n, schema)| (format!("f{n}"), schema))
    };
    let tools = |tool: fn(String, &Value, bool) -> Value| {
        let tools = named().map(|(name, schema)| tool(name, schema, strict));
        Value::Array(tools.collect())
    };
    let user = json!([{"role": "user", "content": "hi"}]);
    let wires = [
        (
            "/v1/chat/completions",
            json!({"model": model, "messages": user, "tools": tools(|name, schema, strict| {
                json!({"type": "function", "function": {"name": name, "strict": strict, "parameters": schema}})
            })}),
        ),
        (
            "/v1/messages",
            json!({"model": model, "max_tokens": 1000, "messages": user, "tools": tools(|name, schema, strict| {
                json!({"name": name, "strict": strict, "input_schema": schema})
            })}),
        ),
        (
            "/v1/responses",
            json!({"model": model, "input": user, "tools": tools(|name, schema, strict| {
                json!({"type": "function", "name": name, "strict": strict, "parameters": schema})
            })}),
        ),
    ];
    both_ways(wires)
}

/// A request for an answer of this schema, as each wire says it, whole and streamed.
fn wanting(model: &str, schema: &Value) -> Vec<(&'static str, Value)> {
    let user = json!([{"role": "user", "content": "hi"}]);
    let format = json!({"type": "json_schema", "name": "out", "schema": schema});
    let wires = [
        (
            "/v1/chat/completions",
            json!({"model": model, "messages": user, "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": schema}}}),
        ),
        (
            "/v1/messages",
            json!({"model": model, "max_tokens": 1000, "messages": user, "output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        ),
        (
            "/v1/responses",
            json!({"model": model, "input": user, "text": {"format": format}}),
        ),
    ];
    both_ways(wires)
}

fn both_ways(wires: [(&'static str, Value); 3]) -> Vec<(&'static str, Value)> {
    let both = wires.into_iter().flat_map(|(path, body)| {
        [false, true].map(|stream| {
            let mut body = body.clone();
            body["stream"] = json!(stream);
            (path, body)
        })
    });
    both.collect()
}

/// What a client sees of an answer.
#[derive(Debug, Default)]
struct Seen {
    /// The arguments of all calls.
    arguments: String,
    text: String,
    body: String,
}

impl Seen {
    fn arguments(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_else(|_| panic!("{}", self.body))
    }

    fn answer(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

async fn answered(app: &TestApp, path: &str, body: &Value) -> Seen {
    let response = app.post(path, body).send().await.unwrap();
    let status = response.status();
    let seen = seen(response).await;
    assert_eq!(status, 200, "{path}: {}", seen.body);
    seen
}

async fn seen(response: Response) -> Seen {
    let mut seen = Seen {
        body: response.text().await.unwrap(),
        ..Seen::default()
    };
    let lines: Vec<String> = seen.body.lines().map(str::to_owned).collect();
    let streamed = lines.iter().filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = streamed
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    if events.is_empty() {
        let whole: Value = serde_json::from_str(&seen.body).unwrap();
        read_whole(&whole, &mut seen);
    }
    for event in events {
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        for piece in [
            "/choices/0/delta/tool_calls/0/function/arguments",
            "/delta/partial_json",
        ] {
            seen.arguments += text(piece);
        }
        for piece in ["/choices/0/delta/content", "/delta/text"] {
            seen.text += text(piece);
        }
        match text("/type") {
            "response.function_call_arguments.delta" => seen.arguments += text("/delta"),
            "response.output_text.delta" => seen.text += text("/delta"),
            _ => {}
        }
    }
    seen
}

fn read_whole(whole: &Value, seen: &mut Seen) {
    let text = |value: &Value, pointer: &str| {
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    seen.text += &text(whole, "/choices/0/message/content");
    seen.arguments += &text(whole, "/choices/0/message/tool_calls/0/function/arguments");
    let list = |key: &str| whole[key].as_array().cloned().unwrap_or_default();
    for block in list("content") {
        seen.text += &text(&block, "/text");
        if let Some(input) = block.get("input") {
            seen.arguments += &input.to_string();
        }
    }
    for item in list("output") {
        seen.text += &text(&item, "/content/0/text");
        seen.arguments += &text(&item, "/arguments");
    }
}

/// The tools of the last request that this model got.
fn tools_sent(app: &TestApp, model: &str) -> Vec<Value> {
    let sent = app.bedrock.requests_for(model).pop().unwrap().body;
    let tools = sent["toolConfig"]["tools"].as_array().unwrap().clone();
    let specs = tools
        .into_iter()
        .filter_map(|tool| tool.get("toolSpec").cloned());
    specs.collect()
}
