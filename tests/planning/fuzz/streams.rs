//! Any answer whatever, as bytes on the wire: it is told to the client, streamed and whole, or is a failure.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use serde_json::{Value, json};

use super::{garbled, json, one, run};
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};
use bedrock_sidecar::bedrock::{CallTimeouts, Endpoint};
use bedrock_sidecar::catalog::Model;
use bedrock_sidecar::config::Defaults;
use bedrock_sidecar::conversation::{
    AnswerFormat, AnswerSchema, Event, Fold, Part, Request, Role, Turn,
};
use bedrock_sidecar::openai::{Chat, ChunkWriter};
use bedrock_sidecar::wire::{ReplyMeta, StreamWriter, Wire};

const KEYS: [&str; 24] = [
    "contentBlockIndex",
    "delta",
    "start",
    "text",
    "toolUse",
    "toolUseId",
    "name",
    "input",
    "reasoningContent",
    "signature",
    "redactedContent",
    "citation",
    "location",
    "web",
    "url",
    "sourceContent",
    "title",
    "stopReason",
    "usage",
    "inputTokens",
    "outputTokens",
    "cacheDetails",
    "role",
    "content",
];

const WORDS: [&str; 12] = [
    "",
    "a",
    "{\"a\":",
    "1}",
    "end_turn",
    "tool_use",
    "max_tokens",
    "refusal",
    "assistant",
    "AAE=",
    "5m",
    "```json",
];

const KINDS: [&str; 10] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockDelta",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "somethingNew",
    "",
];

/// Plays Bedrock without a network: gives the same bytes to every request.
#[derive(Debug, Clone, Default)]
struct Canned(Arc<Mutex<(bool, Bytes)>>);

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (stream, bytes) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut response = HttpResponse::new(200_u16.try_into().unwrap(), SdkBody::from(bytes));
        let kind = if stream {
            "application/vnd.amazon.eventstream"
        } else {
            "application/json"
        };
        response.headers_mut().insert("content-type", kind);
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Canned {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn frame(kind: &str, name: &str, payload: &[u8]) -> Vec<u8> {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_vec())
        .add_header(header(
            if kind == "event" {
                ":event-type"
            } else {
                ":exception-type"
            },
            name,
        ))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", kind));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn payload(rng: &mut Rng, kind: &str) -> Value {
    let block = rng.u8(..4);
    let text = *one(rng, &WORDS);
    let mut payload = match kind {
        "messageStart" => json!({"role": "assistant"}),
        "contentBlockStart" => {
            json!({"contentBlockIndex": block, "start": {"toolUse": {"toolUseId": text, "name": text}}})
        }
        "contentBlockDelta" => {
            let delta = match rng.u8(..6) {
                0 => json!({"toolUse": {"input": text}}),
                1 => json!({"reasoningContent": {"text": text}}),
                2 => json!({"reasoningContent": {"signature": text}}),
                3 => json!({"reasoningContent": {"redactedContent": "AAE="}}),
                4 => {
                    json!({"citation": {"title": text, "location": {"web": {"url": text}}, "sourceContent": [{"text": text}]}})
                }
                _ => json!({"text": text}),
            };
            json!({"contentBlockIndex": block, "delta": delta})
        }
        "contentBlockStop" => json!({"contentBlockIndex": block}),
        "messageStop" => {
            json!({"stopReason": text, "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": block}}}})
        }
        "metadata" => {
            json!({"metrics": {"latencyMs": 1}, "usage": {"inputTokens": rng.i32(..), "outputTokens": rng.i32(..),
            "totalTokens": rng.i32(..), "cacheReadInputTokens": rng.i32(..), "cacheWriteInputTokens": rng.i32(..),
            "cacheDetails": [{"inputTokens": rng.i32(..), "ttl": "1h"}]}})
        }
        _ => json!({}),
    };
    if rng.u8(..12) == 0 {
        json::spoil(rng, &mut payload, &KEYS, &WORDS);
    }
    payload
}

/// Frames that follow one another mostly as they should.
fn stream(rng: &mut Rng, recorded: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !recorded.is_empty() && rng.u8(..3) == 0 {
        bytes.clone_from(one(rng, recorded));
    } else {
        let mut kinds = vec!["messageStart"];
        kinds.extend((0..rng.usize(..12)).map(|_| *one(rng, &KINDS)));
        kinds.extend(["messageStop", "metadata"]);
        for kind in kinds {
            if rng.u8(..40) == 0 {
                bytes.extend(frame(
                    "exception",
                    "throttlingException",
                    b"{\"message\":\"slow down\"}",
                ));
            }
            let payload = payload(rng, kind).to_string().into_bytes();
            let payload = if rng.u8(..30) == 0 {
                garbled(rng, payload)
            } else {
                payload
            };
            bytes.extend(frame("event", kind, &payload));
        }
    }
    if rng.u8(..4) == 0 {
        bytes = garbled(rng, bytes);
    }
    bytes
}

/// A whole reply, as Converse gives it.
fn reply(rng: &mut Rng) -> Vec<u8> {
    let blocks: Vec<Value> = (0..rng.usize(..5))
        .map(|_| match rng.u8(..5) {
            0 => json!({"toolUse": {"toolUseId": "a", "name": "f", "input": json::any(rng, &KEYS, &WORDS, 4)}}),
            1 => json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}),
            2 => json!({"citationsContent": {"content": [{"text": "t"}], "citations": [{"title": "b"}]}}),
            _ => json!({"text": *one(rng, &WORDS)}),
        })
        .collect();
    let mut body = json!({"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}});
    if rng.bool() {
        json::spoil(rng, &mut body, &KEYS, &WORDS);
    }
    let bytes = body.to_string().into_bytes();
    if rng.u8(..8) == 0 {
        garbled(rng, bytes)
    } else {
        bytes
    }
}

/// Every `*.response.bin` below the folder.
fn recorded(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            recorded(&path, found);
        } else if path.extension() == Some(OsStr::new("bin")) {
            found.push(std::fs::read(&path).unwrap());
        }
    }
}

/// A plan whose answer takes one of the forms that answers have.
fn planned(rng: &mut Rng) -> Plan {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let format = match rng.u8(..4) {
        0 => AnswerFormat::Json,
        1 => AnswerFormat::Schema(AnswerSchema {
            name: String::new(),
            description: String::new(),
            schema: Arc::new(schema),
        }),
        _ => AnswerFormat::Text,
    };
    let request = Request {
        turns: vec![Turn::new(Role::User, vec![Part::Text("q".into())])],
        format,
        ..Request::default()
    };
    let mut model = Model::unknown("m");
    model.abilities.tools = rng.bool();
    plan(
        &request,
        &model,
        &Defaults::default(),
        UnsupportedFeatures::default(),
    )
}

/// What the client reads of the answer, in the two ways in which it can be told.
async fn told(endpoint: &Endpoint, plan: Plan) {
    let limits = CallTimeouts {
        first_event: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        idle_in_tool_call: Duration::from_secs(5),
    };
    let Ok(mut answer) = endpoint.call("m", plan, limits).await else {
        return;
    };
    let (mut fold, mut chunks, mut text, mut stops) =
        (Fold::default(), BytesMut::new(), String::new(), 0);
    let mut writer = ChunkWriter::new(meta());
    writer.begin("m".to_owned(), 1, None, &mut chunks);
    let whole = loop {
        match answer.next().await {
            Ok(Some(event)) => {
                writer.event(&event, &mut chunks);
                match &event {
                    Event::Text(piece) => text.push_str(piece),
                    Event::Stop(_) => stops += 1,
                    _ => {}
                }
                fold.push(event);
            }
            Ok(None) => break true,
            Err(failure) => {
                assert!(!failure.message.is_empty());
                break false;
            }
        }
    };
    let chunks = std::str::from_utf8(&chunks).unwrap();
    let mut streamed = String::new();
    for chunk in chunks.split_terminator("\n\n") {
        let chunk: Value = serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        streamed.push_str(delta["content"].as_str().unwrap_or_default());
    }
    let reply = fold.finish();
    assert_eq!(streamed, text);
    assert_eq!(reply.text(), text);
    assert_eq!(reply.stop.is_some(), stops > 0);
    assert!(
        !whole || stops > 0,
        "an answer without a stop reason is no answer"
    );
    Chat.reply(meta(), reply, None).unwrap();
}

fn meta() -> ReplyMeta {
    ReplyMeta {
        id: "id".to_owned(),
        created: 0,
        model: "m".to_owned(),
        ..ReplyMeta::default()
    }
}

#[test]
#[ignore = "runs for ten minutes: make fuzz"]
fn any_answer_is_told_to_its_end_or_is_a_failure() {
    let mut seeds = Vec::new();
    if let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") {
        recorded(Path::new(&folder), &mut seeds);
    }
    let canned = Canned::default();
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(canned.clone());
    let endpoint = Endpoint::new(Client::from_conf(config.build()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    run("answers", |rng| {
        let mut plan = planned(rng);
        plan.streaming = rng.u8(..4) > 0;
        let bytes = if plan.streaming {
            stream(rng, &seeds)
        } else {
            reply(rng)
        };
        *canned.0.lock().unwrap_or_else(PoisonError::into_inner) = (plan.streaming, bytes.into());
        runtime.block_on(told(&endpoint, plan));
    });
}
