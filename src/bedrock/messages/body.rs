//! A [`Plan`] as a body in Claude's own format. Mechanical: every decision was made by the planner.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::bedrock::plan::Plan;
use crate::conversation::{Role, Tool, ToolChoice, Turn, estimated_bytes};

use super::blocks::{CacheMark, MessagesBlocks};

/// The version of the format on Bedrock. What a client names is its own SDK's.
const VERSION: &str = "bedrock-2023-05-31";

/// What a small body takes, in bytes.
const BODY: usize = 8 * 1024;

/// The request body for `plan`.
pub fn body(plan: &Plan) -> Result<Bytes, serde_json::Error> {
    let text = estimated_bytes(&plan.system, &plan.turns, &plan.tools);
    let mut json = Vec::with_capacity(BODY + text + text / 8);
    serde_json::to_writer(&mut json, &MessagesBody(plan))?;
    Ok(json.into())
}

/// The body of a CountTokens request for `plan`, which Bedrock reads as it would read the request itself
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelTokensRequest.html>).
pub(in crate::bedrock) fn count_body(plan: &Plan) -> Result<Bytes, serde_json::Error> {
    let body = STANDARD.encode(body(plan)?);
    let count = json!({"input": {"invokeModel": {"body": body}}});
    serde_json::to_vec(&count).map(Bytes::from)
}

/// What of `plan` stands in headers.
pub(in crate::bedrock) fn headers(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(latency) = &plan.service.latency {
        headers.push(("x-amzn-bedrock-performanceconfig-latency", latency.clone()));
    }
    if let Some(tier) = &plan.service.tier {
        headers.push(("x-amzn-bedrock-service-tier", tier.clone()));
    }
    if !plan.tags.is_empty() {
        headers.push(("x-amzn-bedrock-request-metadata", tags(&plan.tags)));
    }
    headers
}

/// A header holds ASCII alone; JSON can say everything in it.
fn tags(tags: &BTreeMap<String, String>) -> String {
    let mut ascii = String::new();
    for unit in json!(tags).to_string().chars() {
        if unit.is_ascii() {
            ascii.push(unit);
        } else {
            let mut units = [0; 2];
            for unit in unit.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

struct MessagesBody<'a>(&'a Plan);

impl Serialize for MessagesBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plan = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("anthropic_version", VERSION)?;
        map.serialize_entry("max_tokens", &plan.inference.max_tokens)?;
        if let Some(temperature) = plan.inference.temperature {
            map.serialize_entry("temperature", &temperature)?;
        }
        if let Some(top_p) = plan.inference.top_p {
            map.serialize_entry("top_p", &top_p)?;
        }
        if !plan.inference.stop.is_empty() {
            map.serialize_entry("stop_sequences", &plan.inference.stop)?;
        }
        let format = plan.shape.native_schema().map(output_format);
        for (name, value) in &plan.model_fields {
            match name.as_str() {
                "tool_choice" | "tools" | "output_config" => {}
                _ => map.serialize_entry(name, value)?,
            }
        }
        let config = plan.model_fields.get("output_config");
        if let Some(config) = with_fields(config, format) {
            map.serialize_entry("output_config", &config)?;
        }
        if let Some(choice) = tool_choice(plan) {
            map.serialize_entry("tool_choice", &choice)?;
        }
        // What is cached comes last and in the order in which Bedrock reads it.
        let further = plan.model_fields.get("tools").and_then(Value::as_array);
        if !plan.tools.is_empty() || further.is_some() {
            let further = further.map_or(&[][..], Vec::as_slice);
            map.serialize_entry("tools", &Tools(&plan.tools, further))?;
        }
        if !plan.system.is_empty() {
            map.serialize_entry("system", &MessagesBlocks(&plan.system))?;
        }
        map.serialize_entry("messages", &Turns(&plan.turns))?;
        map.end()
    }
}

fn output_format(schema: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    let format = json!({"type": "json_schema", "schema": schema});
    fields.insert("format".to_owned(), format);
    fields
}

/// An object of settings with further fields; `None`: it is empty.
fn with_fields(settings: Option<&Value>, further: Option<Map<String, Value>>) -> Option<Value> {
    let mut fields = settings.and_then(Value::as_object).cloned();
    if let Some(further) = further {
        fields.get_or_insert_default().extend(further);
    }
    fields
        .filter(|fields| !fields.is_empty())
        .map(Value::Object)
}

fn tool_choice(plan: &Plan) -> Option<Value> {
    if plan.tools.is_empty() {
        return None;
    }
    let choice = plan.tool_choice.as_ref().and_then(|choice| match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Named(name) => Some(json!({"type": "tool", "name": name})),
    });
    let choice = choice.and_then(|choice| choice.as_object().cloned());
    with_fields(plan.model_fields.get("tool_choice"), choice)
}

struct Turns<'a>(&'a [Turn]);

impl Serialize for Turns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(BodyMessage))
    }
}

struct BodyMessage<'a>(&'a Turn);

impl Serialize for BodyMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let turn = self.0;
        let mut map = serializer.serialize_map(None)?;
        let role = match turn.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        map.serialize_entry("role", role)?;
        map.serialize_entry("content", &MessagesBlocks(&turn.parts))?;
        for (name, value) in turn.native.iter().flat_map(|fields| fields.iter()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Tools<'a>(&'a [Tool], &'a [Value]);

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self.0.iter().map(MessagesTool::Own);
        serializer.collect_seq(own.chain(self.1.iter().map(MessagesTool::Given)))
    }
}

enum MessagesTool<'a> {
    Own(&'a Tool),
    /// Written by the client or the configuration.
    Given(&'a Value),
}

impl Serialize for MessagesTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tool = match self {
            Self::Given(value) => return value.serialize(serializer),
            Self::Own(tool) => tool,
        };
        let mut map = serializer.serialize_map(None)?;
        if let Some(kind) = &tool.kind {
            map.serialize_entry("type", kind)?;
        }
        map.serialize_entry("name", &tool.name)?;
        if tool.kind.is_none() {
            map.serialize_entry("description", &tool.description)?;
            map.serialize_entry("input_schema", &tool.schema)?;
        }
        if tool.strict {
            map.serialize_entry("strict", &true)?;
        }
        for (name, value) in tool.native.iter().flat_map(|fields| fields.iter()) {
            map.serialize_entry(name, value)?;
        }
        if let Some(ttl) = tool.cache {
            map.serialize_entry("cache_control", &CacheMark::from(ttl))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_ascii_in_their_header_and_mean_the_same() {
        let mut written = BTreeMap::new();
        written.insert("team".to_owned(), "söhne 😀 \"x\"".to_owned());
        let header = tags(&written);
        assert!(header.is_ascii());
        let read: BTreeMap<String, String> = serde_json::from_str(&header).unwrap();
        assert_eq!(read, written);
    }
}
