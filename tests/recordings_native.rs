//! Real exchanges with Claude by InvokeModel, replayed through every wire, and their requests planned again: where
//! `BEDROCK_RECORDINGS` names a folder, in the one beside it whose name ends in `_native`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bedrock_sidecar::simulator::Step;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::support::anthropic::read_events;
use crate::support::responses::{last_response, read_response_events};
use crate::support::{TestApp, hello};

/// A recorded exchange.
struct Exchange {
    name: String,
    model: String,
    status: u16,
    request: Value,
    /// What Bedrock answered, as a stream.
    answer: Answer,
}

enum Answer {
    /// As recorded, and the events in it.
    Stream(Vec<u8>, Vec<Value>),
    /// A message, or an error.
    Whole(Value),
}

impl Exchange {
    fn read(request: &Path) -> Self {
        let name = request.to_str().unwrap();
        let beside = |ending: &str| PathBuf::from(name.replace(".request.json", ending));
        let meta = json_of(&beside(".meta.json"));
        let (_, path) = meta["uri"].as_str().unwrap().split_once("/model/").unwrap();
        let (model, _) = path.split_once('/').unwrap();
        let answer = match std::fs::read(beside(".response.bin")) {
            Ok(bytes) => {
                let lines = std::fs::read_to_string(beside(".response.events.jsonl")).unwrap();
                let frames = lines
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap());
                let events = frames.map(|frame: Value| frame["decoded"].clone());
                Answer::Stream(bytes, events.collect())
            }
            Err(_) => Answer::Whole(json_of(&beside(".response.json"))),
        };
        Self {
            name: name.to_owned(),
            model: percent_decode_str(model)
                .decode_utf8()
                .unwrap()
                .into_owned(),
            status: u16::try_from(meta["status"].as_u64().unwrap()).unwrap(),
            request: json_of(request),
            answer,
        }
    }

    /// A gateway whose model `primary` is the one that was asked, in its own format whoever asks.
    async fn app(&self) -> TestApp {
        let yaml = format!(
            "model_list:\n- {{model_name: primary, litellm_params: {{model: \"bedrock/{}\", dialect: messages}}}}\n\
             litellm_settings: {{num_retries: 0, prompt_caching: false}}\n",
            self.model
        );
        let app = TestApp::builder().config(&yaml).start().await;
        app.bedrock.script(&self.model, [self.step()]);
        app
    }

    fn step(&self) -> Step {
        match &self.answer {
            Answer::Stream(bytes, _) => Step::bytes(bytes.clone()),
            Answer::Whole(message) => Step::chunks(as_stream(message)),
        }
    }

    fn is_message(&self) -> bool {
        match &self.answer {
            Answer::Stream(..) => true,
            Answer::Whole(message) => message["content"].is_array(),
        }
    }

    /// The answer put together as Anthropic's SDKs do.
    fn message(&self) -> Value {
        match &self.answer {
            Answer::Stream(_, events) => folded(events),
            Answer::Whole(message) => message.clone(),
        }
    }

    /// The request as a client of Anthropic's API would make it.
    fn as_client(&self, stream: bool) -> Value {
        let mut body = self.request.clone();
        body.as_object_mut()
            .unwrap()
            .shift_remove("anthropic_version");
        body["model"] = json!("primary");
        body["stream"] = json!(stream);
        body
    }
}

fn json_of(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn requests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(requests(&path));
        } else if path.to_str().unwrap().ends_with(".request.json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The exchanges in which Claude answered. Empty where there is no folder.
fn answered() -> Vec<Exchange> {
    let Ok(folder) = std::env::var("BEDROCK_RECORDINGS") else {
        println!("0 recordings replayed: BEDROCK_RECORDINGS names no folder");
        return Vec::new();
    };
    let all = requests(Path::new(&format!("{folder}_native")));
    let mut exchanges: Vec<Exchange> = all.iter().map(|path| Exchange::read(path)).collect();
    // One of them was answered in the form of Text Completions.
    exchanges.retain(|exchange| exchange.status == 200 && exchange.is_message());
    assert!(!exchanges.is_empty(), "no recording of an answer");
    println!("{} recordings replayed", exchanges.len());
    exchanges
}

/// A message as the stream in which Claude would have sent it.
fn as_stream(message: &Value) -> Vec<Value> {
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let mut events = vec![json!({"type": "message_start", "message": start})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let mut empty = block.clone();
        let delta = match block["type"].as_str().unwrap() {
            "text" => {
                empty["text"] = json!("");
                json!({"type": "text_delta", "text": block["text"]})
            }
            "tool_use" => {
                empty["input"] = json!({});
                json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
            }
            other => panic!("a recorded block of type {other}"),
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta =
        json!({"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    events
}

/// The message of a recorded stream.
fn folded(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let mut inputs: BTreeMap<u64, String> = BTreeMap::new();
    for event in events {
        let index = event["index"].as_u64().unwrap_or(0);
        let at = usize::try_from(index).unwrap();
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                content.push(event["content_block"].clone());
            }
            "content_block_delta" => match event["delta"]["type"].as_str().unwrap() {
                "text_delta" => {
                    let text = &mut message["content"][at]["text"];
                    let more = event["delta"]["text"].as_str().unwrap();
                    *text = json!(format!("{}{more}", text.as_str().unwrap()));
                }
                "input_json_delta" => {
                    let piece = event["delta"]["partial_json"].as_str().unwrap();
                    inputs.entry(index).or_default().push_str(piece);
                }
                other => panic!("a recorded delta of type {other}"),
            },
            "content_block_stop" => {
                if let Some(input) = inputs.remove(&index).filter(|input| !input.is_empty()) {
                    message["content"][at]["input"] = serde_json::from_str(&input).unwrap();
                }
            }
            "message_delta" => {
                for field in ["stop_reason", "stop_sequence"] {
                    message[field] = event["delta"][field].clone();
                }
                let usage = message["usage"].as_object_mut().unwrap();
                usage.extend(event["usage"].as_object().unwrap().clone());
            }
            "message_stop" => {}
            other => panic!("a recorded event of type {other}"),
        }
    }
    message
}

/// The blocks of one type.
fn blocks<'a>(message: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = message["content"].as_array().unwrap().iter();
    all.filter(|block| block["type"] == kind).collect()
}

fn text(message: &Value) -> String {
    let texts = blocks(message, "text").into_iter();
    texts.map(|block| block["text"].as_str().unwrap()).collect()
}

/// The calls of an answer: ids, names, arguments.
fn calls(message: &Value) -> Vec<(Value, Value, Value)> {
    let calls = blocks(message, "tool_use").into_iter();
    calls
        .map(|call| {
            (
                call["id"].clone(),
                call["name"].clone(),
                call["input"].clone(),
            )
        })
        .collect()
}

/// The numbers of `usage` that stand in both.
fn counted(usage: &Value) -> [u64; 4] {
    [
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    ]
    .map(|field| usage[field].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn what_claude_answered_reaches_anthropic_s_clients_whole() {
    for exchange in answered() {
        let (name, recorded) = (&exchange.name, exchange.message());
        for stream in [false, true] {
            let app = exchange.app().await;
            let body = exchange.as_client(stream);
            let reply = app
                .as_anthropic("/v1/messages", &body)
                .send()
                .await
                .unwrap();
            assert_eq!(
                reply.status(),
                200,
                "{name}: {}",
                reply.text().await.unwrap()
            );
            let message = if stream {
                read_events(reply).await.message()
            } else {
                reply.json().await.unwrap()
            };
            assert_eq!(message["content"], recorded["content"], "{name}");
            for field in ["stop_reason", "stop_sequence"] {
                assert_eq!(message[field], recorded[field], "{name}");
            }
            let usage = &message["usage"];
            assert_eq!(counted(usage), counted(&recorded["usage"]), "{name}");
            for field in ["cache_creation", "output_tokens_details", "service_tier"] {
                if let Some(told) = recorded["usage"].get(field) {
                    assert_eq!(usage[field], *told, "{name}: {field}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_claude_answered_reaches_openai_s_clients_whole() {
    for exchange in answered() {
        let (name, recorded) = (&exchange.name, exchange.message());
        let mut body = hello("primary");
        let whole = exchange.app().await.chat(&body).await;
        let whole: Value = whole.json().await.unwrap();
        let choice = &whole["choices"][0];
        assert_eq!(
            choice["message"]["content"].as_str().unwrap_or(""),
            text(&recorded),
            "{name}"
        );
        let told = choice["message"]["tool_calls"].as_array();
        let told = told.into_iter().flatten().map(|call| {
            let arguments = call["function"]["arguments"].as_str().unwrap();
            let arguments = serde_json::from_str(arguments).unwrap();
            (
                call["id"].clone(),
                call["function"]["name"].clone(),
                arguments,
            )
        });
        assert_eq!(told.collect::<Vec<_>>(), calls(&recorded), "{name}");
        let [input, output, read, written] = counted(&recorded["usage"]);
        assert_eq!(
            whole["usage"]["prompt_tokens"],
            input + read + written,
            "{name}"
        );
        assert_eq!(whole["usage"]["completion_tokens"], output, "{name}");

        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
        let chunks = exchange.app().await.chat(&body).await;
        let chunks = crate::support::read_sse(chunks).await;
        assert!(chunks.done && chunks.error().is_none(), "{name}");
        assert_eq!(chunks.text(), text(&recorded), "{name}");
        let told = chunks.tool_calls().into_iter();
        let told = told.map(|(id, function, arguments)| {
            let arguments = serde_json::from_str(&arguments).unwrap();
            (json!(id), json!(function), arguments)
        });
        assert_eq!(told.collect::<Vec<_>>(), calls(&recorded), "{name}");
        assert_eq!(*chunks.usage().unwrap(), whole["usage"], "{name}");
        assert_eq!(
            chunks.finish_reasons(),
            [choice["finish_reason"].as_str().unwrap()],
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_claude_answered_reaches_codex_whole() {
    for exchange in answered() {
        let (name, recorded) = (&exchange.name, exchange.message());
        for stream in [false, true] {
            let app = exchange.app().await;
            let body = json!({"model": "primary", "input": "hello", "stream": stream});
            let reply = app
                .as_anthropic("/v1/responses", &body)
                .send()
                .await
                .unwrap();
            let response = if stream {
                last_response(&read_response_events(reply).await)
            } else {
                reply.json().await.unwrap()
            };
            let is_cut = recorded["stop_reason"] == "max_tokens";
            let status = if is_cut { "incomplete" } else { "completed" };
            assert_eq!(response["status"], status, "{name}: {response}");
            let output = response["output"].as_array().unwrap();
            let said: String = output
                .iter()
                .filter_map(|item| item.pointer("/content/0/text")?.as_str())
                .collect();
            assert_eq!(said, text(&recorded), "{name}");
            let told = output.iter().filter(|item| item["type"] == "function_call");
            let told = told.map(|call| {
                let arguments = serde_json::from_str(call["arguments"].as_str().unwrap());
                (
                    call["call_id"].clone(),
                    call["name"].clone(),
                    arguments.unwrap(),
                )
            });
            assert_eq!(told.collect::<Vec<_>>(), calls(&recorded), "{name}");
            let [input, output, read, written] = counted(&recorded["usage"]);
            let usage = &response["usage"];
            assert_eq!(usage["input_tokens"], input + read + written, "{name}");
            assert_eq!(usage["output_tokens"], output, "{name}");
        }
    }
}

/// What is different by design: a text alone is one block of text, turns of one role are one turn, a mark of five minutes
/// does not say so, and of temperature and `top_p` one is sent, for the models of today refuse both.
fn comparable(body: &Value) -> Value {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    if let Some(system) = fields.get_mut("system") {
        as_blocks(system);
    }
    if let Some(temperature) = fields.get_mut("temperature") {
        *temperature = json!(temperature.as_f64());
        fields.shift_remove("top_p");
    }
    let mut messages: Vec<Value> = Vec::new();
    for mut message in body["messages"].as_array().unwrap().clone() {
        let content = &mut message["content"];
        as_blocks(content);
        for block in content.as_array_mut().unwrap() {
            if block["type"] == "tool_result" && block.get("content").is_some() {
                as_blocks(&mut block["content"]);
            }
            if let Some(Value::Object(mark)) = block.get_mut("cache_control") {
                mark.retain(|name, value| name != "ttl" || value != "5m");
            }
        }
        match messages
            .last_mut()
            .filter(|last| last["role"] == message["role"])
        {
            Some(last) => {
                let more = message["content"].as_array().unwrap().clone();
                last["content"].as_array_mut().unwrap().extend(more);
            }
            None => messages.push(message),
        }
    }
    body["messages"] = json!(messages);
    body
}

fn as_blocks(content: &mut Value) {
    if content.is_string() {
        *content = json!([{"type": "text", "text": content}]);
    }
}

#[tokio::test]
async fn what_claude_was_asked_is_asked_again_as_it_was() {
    let mut differences = Map::new();
    for exchange in answered() {
        let app = exchange.app().await;
        let body = exchange.as_client(false);
        let reply = app
            .as_anthropic("/v1/messages", &body)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 200, "{}", exchange.name);
        let sent = app.bedrock.requests().last().unwrap().clone();
        assert_eq!(sent.operation, "invoke-with-response-stream");
        let (sent, recorded) = (comparable(&sent.body), comparable(&exchange.request));
        if sent != recorded {
            differences.insert(
                exchange.name.clone(),
                json!({"sent": sent, "recorded": recorded}),
            );
        }
    }
    assert!(
        differences.is_empty(),
        "{}",
        serde_json::to_string_pretty(&differences).unwrap()
    );
}
