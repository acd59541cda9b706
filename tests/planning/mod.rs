//! Requests in OpenAI's words, and what becomes of them: every rule of planning as a table.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Value, json};

use bedrock_sidecar::bedrock;
use bedrock_sidecar::catalog::{
    Abilities, Caching, Family, Lifecycle, Limits, Model, ModelKind, ThinkingSupport,
};
use bedrock_sidecar::config::Defaults;
use bedrock_sidecar::conversation::{Request, Tool};
use bedrock_sidecar::openai::ChatRequest;
use bedrock_sidecar::wire::WireRequest;

use crate::support::with_fields;
use bedrock_sidecar::bedrock::plan::{Plan, UnsupportedFeatures, plan};

mod cache;
mod cache_growth;
mod cache_plan;
mod documents;
mod formats;
mod fuzz;
mod golden;
mod grammar;
mod inference;
mod messages;
mod native;
mod properties;
mod recordings;
mod results;
mod samples;
mod service;
mod thinking;
mod tools;

/// A Claude like Sonnet 4.5.
fn claude() -> Model {
    Model {
        id: "claude".into(),
        family: Family::Claude,
        limits: Limits {
            input: Some(200_000),
            output: Some(64_000),
            least_output: None,
        },
        price: None,
        abilities: Abilities {
            caching: Some(Caching {
                min_tokens: 1_024,
                one_hour: true,
                tools: true,
            }),
            thinking: ThinkingSupport::Budget,
            vision: true,
            tools: true,
            tool_choice: true,
            tools_while_streaming: true,
            system: true,
            sampling: true,
            prefill: true,
            parallel_tool_use_config: true,
            forced_tool_choice: true,
            tool_result_images: true,
            tool_result_documents: true,
            text_beside_results: true,
            thinking_off: true,
            stop_sequences: true,
            ..Abilities::default()
        },
        lifecycle: Lifecycle::default(),
        kind: ModelKind::Chat,
        retrieval: None,
        converse: true,
        known: true,
    }
}

/// A Claude like Sonnet 3.5: neither caching nor thinking.
fn plain_claude() -> Model {
    let mut model = claude();
    model.abilities.caching = None;
    model.abilities.thinking = ThinkingSupport::None;
    model.abilities.parallel_tool_use_config = false;
    model
}

/// A Claude that thinks as `thinking` says, and like the newer ones neither samples nor continues its own turn.
fn newer_claude(thinking: ThinkingSupport) -> Model {
    let mut model = claude();
    model.abilities.thinking = thinking;
    model.abilities.effort = true;
    model.abilities.sampling = false;
    model.abilities.prefill = false;
    model
}

/// A Nova: caches system and messages, never tools, for five minutes.
fn nova(thinking: ThinkingSupport) -> Model {
    let mut model = claude();
    model.family = Family::Nova;
    model.abilities.thinking = thinking;
    model.abilities.caching = Some(Caching {
        min_tokens: 1_024,
        one_hour: false,
        tools: false,
    });
    model.abilities.parallel_tool_use_config = false;
    model.abilities.documents_beside_results = true;
    model
}

/// A Pixtral: sees pictures from the user and reads documents, and wants tool results by themselves.
fn pixtral() -> Model {
    let mut model = plain_claude();
    model.family = Family::Mistral;
    model.abilities.documents = true;
    model.abilities.tool_choice = false;
    model.abilities.prefill = false;
    model.abilities.tool_result_images = false;
    model.abilities.text_beside_results = false;
    model
}

/// A model with no ability beyond text.
fn text_only() -> Model {
    Model {
        family: Family::Other,
        abilities: Abilities::default(),
        ..claude()
    }
}

/// A question with these fields beside it.
fn ask(fields: &Value) -> Value {
    let question = json!({"messages": [{"role": "user", "content": "q"}]});
    with_fields(question, fields)
}

/// The items of a list, none where there is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn request(body: &Value) -> Request {
    let (request, _) = ChatRequest::parse(body.to_string().as_bytes())
        .and_then(|chat| Box::new(chat).into_conversation(&HeaderMap::new()))
        .unwrap_or_else(|error| panic!("{body}: {error:?}"));
    request
}

fn planned(model: &Model, body: &Value) -> Plan {
    planned_by(model, body, &Defaults::default())
}

fn planned_by(model: &Model, body: &Value, defaults: &Defaults) -> Plan {
    plan(
        &request(body),
        model,
        defaults,
        UnsupportedFeatures::default(),
    )
}

fn sent(plan: &Plan) -> Value {
    serde_json::from_slice(&bedrock::body(plan).unwrap()).unwrap()
}

/// The Converse body that `body` becomes for `model`, checked against Bedrock's grammar.
fn body(model: &Model, body: &Value) -> Value {
    let sent = sent(&planned(model, body));
    grammar::check(&sent, model);
    sent
}

/// What `messages` become, beside one tool.
fn messages(model: &Model, messages: &Value) -> Value {
    body(model, &json!({"messages": messages, "tools": [tool("f")]}))["messages"].clone()
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object"}}})
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
}

fn domain_tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        description: String::new(),
        schema: Arc::new(json!({})),
        strict: false,
        cache: None,
        kind: None,
        native: None,
    }
}
