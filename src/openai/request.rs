//! The body of `POST /chat/completions`, and its translation into the domain.

mod settings;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::conversation::{Request, Role, Turn};
use crate::wire::limits::{self, MOST_PARTS, MOST_TOOLS};
use crate::wire::loose::misread;
use crate::wire::openai::format::ResponseFormat;
use crate::wire::openai::service::Performance;
use crate::wire::openai::{StreamOptions, unsupported};
use crate::wire::tool::WireTool;
use crate::wire::tools::ToolOffer;
use crate::wire::{
    self, ApiError, Arguments, Betas, DroppedFields, List, Loose, RemoteImage, RequestOptions,
    WireFallback, WireRequest, numbers,
};

use super::message::ChatMessage;
use super::thinking::{ChatOutputConfig, ChatReasoning, ChatThinking, ReasoningEffort};

/// The body as it came. Fields that change no answer are skipped: real clients send many.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ChatRequest {
    model: Option<String>,
    messages: Option<List<Loose<ChatMessage>, MOST_PARTS>>,
    tools: Option<List<Loose<WireTool>, MOST_TOOLS>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_tokens: Option<u32>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_completion_tokens: Option<u32>,
    /// The Responses wire's name for it, which clients mix in.
    #[serde(default, deserialize_with = "numbers::count")]
    max_output_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "numbers::count")]
    top_k: Option<u32>,
    #[serde(default, deserialize_with = "stop")]
    stop: Vec<String>,
    #[serde(default, deserialize_with = "numbers::count")]
    n: Option<u32>,
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Loose<StreamOptions>,
    thinking: Option<ChatThinking>,
    output_config: Option<ChatOutputConfig>,
    reasoning_effort: Option<ReasoningEffort>,
    reasoning: Option<ChatReasoning>,
    response_format: Option<ResponseFormat>,
    #[serde(rename = "guardrailConfig", alias = "guardrail_config")]
    guardrail: Option<Map<String, Value>>,
    #[serde(rename = "performanceConfig", alias = "performance_config")]
    performance: Option<Performance>,
    #[serde(rename = "requestMetadata", alias = "request_metadata")]
    request_metadata: Option<Map<String, Value>>,
    service_tier: Option<String>,
    #[serde(alias = "additionalModelRequestFields")]
    additional_model_request_fields: Option<Map<String, Value>>,
    anthropic_beta: Option<Betas>,
    extra_headers: Option<Map<String, Value>>,
    functions: Option<Value>,
    function_call: Option<Value>,
    drop_params: Option<bool>,
    seed: Option<Value>,
    logprobs: Option<Value>,
    top_logprobs: Option<Value>,
    logit_bias: Option<Value>,
    presence_penalty: Option<Value>,
    frequency_penalty: Option<Value>,
    repetition_penalty: Option<Value>,
    modalities: Option<Value>,
    audio: Option<Value>,
    web_search_options: Option<Value>,
    guardrails: Option<Value>,
    context_management: Option<Value>,
    truncation: Option<Value>,
    prompt_cache_retention: Option<Value>,
    chat_template_kwargs: Option<Value>,
    enable_thinking: Option<Value>,
    mock_response: Option<Value>,
    /// The Responses wire's, which holds the form of the answer there.
    text: Option<Value>,
    #[serde(default)]
    user: Loose<String>,
    metadata: Option<Value>,
    tags: Option<Value>,
    #[serde(default)]
    litellm_session_id: Loose<String>,
    #[serde(default)]
    prompt_cache_key: Loose<String>,
    #[serde(default, deserialize_with = "numbers::count")]
    num_retries: Option<u32>,
    timeout: Option<f64>,
    stream_timeout: Option<f64>,
    disable_fallbacks: Option<bool>,
    fallbacks: Option<Vec<WireFallback>>,
    mock_testing_fallbacks: Option<bool>,
    #[serde(alias = "mock_testing_context_fallbacks")]
    mock_testing_context_window_fallbacks: Option<bool>,
    mock_testing_content_policy_fallbacks: Option<bool>,
    /// Fields that none of the above is, as far as they must be spoken about.
    #[serde(skip)]
    unknown: Vec<String>,
}

impl ChatRequest {
    /// Parses a body. The error names the field that was wrong.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let (request, unknown): (Self, _) = wire::parse(body)?;
        if let Some(messages) = &request.messages {
            refuse_unless_any_is_read(&messages.0)?;
        }
        Ok(Self {
            unknown: unknown
                .into_iter()
                .filter(|field| unsupported::is_unknown(field))
                .collect(),
            ..request
        })
    }
}

impl WireRequest for ChatRequest {
    fn remote_images(&mut self) -> Vec<RemoteImage> {
        let mut images = Vec::new();
        for (at, message) in self.messages() {
            for (part, picture) in message.remote_images() {
                images.push(RemoteImage {
                    param: format!("messages[{at}].content[{part}].image_url"),
                    url: picture.address().unwrap_or_default().to_owned(),
                });
            }
        }
        images
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        let messages = self.messages();
        let parts = messages.flat_map(|(_, message)| message.remote_images());
        for ((_, part), picture) in parts.zip(pictures) {
            part.put(picture);
        }
    }

    fn into_conversation(
        mut self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        let messages = self.messages.take().unwrap_or_default().0;
        if !has_any(&messages) {
            return Err(ApiError::missing("messages"));
        }
        let mut dropped = DroppedFields::fields(std::mem::take(&mut self.unknown));
        let has_format = |text: &Value| text.get("format").is_some_and(|format| !format.is_null());
        if self.text.as_ref().is_some_and(has_format) {
            dropped.add("text.format");
        }
        let mut offer = ToolOffer::default();
        let tools = self.tools.take().unwrap_or_default().0;
        offer.add(tools, "tools", &mut dropped)?;
        let chosen = offer.chosen(self.tool_choice.as_ref(), &mut dropped)?;
        let (request, options) = self.into_settings(headers, &mut dropped)?;
        let mut request = Request {
            tools: chosen.tools,
            tool_choice: chosen.choice,
            ..request
        };
        let mut arguments = Arguments::default();
        for (index, message) in messages.into_iter().enumerate() {
            let path = format!("messages[{index}]");
            match message {
                Loose::Given(message) => {
                    let turn = message.into_turn(&path, &mut arguments, &mut dropped)?;
                    push(&mut request, turn);
                }
                Loose::Missing | Loose::Other(_) => dropped.add("messages"),
            }
        }
        limits::check(&request.system, &request.turns, "messages")?;
        let options = RequestOptions {
            free_form: chosen.free_form,
            tool_refusal: chosen.refusal,
            dropped: dropped.into_names(),
            ..options
        };
        Ok((request, options))
    }
}

impl ChatRequest {
    /// Whether its conversation stands where the Responses API has it.
    pub fn has_input_alone(&self) -> bool {
        let messages = self.messages.as_ref();
        let is_empty = messages.is_none_or(|messages| messages.0.is_empty());
        is_empty && self.unknown.iter().any(|field| field == "input")
    }

    /// The unknown fields, as far as they must be spoken about.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The messages, each with its place.
    fn messages(&mut self) -> impl Iterator<Item = (usize, &mut ChatMessage)> {
        let messages = self.messages.iter_mut();
        let messages = messages.flat_map(|messages| messages.0.iter_mut().enumerate());
        messages.filter_map(|(at, message)| Some((at, message.as_given_mut()?)))
    }
}

/// One odd message among others is left out; a list of nothing else is no conversation.
fn refuse_unless_any_is_read(messages: &[Loose<ChatMessage>]) -> Result<(), ApiError> {
    match messages {
        [Loose::Other(found), ..] if !has_any(messages) => {
            Err(misread::<ChatMessage>(found, "messages[0]".to_owned()))
        }
        _ => Ok(()),
    }
}

fn has_any(messages: &[Loose<ChatMessage>]) -> bool {
    messages.iter().any(|message| message.as_given().is_some())
}

/// Leading system messages are the system prompt; later ones keep their place.
fn push(request: &mut Request, turn: Turn) {
    if turn.role == Role::System && request.turns.is_empty() {
        request.system.extend(turn.parts);
    } else {
        request.turns.push(turn);
    }
}

/// `stop` is a string, a list of strings or null.
fn stop<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::String(stop) => Ok(vec![stop]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(stop) => Ok(stop),
                _ => Err(D::Error::custom("every stop sequence must be a string")),
            })
            .collect(),
        _ => Err(D::Error::custom("expected a string or a list of strings")),
    }
}
