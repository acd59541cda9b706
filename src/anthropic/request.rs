//! The body of `POST /v1/messages`, and its translation into the domain.

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::conversation::{Part, Request, Sampling};
use crate::wire::limits::{self, MOST_PARTS, MOST_TOOLS};
use crate::wire::{
    self, ApiError, Betas, Body, CacheControl, Content, Control, Labels, LeftOut, List, Loose,
    MockFailure, Options, RemoteImage, numbers,
};

use super::block::{self, WireBlock};
use super::message::{WireMessage, system};
use super::thinking::{self, OutputConfig, WireFormat, WireThinking};
use super::tools::{self, WireChoice, WireTool};
use super::user::Metadata;
use super::{beta, fallbacks};

/// The body as it came. `POST /v1/messages/count_tokens` takes the same.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct MessagesRequest {
    model: Option<String>,
    #[serde(default)]
    messages: List<WireMessage, MOST_PARTS>,
    #[serde(default)]
    system: Content<WireBlock>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "numbers::count")]
    top_k: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    tools: Option<List<WireTool, MOST_TOOLS>>,
    tool_choice: Option<WireChoice>,
    thinking: Option<WireThinking>,
    output_config: Option<OutputConfig>,
    output_format: Option<WireFormat>,
    #[serde(default)]
    metadata: Loose<Metadata>,
    context_management: Option<Value>,
    /// A mark on the last block that can have one.
    cache_control: Option<CacheControl>,
    #[serde(alias = "betas")]
    anthropic_beta: Option<Betas>,
    mcp_servers: Option<Value>,
    container: Option<Value>,
    guardrails: Option<Value>,
    // The gateway's own, by LiteLLM's names.
    drop_params: Option<bool>,
    tags: Option<Value>,
    litellm_metadata: Option<Value>,
    disable_fallbacks: Option<bool>,
    fallbacks: Option<Box<RawValue>>,
    mock_testing_fallbacks: Option<bool>,
    #[serde(skip)]
    unknown: Vec<String>,
}

/// Fields that change no answer of this gateway.
const HARMLESS: [&str; 4] = [
    "service_tier",
    "inference_geo",
    "speed",
    "anthropic_version",
];

impl Body for MessagesRequest {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        wire::parse(body).map(|(request, unknown)| Self {
            unknown: unknown
                .into_iter()
                .filter(|field| !HARMLESS.contains(&field.as_str()))
                .collect(),
            ..request
        })
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        let image = |(param, block): (String, &mut WireBlock)| RemoteImage {
            param,
            url: block.address().unwrap_or_default().to_owned(),
        };
        self.remote().into_iter().map(image).collect()
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        for ((_, block), picture) in self.remote().into_iter().zip(pictures) {
            block.put(picture);
        }
    }

    fn into_conversation(mut self, headers: &HeaderMap) -> Result<(Request, Options), ApiError> {
        if self.messages.0.is_empty() {
            return Err(ApiError::bad_request(
                "Missing required parameter: 'messages'.",
                "messages",
            ));
        }
        if self.max_tokens == Some(0) {
            return Err(ApiError::bad_request(
                "'max_tokens' must be at least 1.",
                "max_tokens",
            ));
        }
        let unsupported = self.unsupported();
        let mut left_out = LeftOut::fields(std::mem::take(&mut self.unknown));
        let output = self.output_config.unwrap_or_default();
        let (thinking, effort) = thinking::wish(self.thinking, &output)?;
        let tools = self.tools.unwrap_or_default().0;
        let offer = tools::offer(tools, self.tool_choice, &mut left_out)?;
        let betas = beta::named(headers, self.anthropic_beta);
        let mut model_fields = beta::model_fields(
            &betas,
            &offer.betas(),
            self.context_management,
            &mut left_out,
        )?;
        if !offer.defined.is_empty() {
            model_fields.insert("tools".to_owned(), offer.defined.into());
        }
        let mut turns = Vec::with_capacity(self.messages.0.len());
        for (at, message) in self.messages.0.into_iter().enumerate() {
            turns.push(message.into_turn(&format!("messages[{at}]"), &mut left_out)?);
        }
        if let (Some(control), Some(last)) = (self.cache_control, turns.last_mut()) {
            last.parts.push(Part::CacheMark(control.ttl()));
        }
        let request = Request {
            system: system(self.system, &mut left_out)?,
            turns,
            tools: offer.tools,
            tool_choice: offer.choice,
            parallel_tool_calls: offer.parallel,
            sampling: Sampling {
                max_tokens: self.max_tokens,
                temperature: self.temperature,
                top_p: self.top_p,
                top_k: self.top_k,
                stop: self.stop_sequences.unwrap_or_default(),
            },
            thinking,
            effort,
            format: thinking::format(output, self.output_format)?,
            model_fields,
            ..Request::default()
        };
        limits::check(&request.system, &request.turns, "messages")?;
        let who = self.metadata.or_left_out("metadata", &mut left_out);
        let who = who.unwrap_or_default().who(&mut left_out);
        let control = Control {
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: fallbacks::of_gateway(self.fallbacks, &betas, &mut left_out),
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            drop_params: self.drop_params,
            ..Control::default()
        };
        let options = Options {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            labels: Labels::new(
                who.user,
                who.session,
                self.tags.as_ref(),
                self.litellm_metadata.as_ref(),
                headers,
            )?,
            whole_tool_input: offer.whole_input,
            unsupported,
            left_out: left_out.into_names(),
            ..Options::controlled(control, headers)?
        };
        Ok((request, options))
    }
}

impl MessagesRequest {
    fn remote(&mut self) -> Vec<(String, &mut WireBlock)> {
        let mut found = Vec::new();
        for (at, message) in self.messages.0.iter_mut().enumerate() {
            let path = format!("messages[{at}].content");
            block::remote(&mut message.content, &path, &mut found);
        }
        found
    }

    /// What the body asks for and cannot have.
    fn unsupported(&self) -> Vec<String> {
        let asks = |value: &Option<Value>| match value {
            None | Some(Value::Null) => false,
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        };
        let service = [
            ("mcp_servers", &self.mcp_servers),
            ("container", &self.container),
            ("guardrails", &self.guardrails),
        ];
        let asked = service.into_iter().filter(|(_, value)| asks(value));
        asked.map(|(field, _)| field.to_owned()).collect()
    }
}
