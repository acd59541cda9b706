//! A [`Plan`] as the body of a Converse request
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).
//! Mechanical: every decision was made by the planner.
//!
//! The body is written here and not by the SDK, because the SDK keeps JSON objects in hash maps: each request would
//! spell the same tool schemas in another order, and Bedrock's prompt cache compares bytes. It also saves building
//! the whole conversation once more in the SDK's types. Signing and transport stay the SDK's.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::conversation::{Part, Role, Tool, ToolChoice, Turn, estimated_bytes};

use crate::bedrock::plan::{Inference, Plan};

mod blocks;

use blocks::{Blocks, CachePoint, GuardedBlocks};

/// What a small body takes, in bytes.
const BODY: usize = 8 * 1024;

/// The request body for `plan`.
pub fn body(plan: &Plan) -> Result<Bytes, serde_json::Error> {
    let body = ConverseBody {
        messages: messages(plan),
        system: Blocks(&plan.system),
        inference_config: InferenceConfig::from(&plan.inference),
        tool_config: (!plan.tools.is_empty()).then(|| ToolConfig::from(plan)),
        additional_model_request_fields: &plan.model_fields,
        additional_model_response_field_paths: plan.response_fields,
        output_config: plan.shape.output_config(),
        guardrail_config: plan.service.guardrail.as_ref(),
        performance_config: plan
            .service
            .latency
            .as_deref()
            .map(|latency| WirePerformance { latency }),
        service_tier: plan
            .service
            .tier
            .as_deref()
            .map(|r#type| ServiceTier { r#type }),
        request_metadata: &plan.tags,
    };
    written(&body, plan)
}

/// The body of a CountTokens request for `plan`: the prompt alone
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseTokensRequest.html>).
pub fn count_body(plan: &Plan) -> Result<Bytes, serde_json::Error> {
    let body = CountBody {
        input: CountInput {
            converse: CountedPrompt {
                messages: messages(plan),
                system: Blocks(&plan.system),
                tool_config: (!plan.tools.is_empty()).then(|| ToolConfig::from(plan)),
            },
        },
    };
    written(&body, plan)
}

/// The body of a prompt of a megabyte would be copied eight times as it grows, and hold three at the end.
fn written(body: &impl Serialize, plan: &Plan) -> Result<Bytes, serde_json::Error> {
    let mut json = Vec::with_capacity(room(plan));
    serde_json::to_writer(&mut json, body)?;
    Ok(json.into())
}

/// Room for a body, in bytes: its texts, and an eighth more for what is escaped in them.
fn room(plan: &Plan) -> usize {
    let text = estimated_bytes(&plan.system, &plan.turns, &plan.tools);
    BODY + text + text / 8
}

#[derive(Serialize)]
struct CountBody<'a> {
    input: CountInput<'a>,
}

#[derive(Serialize)]
struct CountInput<'a> {
    converse: CountedPrompt<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountedPrompt<'a> {
    messages: Vec<ConverseMessage<'a>>,
    #[serde(skip_serializing_if = "Blocks::is_empty")]
    system: Blocks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConverseBody<'a> {
    messages: Vec<ConverseMessage<'a>>,
    #[serde(skip_serializing_if = "Blocks::is_empty")]
    system: Blocks<'a>,
    inference_config: InferenceConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_model_request_fields: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    additional_model_response_field_paths: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrail_config: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    performance_config: Option<WirePerformance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<ServiceTier<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    request_metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct WirePerformance<'a> {
    latency: &'a str,
}

#[derive(Serialize)]
struct ServiceTier<'a> {
    r#type: &'a str,
}

/// The turns. Under a guardrail the last one's texts are marked as what it is to look at, as the reference system does:
/// without a mark it would judge the system prompt and the whole history at every turn.
fn messages(plan: &Plan) -> Vec<ConverseMessage<'_>> {
    let last = plan.turns.len().saturating_sub(1);
    let guarded = |at: usize, turn: &Turn| {
        let is_document = |part: &Part| matches!(part, Part::Document(_));
        plan.service.guardrail.is_some()
            && at == last
            && turn.role == Role::User
            // A document needs a plain text beside it.
            && !turn.parts.iter().any(is_document)
    };
    let turns = plan.turns.iter().enumerate();
    turns
        .map(|(at, turn)| ConverseMessage {
            turn,
            guarded: guarded(at, turn),
        })
        .collect()
}

struct ConverseMessage<'a> {
    turn: &'a Turn,
    /// Its texts are what a guardrail looks at.
    guarded: bool,
}

impl Serialize for ConverseMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let role = if self.turn.role == Role::Assistant {
            "assistant"
        } else {
            "user"
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("role", role)?;
        let parts = &self.turn.parts;
        if self.guarded {
            map.serialize_entry("content", &GuardedBlocks(parts))?;
        } else {
            map.serialize_entry("content", &Blocks(parts))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
}

impl<'a> From<&'a Inference> for InferenceConfig<'a> {
    fn from(inference: &'a Inference) -> Self {
        Self {
            max_tokens: inference.max_tokens,
            temperature: inference.temperature,
            top_p: inference.top_p,
            stop_sequences: &inference.stop,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    tools: Vec<ToolItem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireToolChoice<'a>>,
}

impl<'a> From<&'a Plan> for ToolConfig<'a> {
    fn from(plan: &'a Plan) -> Self {
        let spec = |tool: &'a Tool| ToolItem::ToolSpec {
            name: &tool.name,
            description: &tool.description,
            input_schema: ToolSchema { json: &tool.schema },
            strict: tool.strict.then_some(true),
        };
        let point = |tool: &Tool| tool.cache.map(|ttl| ToolItem::CachePoint(ttl.into()));
        let tool_choice = plan.tool_choice.as_ref().and_then(|choice| match choice {
            ToolChoice::Required => Some(WireToolChoice::Any {}),
            ToolChoice::Named(name) => Some(WireToolChoice::Tool { name }),
            ToolChoice::Auto | ToolChoice::None => None,
        });
        let tools = plan
            .tools
            .iter()
            .flat_map(|tool| std::iter::once(spec(tool)).chain(point(tool)));
        Self {
            tools: tools.collect(),
            tool_choice,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolItem<'a> {
    #[serde(rename_all = "camelCase")]
    ToolSpec {
        name: &'a str,
        description: &'a str,
        input_schema: ToolSchema<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    CachePoint(CachePoint),
}

#[derive(Serialize)]
struct ToolSchema<'a> {
    json: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireToolChoice<'a> {
    Any {},
    Tool { name: &'a str },
}

#[cfg(test)]
mod tests;
