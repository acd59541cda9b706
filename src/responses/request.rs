//! The body of `POST /v1/responses`, and its translation into the domain.

mod items;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::conversation::{AnswerFormat, Request, Sampling, Thinking};
use crate::wire::limits::{self, MOST_TOOLS};
use crate::wire::openai::format::{self, ResponseFormat};
use crate::wire::openai::{StreamOptions, service, unsupported, wants_usage};
use crate::wire::tool::WireTool;
use crate::wire::tools::ToolOffer;
use crate::wire::{
    self, ApiError, Compaction, DroppedFields, FoundReferences, GatewayParams, Labels, List, Loose,
    MockFailure, References, RemoteImage, RequestOptions, Seal, WireFallback, WireRequest, effort,
    numbers,
};

use super::content::WireItem;
use super::error::no_such_response;
use super::include::{Included, MOST_INCLUDED};
use super::input::{ResponsesInput, conversation};

/// The body as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ResponsesRequest {
    model: Option<String>,
    #[serde(default)]
    input: ResponsesInput,
    instructions: Option<String>,
    tools: Option<List<Loose<WireTool>, MOST_TOOLS>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_output_tokens: Option<u32>,
    /// The chat wire's names for it, which clients mix in.
    #[serde(default, deserialize_with = "numbers::count")]
    max_completion_tokens: Option<u32>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    reasoning: Option<ResponsesReasoning>,
    text: Option<WireText>,
    stream: Option<bool>,
    /// For the chat route alone: a response's stream ends with its usage in any case.
    #[serde(default)]
    stream_options: Loose<StreamOptions>,
    #[serde(default)]
    include: Loose<List<Loose<String>, MOST_INCLUDED>>,
    #[serde(default)]
    prompt_cache_key: Loose<String>,
    #[serde(default)]
    user: Loose<String>,
    #[serde(default)]
    safety_identifier: Loose<String>,
    service_tier: Option<String>,
    top_logprobs: Option<Value>,
    guardrails: Option<Value>,
    context_management: Option<Value>,
    truncation: Option<Value>,
    prompt_cache_retention: Option<Value>,
    extra_body: Option<Value>,
    metadata: Option<Value>,
    #[serde(default)]
    store: Loose<bool>,
    previous_response_id: Option<Value>,
    conversation: Option<Value>,
    prompt: Option<Value>,
    background: Option<bool>,
    // The gateway's own, by LiteLLM's names.
    #[serde(default, deserialize_with = "numbers::count")]
    num_retries: Option<u32>,
    timeout: Option<f64>,
    stream_timeout: Option<f64>,
    drop_params: Option<bool>,
    tags: Option<Value>,
    disable_fallbacks: Option<bool>,
    fallbacks: Option<Vec<WireFallback>>,
    mock_testing_fallbacks: Option<bool>,
    #[serde(skip)]
    unknown: Vec<String>,
    /// Its client reads compactions.
    #[serde(skip)]
    may_compact: bool,
    /// What is stored of the conversation before `input`, once it was found.
    #[serde(skip)]
    history: Option<Vec<WireItem>>,
}

/// Fields that change no answer of this gateway: bookkeeping, and `max_tool_calls`, which counts the calls of tools
/// that OpenAI runs and no others (<https://platform.openai.com/docs/api-reference/responses/create>).
const HARMLESS: [&str; 2] = ["client_metadata", "max_tool_calls"];

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct ResponsesReasoning {
    effort: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct WireText {
    format: Option<TextFormat>,
}

/// The chat wire's form with one level less.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"json_object\"}")]
struct TextFormat {
    r#type: String,
    name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
}

impl ResponsesRequest {
    /// Parses a body. The error names the field that was wrong.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        wire::parse(body).map(|(request, unknown)| Self {
            unknown: unknown
                .into_iter()
                .filter(|field| !HARMLESS.contains(&field.as_str()))
                .collect(),
            ..request
        })
    }

    /// The request of a client that reads compactions.
    pub(super) fn compacting(self) -> Self {
        Self {
            may_compact: true,
            ..self
        }
    }
}

impl WireRequest for ResponsesRequest {
    fn references(&self) -> Option<References> {
        Some(self.named())
    }

    fn put_found(&mut self, found: &FoundReferences) -> Result<(), ApiError> {
        self.put_items(found)
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        self.pictures()
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        let contents = self.items().flat_map(|(_, item)| item.contents());
        let parts = contents.flat_map(|(_, content)| content.remote());
        for ((_, part), picture) in parts.zip(pictures) {
            part.put(picture);
        }
    }

    fn is_sealed(&self) -> bool {
        self.has_sealed_items()
    }

    fn unseal(&mut self, seal: &Seal) {
        self.items().for_each(|(_, item)| item.unseal(seal));
    }

    fn into_conversation(
        mut self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        self.refuse_what_is_not_stored()?;
        let previous_response_id = self.previous_response_id.as_ref();
        let previous_response_id = previous_response_id
            .and_then(Value::as_str)
            .map(str::to_owned);
        for (tokens, param) in [
            (self.max_output_tokens, "max_output_tokens"),
            (self.max_completion_tokens, "max_completion_tokens"),
            (self.max_tokens, "max_tokens"),
        ] {
            if tokens == Some(0) {
                let message = format!("'{param}' must be at least 1.");
                return Err(ApiError::bad_request(message, param));
            }
        }
        let compaction = self.take_compaction();
        let mut dropped = DroppedFields::fields(std::mem::take(&mut self.unknown));
        std::mem::take(&mut self.store).or_dropped("store", &mut dropped);
        self.name_what_has_no_effect(&mut dropped);
        let included = Included::read(std::mem::take(&mut self.include), &mut dropped);
        let unsupported = self.unsupported(included.unsupported);
        let mut offer = ToolOffer::default();
        offer.add(self.tools.unwrap_or_default().0, "tools", &mut dropped)?;
        let thinking = match self.reasoning.and_then(|reasoning| reasoning.effort) {
            Some(word) => {
                let effort = effort(&word, "reasoning.effort")?;
                Some(effort.map_or(Thinking::Off, Thinking::Effort))
            }
            None => None,
        };
        let (system, turns) = conversation(
            self.instructions,
            self.history.unwrap_or_default(),
            self.input,
            &mut offer,
            &mut dropped,
        )?;
        limits::check(&system, &turns, "input")?;
        let chosen = offer.chosen(self.tool_choice.as_ref(), &mut dropped)?;
        let mut request = Request {
            system,
            turns,
            tools: chosen.tools,
            tool_choice: chosen.choice,
            parallel_tool_calls: self.parallel_tool_calls,
            sampling: Sampling {
                max_tokens: (self.max_output_tokens)
                    .or(self.max_completion_tokens)
                    .or(self.max_tokens),
                temperature: self.temperature,
                top_p: self.top_p,
                ..Sampling::default()
            },
            thinking,
            format: answer_format(self.text)?,
            service: service::service(None, self.service_tier, None, None)?,
            ..Request::default()
        };
        if matches!(compaction, Some(Compaction::Instead(_))) {
            request.ask_for_summary();
        }
        let include_usage = wants_usage(self.stream_options, &mut dropped);
        let user = self.user.or_dropped("user", &mut dropped);
        let safety_identifier = self.safety_identifier;
        let safety_identifier = safety_identifier.or_dropped("safety_identifier", &mut dropped);
        let session = self.prompt_cache_key;
        let session = session.or_dropped("prompt_cache_key", &mut dropped);
        let gateway_params = GatewayParams {
            num_retries: self.num_retries,
            timeout: self.timeout,
            stream_timeout: self.stream_timeout,
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: self.fallbacks,
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            drop_params: self.drop_params,
        };
        let options = RequestOptions {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            include_thinking: included.thinking,
            include_usage,
            previous_response_id,
            compaction,
            free_form: chosen.free_form,
            tool_refusal: chosen.refusal,
            labels: Labels::new(
                user.or(safety_identifier),
                session,
                self.tags.as_ref(),
                self.metadata.as_ref(),
                headers,
            )?,
            unsupported,
            dropped: dropped.into_names(),
            ..RequestOptions::from_params(gateway_params, headers)?
        };
        Ok((request, options))
    }
}

impl ResponsesRequest {
    /// Keeps of the unknown fields only those that the `other` body's wire does not know either.
    pub fn keep_unknown(&mut self, other: &[String]) {
        self.unknown.retain(|field| other.contains(field));
    }

    /// What the body asks for and cannot have.
    fn unsupported(&self, included: Option<String>) -> Vec<String> {
        let known = [
            ("top_logprobs", &self.top_logprobs),
            ("guardrails", &self.guardrails),
        ];
        let asked = known
            .into_iter()
            .filter(|(field, value)| unsupported::is_asked(field, value.as_ref()));
        let asked = asked.map(|(field, _)| field.to_owned());
        asked.chain(included).collect()
    }

    /// Names in `dropped` what the body asks for without need, and does not get.
    fn name_what_has_no_effect(&self, dropped: &mut DroppedFields) {
        unsupported::name(
            &[
                ("context_management", &self.context_management),
                ("truncation", &self.truncation),
                ("prompt_cache_retention", &self.prompt_cache_retention),
                ("extra_body", &self.extra_body),
            ],
            dropped,
        );
    }

    fn refuse_what_is_not_stored(&self) -> Result<(), ApiError> {
        let asked = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        if let Some(id) = self
            .previous_response_id
            .as_ref()
            .filter(|id| !id.is_null())
            && self.history.is_none()
        {
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            return Err(no_such_response(&id));
        }
        let fields = [
            ("conversation", asked(&self.conversation)),
            ("prompt", asked(&self.prompt)),
            ("background", self.background == Some(true)),
        ];
        match fields.into_iter().find(|(_, asked)| *asked) {
            Some((field, _)) => {
                let message = format!(
                    "'{field}' is not supported by this gateway: send what it stands for as 'input' and \
                     'instructions', and wait for the answer."
                );
                Err(ApiError::bad_request(message, field))
            }
            None => Ok(()),
        }
    }
}

fn answer_format(text: Option<WireText>) -> Result<AnswerFormat, ApiError> {
    let Some(wanted) = text.and_then(|text| text.format) else {
        return Ok(AnswerFormat::Text);
    };
    let form = ResponseFormat::new(
        wanted.r#type,
        wanted.name,
        wanted.description,
        wanted.schema,
    );
    format::wanted(Some(form)).map_err(|error| ApiError {
        message: error
            .message
            .replace("response_format.json_schema", "text.format")
            .replace("response_format", "text.format"),
        param: error.param.map(|_| "text.format".to_owned()),
        ..error
    })
}
