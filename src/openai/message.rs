//! One entry of `messages`.

use serde::Deserialize;
use serde_json::Value;

use crate::conversation::{Part, Role, ToolCall, ToolResult, Turn};

use crate::wire::limits::MOST_PARTS;
use crate::wire::{
    ApiError, Arguments, CacheControl, Content, LeftOut, List, Loose, redacted, signed,
};

use super::content::WirePart;

/// A message as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a message (an object)")]
pub(super) struct WireMessage {
    role: String,
    #[serde(default)]
    content: Content<WirePart>,
    name: Option<String>,
    tool_calls: Option<List<WireToolCall, MOST_PARTS>>,
    function_call: Option<Box<WireFunction>>,
    tool_call_id: Option<String>,
    thinking_blocks: Option<List<WireThinkingBlock, MOST_PARTS>>,
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool call (an object)")]
struct WireToolCall {
    #[serde(default)]
    id: String,
    function: WireFunction,
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a function call (an object)")]
struct WireFunction {
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// A block of thinking as this gateway sent it; what else a client makes of it is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "a block of thinking (an object)")]
struct WireThinkingBlock {
    thinking: Loose<String>,
    signature: Loose<String>,
    data: Loose<String>,
}

impl WireThinkingBlock {
    fn into_part(self) -> Option<Part> {
        match self.data.given() {
            Some(data) => redacted(&data),
            None => signed(self.thinking.given(), self.signature.given()),
        }
    }
}

impl WireMessage {
    /// The parts that are pictures at an address of the web, each with its place in `content`.
    pub(super) fn remote_images(&mut self) -> impl Iterator<Item = (usize, &mut WirePart)> {
        self.content.remote()
    }

    /// The turn that this message is. `path` names the message in errors.
    pub(super) fn into_turn(
        self,
        path: &str,
        arguments: &mut Arguments,
        left_out: &mut LeftOut,
    ) -> Result<Turn, ApiError> {
        let mark = self
            .cache_control
            .as_ref()
            .map(|control| Part::CacheMark(control.ttl()));
        let mut parts = self
            .content
            .into_parts(&format!("{path}.content"), left_out)?;
        let role = match self.role.as_str() {
            "system" | "developer" => {
                if !parts
                    .iter()
                    .all(|part| matches!(part, Part::Text(_) | Part::CacheMark(_)))
                {
                    let param = format!("{path}.content");
                    return Err(ApiError::bad_request(
                        format!("'{param}' of a system message must be text."),
                        param,
                    ));
                }
                Role::System
            }
            "user" => Role::User,
            "assistant" => {
                // Some clients replay the same blocks in both places; sent twice they would be refused.
                if !parts.iter().any(|part| matches!(part, Part::Thinking(_))) {
                    let blocks = self.thinking_blocks.unwrap_or_default().0.into_iter();
                    let thinking: Vec<Part> =
                        blocks.filter_map(WireThinkingBlock::into_part).collect();
                    parts.splice(0..0, thinking);
                }
                for (index, call) in self
                    .tool_calls
                    .unwrap_or_default()
                    .0
                    .into_iter()
                    .enumerate()
                {
                    let path = format!("{path}.tool_calls[{index}]");
                    parts.extend(call.into_parts(&path, arguments)?);
                }
                // OpenAI's old form, as old histories have it; its result names the function too.
                if let Some(function) = self.function_call {
                    let call = WireToolCall {
                        id: function.name.clone(),
                        function: *function,
                        cache_control: None,
                    };
                    let path = format!("{path}.function_call");
                    parts.extend(call.into_parts(&path, arguments)?);
                }
                Role::Assistant
            }
            "tool" | "function" => {
                let Some(id) = self.tool_call_id.or(self.name) else {
                    let param = format!("{path}.tool_call_id");
                    return Err(ApiError::bad_request(
                        format!("Missing required parameter: '{param}'."),
                        param,
                    ));
                };
                parts = tool_result(id, parts);
                Role::User
            }
            other => {
                let param = format!("{path}.role");
                let message = format!(
                    "'{param}' is '{other}'; it must be one of 'system', 'developer', 'user', 'assistant' and 'tool'."
                );
                return Err(ApiError::bad_request(message, param));
            }
        };
        parts.extend(mark);
        Ok(Turn { role, parts })
    }
}

impl WireToolCall {
    fn into_parts(
        self,
        path: &str,
        arguments: &mut Arguments,
    ) -> Result<impl Iterator<Item = Part> + use<>, ApiError> {
        for (field, value) in [("id", &self.id), ("function.name", &self.function.name)] {
            if value.is_empty() {
                let param = format!("{path}.{field}");
                return Err(ApiError::bad_request(
                    format!("Missing required parameter: '{param}'."),
                    param,
                ));
            }
        }
        let mark = self
            .cache_control
            .map(|control| Part::CacheMark(control.ttl()));
        let path = format!("{path}.function.arguments");
        let calls = arguments
            .read(self.function.arguments, &path)?
            .into_iter()
            .map(move |input| {
                Part::ToolCall(ToolCall {
                    id: self.id.clone(),
                    name: self.function.name.clone(),
                    input,
                })
            });
        Ok(calls.chain(mark))
    }
}

/// A result with its cache marks behind it: Bedrock takes none inside.
fn tool_result(id: String, parts: Vec<Part>) -> Vec<Part> {
    let (marks, content): (Vec<Part>, Vec<Part>) = parts
        .into_iter()
        .partition(|part| matches!(part, Part::CacheMark(_)));
    let result = Part::ToolResult(ToolResult {
        id,
        content,
        is_error: false,
    });
    std::iter::once(result)
        .chain(marks.into_iter().last())
        .collect()
}
