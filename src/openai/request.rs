//! The body of `POST /chat/completions`, and its translation into the domain.

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::conversation::{Request, Role, Sampling, Turn};
use crate::wire::limits::{self, MOST_PARTS, MOST_TOOLS};
use crate::wire::tool::WireTool;
use crate::wire::tools::Offer;
use crate::wire::{
    self, ApiError, Arguments, Betas, Body, Control, Labels, LeftOut, List, Loose, MockFailure,
    Options, RemoteImage, WireFallback, numbers,
};

use super::format::{self, ResponseFormat};
use super::message::WireMessage;
use super::service::{self, Performance};
use super::stream_options::{StreamOptions, wants_usage};
use super::thinking::{self, OutputConfig, ReasoningEffort, WireReasoning, WireThinking};
use super::unsupported;

/// The body as it came. Fields that change no answer are skipped: real clients send many.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ChatRequest {
    model: Option<String>,
    #[serde(default)]
    messages: List<WireMessage, MOST_PARTS>,
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
    thinking: Option<WireThinking>,
    output_config: Option<OutputConfig>,
    reasoning_effort: Option<ReasoningEffort>,
    reasoning: Option<WireReasoning>,
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
    #[serde(default)]
    user: Loose<String>,
    metadata: Option<Value>,
    tags: Option<Value>,
    #[serde(default)]
    litellm_session_id: Loose<String>,
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

impl Body for ChatRequest {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        wire::parse(body).map(|(request, unknown)| Self {
            unknown: unknown
                .into_iter()
                .filter(|field| unsupported::is_unknown(field))
                .collect(),
            ..request
        })
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        let mut images = Vec::new();
        for (at, message) in self.messages.0.iter_mut().enumerate() {
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
        let parts = self
            .messages
            .0
            .iter_mut()
            .flat_map(WireMessage::remote_images);
        for ((_, part), picture) in parts.zip(pictures) {
            part.put(picture);
        }
    }

    fn into_conversation(mut self, headers: &HeaderMap) -> Result<(Request, Options), ApiError> {
        if self.messages.0.is_empty() {
            return Err(ApiError::bad_request(
                "Missing required parameter: 'messages'.",
                "messages",
            ));
        }
        self.refuse_what_no_answer_has()?;
        let unsupported = self.unsupported();
        let mut left_out = LeftOut::fields(std::mem::take(&mut self.unknown));
        let (thinking, effort) = thinking::wish(
            self.thinking,
            self.output_config,
            self.reasoning_effort,
            self.reasoning,
        )?;
        let mut offer = Offer::default();
        offer.add(self.tools.unwrap_or_default().0, "tools", &mut left_out)?;
        let chosen = offer.chosen(self.tool_choice.as_ref(), &mut left_out)?;
        let mut request = Request {
            tools: chosen.tools,
            tool_choice: chosen.choice,
            parallel_tool_calls: self.parallel_tool_calls,
            sampling: Sampling {
                max_tokens: (self.max_completion_tokens)
                    .or(self.max_tokens)
                    .or(self.max_output_tokens),
                temperature: self.temperature,
                top_p: self.top_p,
                top_k: self.top_k,
                stop: self.stop,
            },
            thinking,
            effort,
            format: format::wanted(self.response_format)?,
            service: service::service(
                self.guardrail,
                self.service_tier,
                self.performance,
                self.request_metadata,
            )?,
            model_fields: service::model_fields(
                self.additional_model_request_fields,
                self.anthropic_beta,
                self.extra_headers.as_ref(),
            ),
            ..Request::default()
        };
        let include_usage = wants_usage(self.stream_options, &mut left_out);
        let user = self.user.or_left_out("user", &mut left_out);
        let session = self
            .litellm_session_id
            .or_left_out("litellm_session_id", &mut left_out);
        let mut arguments = Arguments::default();
        for (index, message) in self.messages.0.into_iter().enumerate() {
            let turn =
                message.into_turn(&format!("messages[{index}]"), &mut arguments, &mut left_out)?;
            push(&mut request, turn);
        }
        limits::check(&request.system, &request.turns, "messages")?;
        let mock = |on: Option<bool>, failure| (on == Some(true)).then_some(failure);
        let control = Control {
            num_retries: self.num_retries,
            timeout: self.timeout,
            stream_timeout: self.stream_timeout,
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: self.fallbacks,
            mock_failure: mock(self.mock_testing_fallbacks, MockFailure::Unavailable)
                .or(mock(
                    self.mock_testing_context_window_fallbacks,
                    MockFailure::ContextWindow,
                ))
                .or(mock(
                    self.mock_testing_content_policy_fallbacks,
                    MockFailure::ContentFiltered,
                )),
            drop_params: self.drop_params,
        };
        let options = Options {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            include_usage,
            free_form: chosen.free_form,
            tool_refusal: chosen.refusal,
            labels: Labels::new(
                user,
                session,
                self.tags.as_ref(),
                self.metadata.as_ref(),
                headers,
            )?,
            unsupported,
            left_out: left_out.into_names(),
            ..Options::controlled(control, headers)?
        };
        Ok((request, options))
    }
}

impl ChatRequest {
    /// Whether its conversation stands where the Responses API has it.
    pub fn has_input_alone(&self) -> bool {
        self.messages.0.is_empty() && self.unknown.iter().any(|field| field == "input")
    }

    fn refuse_what_no_answer_has(&self) -> Result<(), ApiError> {
        for (tokens, param) in [
            (self.max_tokens, "max_tokens"),
            (self.max_completion_tokens, "max_completion_tokens"),
            (self.max_output_tokens, "max_output_tokens"),
        ] {
            if tokens == Some(0) {
                let message = format!("'{param}' must be at least 1.");
                return Err(ApiError::bad_request(message, param));
            }
        }
        if self.n.is_some_and(|n| n != 1) {
            let message = "'n' must be 1: Bedrock gives one answer per call.";
            return Err(ApiError::bad_request(message, "n"));
        }
        for (field, value, instead) in [
            ("functions", &self.functions, "tools"),
            ("function_call", &self.function_call, "tool_choice"),
        ] {
            let asked = value.as_ref().is_some_and(|value| {
                !matches!(value.as_str(), Some("auto" | "none"))
                    && value.as_array().is_none_or(|list| !list.is_empty())
            });
            if asked {
                let message = format!(
                    "'{field}' is OpenAI's old form, whose answers have another shape; use '{instead}'."
                );
                return Err(ApiError::bad_request(message, field));
            }
        }
        Ok(())
    }

    /// What the body asks for and cannot have.
    fn unsupported(&self) -> Vec<String> {
        let known = [
            ("seed", &self.seed),
            ("logprobs", &self.logprobs),
            ("top_logprobs", &self.top_logprobs),
            ("logit_bias", &self.logit_bias),
            ("presence_penalty", &self.presence_penalty),
            ("frequency_penalty", &self.frequency_penalty),
            ("repetition_penalty", &self.repetition_penalty),
            ("modalities", &self.modalities),
            ("audio", &self.audio),
            ("web_search_options", &self.web_search_options),
            ("guardrails", &self.guardrails),
        ];
        let asked = known.into_iter().filter(|(field, value)| {
            let value = value.as_ref();
            value.is_some_and(|value| !unsupported::asks_for_nothing(field, value))
        });
        asked.map(|(field, _)| field.to_owned()).collect()
    }
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
