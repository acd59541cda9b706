//! Driven by the real client of the AWS SDK, with the bundled catalog's models.

use aws_sdk_bedrockruntime::{
    Client, error::ProvideErrorMetadata,
    operation::invoke_model_with_response_stream::InvokeModelWithResponseStreamError,
    primitives::Blob, types::ResponseStream,
};
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::civil::date;
use serde_json::{Value, json};

use crate::{
    catalog::Catalog,
    simulator::{Simulated, SimulatorOptions, fixtures},
};

mod answers;
mod binding;
mod caching;
mod context;
mod recorded;
mod refusals;
mod search;

/// Of the older generation.
const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const SONNET_4_6: &str = "us.anthropic.claude-sonnet-4-6";
/// Of the newer.
const OPUS_4_7: &str = "us.anthropic.claude-opus-4-7";
const OPUS_4_8: &str = "us.anthropic.claude-opus-4-8";
/// It binds its thinking.
const SONNET_5_5: &str = "us.anthropic.claude-sonnet-5-5";

async fn start() -> Simulated {
    let catalog = Catalog::bundled();
    let lookup = move |id: &str| Some(catalog.resolve(id, None, None)).filter(|model| model.known);
    let options = SimulatorOptions::new(lookup).with_today(date(2026, 3, 1));
    Simulated::start(options).await.unwrap()
}

/// A question with nothing special about it.
fn ask(text: &str) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": text}],
    })
}

/// The same with these members.
fn with(mut body: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn named(name: &str, description: &str, deferred: bool) -> Value {
    let mut tool = json!({"name": name, "description": description,
        "input_schema": {"type": "object", "properties": {}}});
    if deferred {
        tool["defer_loading"] = json!(true);
    }
    tool
}

/// Ten deferred tools behind a search of this kind.
fn archive(search: &str) -> Value {
    let kind = format!("{search}_20251119");
    let mut tools = vec![
        json!({"type": kind, "name": search}),
        named("read", "reads", false),
    ];
    tools.extend((0..10).map(|n| {
        let name = format!("lookup_{n}");
        named(&name, &format!("Looks up record {n}."), true)
    }));
    json!({ "tools": tools })
}

/// The conversation with this answer and this next turn.
fn go_on(body: &Value, answer: &Value, next: Value) -> Value {
    let mut body = body.clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": answer["content"]}));
    messages.push(user(next));
    body
}

/// A stream of Claude's own events.
#[derive(Debug, Default)]
struct Events {
    all: Vec<Value>,
    /// How the stream ended, where it did not end well.
    error: Option<String>,
}

impl Events {
    fn types(&self) -> Vec<&str> {
        let types = self.all.iter();
        types.map(|event| event["type"].as_str().unwrap()).collect()
    }

    fn of(&self, kind: &str) -> &Value {
        let mut found = self.all.iter().filter(|event| event["type"] == kind);
        found.next().unwrap_or(&Value::Null)
    }

    /// The message that the events add up to, as Anthropic's SDKs fold them.
    fn folded(&self) -> Value {
        let mut message = self.of("message_start")["message"].clone();
        for event in &self.all {
            let index = event["index"].as_u64().unwrap_or_default() as usize;
            match event["type"].as_str().unwrap() {
                "content_block_start" => {
                    let blocks = message["content"].as_array_mut().unwrap();
                    assert_eq!(blocks.len(), index);
                    blocks.push(event["content_block"].clone());
                }
                "content_block_delta" => {
                    let delta = &event["delta"];
                    fold(&mut message["content"][index], delta);
                }
                "content_block_stop" => {
                    let block = message["content"][index].as_object_mut().unwrap();
                    if let Some(input) = block.remove("partial") {
                        let text = input.as_str().unwrap();
                        let input = serde_json::from_str(if text.is_empty() { "{}" } else { text });
                        block["input"] = input.unwrap();
                    }
                }
                "message_delta" => {
                    for (name, value) in event.as_object().unwrap() {
                        match name.as_str() {
                            "type" => {}
                            "delta" | "usage" => {
                                let into = match name.as_str() {
                                    "delta" => &mut message,
                                    _ => &mut message["usage"],
                                };
                                for (name, value) in value.as_object().unwrap() {
                                    into[name] = value.clone();
                                }
                            }
                            _ => message[name] = value.clone(),
                        }
                    }
                }
                _ => {}
            }
        }
        message
    }
}

fn fold(block: &mut Value, delta: &Value) {
    let mut append = |to: &str, from: &str| {
        let so_far = block[to].as_str().unwrap_or_default().to_owned();
        block[to] = json!(so_far + delta[from].as_str().unwrap());
    };
    match delta["type"].as_str().unwrap() {
        "text_delta" => append("text", "text"),
        "thinking_delta" => append("thinking", "thinking"),
        "signature_delta" => append("signature", "signature"),
        "input_json_delta" => append("partial", "partial_json"),
        "citations_delta" => {
            let citations = block["citations"].as_array_mut().unwrap();
            citations.push(delta["citation"].clone());
        }
        "compaction_delta" => {
            let fields = delta.as_object().unwrap().iter();
            for (name, value) in fields.filter(|(name, _)| *name != "type") {
                block[name] = value.clone();
            }
        }
        other => panic!("{other}"),
    }
}

type StreamError =
    SdkError<InvokeModelWithResponseStreamError, aws_smithy_runtime_api::http::Response>;

async fn stream_of(client: &Client, model: &str, body: &Value) -> Result<Events, StreamError> {
    let call = client.invoke_model_with_response_stream();
    let call = call.model_id(model).body(Blob::new(body.to_string()));
    let mut stream = call.send().await?.body;
    let mut events = Events::default();
    loop {
        match stream.recv().await {
            Ok(Some(ResponseStream::Chunk(chunk))) => {
                let bytes = chunk.bytes.unwrap().into_inner();
                events.all.push(serde_json::from_slice(&bytes).unwrap());
            }
            Ok(Some(other)) => panic!("{other:?}"),
            Ok(None) => return Ok(events),
            Err(error) => {
                events.error = Some(format!("{error:?}"));
                return Ok(events);
            }
        }
    }
}

async fn stream(simulated: &Simulated, model: &str, body: &Value) -> Events {
    stream_of(&fixtures::client(simulated), model, body)
        .await
        .unwrap_or_else(|error| panic!("{}: {error:?}", error.message().unwrap_or_default()))
}

/// The whole answer.
async fn whole(simulated: &Simulated, model: &str, body: &Value) -> Value {
    let call = fixtures::client(simulated).invoke_model();
    let call = call.model_id(model).body(Blob::new(body.to_string()));
    let output = call.send().await.unwrap();
    serde_json::from_slice(output.body.as_ref()).unwrap()
}
