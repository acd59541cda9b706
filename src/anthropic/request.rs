//! The body of `POST /v1/messages`, and its translation into the domain.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::conversation::{NativeRequest, Part, Request, Sampling};
use crate::wire::limits::{self, MOST_PARTS, MOST_TOOLS};
use crate::wire::{
    self, ApiError, Betas, CacheControl, Content, DroppedFields, GatewayParams, Labels, List,
    Loose, MockFailure, RemoteImage, RequestOptions, SettingsObject, WireRequest, numbers,
};

use super::content::{self, WireBlock};
use super::message::{self, WrittenMessage, system};
use super::thinking::{self, MessagesOutputConfig, MessagesThinking, WireFormat};
use super::tools::{self, WireChoice, WrittenTool};
use super::user::MessagesMetadata;
use super::{beta, fallbacks, search};

/// The body as it came. `POST /v1/messages/count_tokens` takes the same.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct MessagesRequest {
    model: Option<String>,
    #[serde(default)]
    messages: List<WrittenMessage, MOST_PARTS>,
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
    tools: Option<List<WrittenTool, MOST_TOOLS>>,
    tool_choice: Option<SettingsObject<WireChoice>>,
    thinking: Option<SettingsObject<MessagesThinking>>,
    output_config: Option<SettingsObject<MessagesOutputConfig>>,
    output_format: Option<SettingsObject<WireFormat>>,
    #[serde(default)]
    metadata: Loose<SettingsObject<MessagesMetadata>>,
    context_management: Option<Value>,
    // What Bedrock's Claude has and nobody else.
    compaction: Option<Value>,
    safeguards: Option<Value>,
    /// A mark on the last block that can have one.
    #[serde(default)]
    cache_control: Loose<CacheControl>,
    #[serde(default)]
    service_tier: Loose<String>,
    #[serde(default)]
    inference_geo: Loose<String>,
    #[serde(default)]
    speed: Loose<String>,
    #[serde(alias = "betas")]
    anthropic_beta: Option<Betas>,
    mcp_servers: Option<Value>,
    container: Option<Value>,
    guardrails: Option<Value>,
    // The gateway's own, by LiteLLM's names.
    #[serde(default, deserialize_with = "numbers::count")]
    num_retries: Option<u32>,
    timeout: Option<f64>,
    stream_timeout: Option<f64>,
    drop_params: Option<bool>,
    tags: Option<Value>,
    litellm_metadata: Option<Value>,
    disable_fallbacks: Option<bool>,
    fallbacks: Option<Box<RawValue>>,
    mock_testing_fallbacks: Option<bool>,
    #[serde(skip)]
    unknown: Vec<String>,
}

/// A field that changes no answer of this gateway, whatever it says.
const HARMLESS: &str = "anthropic_version";

impl MessagesRequest {
    /// Parses a body. The error names the field that was wrong.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        wire::parse(body).map(|(request, unknown)| Self {
            unknown: unknown
                .into_iter()
                .filter(|field| field != HARMLESS)
                .collect(),
            ..request
        })
    }
}

impl WireRequest for MessagesRequest {
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

    fn into_conversation(
        mut self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        if self.messages.0.is_empty() {
            return Err(ApiError::missing("messages"));
        }
        if self.max_tokens == Some(0) {
            return Err(ApiError::bad_request(
                "'max_tokens' must be at least 1.",
                "max_tokens",
            ));
        }
        let unsupported = self.unsupported();
        let mut dropped = DroppedFields::fields(std::mem::take(&mut self.unknown));
        self.name_service_wishes(&mut dropped);
        let mut fields = Map::new();
        let mut lost = DroppedFields::default();
        let output = self.output_config.unwrap_or_default();
        let (output, written) = output.parted("output_config", &mut lost);
        if !written.is_empty() {
            fields.insert("output_config".to_owned(), written.into());
        }
        let (thinking, effort) = thinking::wish(self.thinking, &output, &mut fields, &mut lost)?;
        let tools = self.tools.unwrap_or_default().0;
        let offer = tools::offer(tools, self.tool_choice, &mut dropped)?;
        if !offer.choice_fields.is_empty() {
            for name in offer.choice_fields.keys() {
                lost.add(&format!("tool_choice.{name}"));
            }
            // What the choice is follows from the plan.
            let mut choice = offer.choice_fields;
            choice.insert("type".to_owned(), "auto".into());
            fields.insert("tool_choice".to_owned(), choice.into());
        }
        let betas = beta::named(headers, self.anthropic_beta);
        let context_management = self.context_management.filter(|config| !config.is_null());
        let model_fields = beta::model_fields(&betas, context_management.as_ref(), &mut lost);
        for (name, value, is_on_converse) in [
            ("context_management", context_management, true),
            ("compaction", self.compaction, false),
            ("safeguards", self.safeguards, false),
        ] {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                if !is_on_converse {
                    lost.add(name);
                }
                fields.insert(name.to_owned(), value);
            }
        }
        let mut turns = message::turns(self.messages.0, &mut dropped)?;
        let hosted = offer
            .served
            .map(|tool| search::wanted(&turns, tool, offer.tools.is_empty()));
        let control = self.cache_control.or_dropped("cache_control", &mut dropped);
        if let (Some(control), Some(last)) = (control, turns.last_mut()) {
            control.name_unknown("cache_control", &mut dropped);
            last.parts.push(Part::CacheMark(control.ttl()));
        }
        let request = Request {
            system: system(self.system, &mut dropped)?,
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
            format: thinking::format(output, self.output_format, &mut dropped)?,
            model_fields,
            native: Some(Arc::new(NativeRequest {
                fields,
                betas: betas.clone(),
                lost_elsewhere: lost.into_names(),
            })),
            ..Request::default()
        };
        limits::check(&request.system, &request.turns, "messages")?;
        let user = self.metadata.or_dropped("metadata", &mut dropped);
        let user = user.unwrap_or_default().known("metadata", &mut dropped);
        let user = user.into_user(&mut dropped);
        let gateway_params = GatewayParams {
            num_retries: self.num_retries,
            timeout: self.timeout,
            stream_timeout: self.stream_timeout,
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: fallbacks::of_gateway(self.fallbacks, &betas, &mut dropped),
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            drop_params: self.drop_params,
        };
        let options = RequestOptions {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            labels: Labels::new(
                user.user,
                user.session,
                self.tags.as_ref(),
                self.litellm_metadata.as_ref(),
                headers,
            )?,
            buffered_tool_input: offer.buffered_input,
            tool_refusal: offer.refusal.filter(|_| hosted.is_none()),
            hosted,
            unsupported,
            dropped: dropped.into_names(),
            ..RequestOptions::from_params(gateway_params, headers)?
        };
        Ok((request, options))
    }
}

impl MessagesRequest {
    fn remote(&mut self) -> Vec<(String, &mut WireBlock)> {
        let mut found = Vec::new();
        for (at, message) in self.messages.0.iter_mut().enumerate() {
            let path = format!("messages[{at}].content");
            content::remote(&mut message.as_known_mut().content, &path, &mut found);
        }
        found
    }

    /// Names what the body wants of Anthropic's service beyond what happens anyway: nothing here could do it.
    fn name_service_wishes(&self, dropped: &mut DroppedFields) {
        let fields: [(&str, &Loose<String>, &[&str]); 3] = [
            (
                "service_tier",
                &self.service_tier,
                &["auto", "standard_only"],
            ),
            ("inference_geo", &self.inference_geo, &["global"]),
            ("speed", &self.speed, &["standard"]),
        ];
        for (name, wish, happens_anyway) in fields {
            let is_lost = match wish {
                Loose::Missing => false,
                Loose::Given(word) => !happens_anyway.contains(&word.as_str()),
                Loose::Other(_) => true,
            };
            if is_lost {
                dropped.add(name);
            }
        }
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
