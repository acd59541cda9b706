//! The body of `POST /v1/responses`, and its translation into the domain.

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
    self, ApiError, GatewayParams, Labels, LeftOut, List, Loose, MockFailure, Options, RemoteImage,
    Seal, WireFallback, WireRequest, effort, numbers,
};

use super::content::WireItem;
use super::include::{Included, MOST_INCLUDED};
use super::input::{Input, conversation};

/// The body as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ResponsesRequest {
    model: Option<String>,
    #[serde(default)]
    input: Input,
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
    reasoning: Option<WireReasoning>,
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
}

/// Fields that change no answer of this gateway: bookkeeping, and `max_tool_calls`, which counts the calls of tools that
/// OpenAI runs and no others (<https://platform.openai.com/docs/api-reference/responses/create>).
const HARMLESS: [&str; 3] = ["client_metadata", "max_tool_calls", "store"];

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct WireReasoning {
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
}

impl WireRequest for ResponsesRequest {
    fn remote_images(&mut self) -> Vec<RemoteImage> {
        let mut images = Vec::new();
        for (at, item) in self.items() {
            for (field, content) in item.contents() {
                for (part, picture) in content.remote() {
                    images.push(RemoteImage {
                        param: format!("input[{at}].{field}[{part}].image_url"),
                        url: picture.address().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        images
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        let contents = self.items().flat_map(|(_, item)| item.contents());
        let parts = contents.flat_map(|(_, content)| content.remote());
        for ((_, part), picture) in parts.zip(pictures) {
            part.put(picture);
        }
    }

    fn is_sealed(&self) -> bool {
        match &self.input {
            Input::Items(items) => {
                let mut items = items.iter().filter_map(Loose::as_given);
                items.any(WireItem::is_sealed)
            }
            Input::Missing | Input::Text(_) => false,
        }
    }

    fn unseal(&mut self, seal: &Seal) {
        self.items().for_each(|(_, item)| item.unseal(seal));
    }

    fn into_conversation(
        mut self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, Options), ApiError> {
        self.refuse_what_needs_a_store()?;
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
        let mut left_out = LeftOut::fields(std::mem::take(&mut self.unknown));
        self.name_what_has_no_effect(&mut left_out);
        let included = Included::read(std::mem::take(&mut self.include), &mut left_out);
        let unsupported = self.unsupported(included.unsupported);
        let mut offer = ToolOffer::default();
        offer.add(self.tools.unwrap_or_default().0, "tools", &mut left_out)?;
        let thinking = match self.reasoning.and_then(|reasoning| reasoning.effort) {
            Some(word) => {
                let effort = effort(&word, "reasoning.effort")?;
                Some(effort.map_or(Thinking::Off, Thinking::Effort))
            }
            None => None,
        };
        let (system, turns) =
            conversation(self.instructions, self.input, &mut offer, &mut left_out)?;
        limits::check(&system, &turns, "input")?;
        let chosen = offer.chosen(self.tool_choice.as_ref(), &mut left_out)?;
        let request = Request {
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
        let include_usage = wants_usage(self.stream_options, &mut left_out);
        let user = self.user.or_left_out("user", &mut left_out);
        let safety_identifier = self.safety_identifier;
        let safety_identifier = safety_identifier.or_left_out("safety_identifier", &mut left_out);
        let session = self.prompt_cache_key;
        let session = session.or_left_out("prompt_cache_key", &mut left_out);
        let control = GatewayParams {
            num_retries: self.num_retries,
            timeout: self.timeout,
            stream_timeout: self.stream_timeout,
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: self.fallbacks,
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            drop_params: self.drop_params,
        };
        let options = Options {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            include_thinking: included.thinking,
            include_usage,
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
            left_out: left_out.into_names(),
            ..Options::controlled(control, headers)?
        };
        Ok((request, options))
    }
}

impl ResponsesRequest {
    /// The items, each with its place.
    fn items(&mut self) -> impl Iterator<Item = (usize, &mut WireItem)> {
        let items = match &mut self.input {
            Input::Items(items) => items.as_mut_slice(),
            Input::Missing | Input::Text(_) => &mut [],
        };
        let items = items.iter_mut().enumerate();
        items.filter_map(|(at, item)| Some((at, item.as_given_mut()?)))
    }

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

    /// Names in `left_out` what the body asks for without need, and does not get.
    fn name_what_has_no_effect(&self, left_out: &mut LeftOut) {
        unsupported::name(
            &[
                ("context_management", &self.context_management),
                ("truncation", &self.truncation),
                ("prompt_cache_retention", &self.prompt_cache_retention),
                ("extra_body", &self.extra_body),
            ],
            left_out,
        );
    }

    fn refuse_what_needs_a_store(&self) -> Result<(), ApiError> {
        let asked = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        let fields = [
            ("previous_response_id", asked(&self.previous_response_id)),
            ("conversation", asked(&self.conversation)),
            ("prompt", asked(&self.prompt)),
            ("background", self.background == Some(true)),
        ];
        match fields.into_iter().find(|(_, asked)| *asked) {
            Some((field, _)) => {
                let message = format!(
                    "'{field}' needs a store of responses, which this gateway does not have: send the whole \
                     conversation as 'input'."
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
