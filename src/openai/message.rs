//! One entry of `messages`.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::conversation::{Part, Role, ToolResult, Turn};

use crate::wire::limits::MOST_PARTS;
use crate::wire::loose::{Form, object};
use crate::wire::openai::{CalledFunction, WirePart, WireToolCall, all_calls, calls};
use crate::wire::{
    ApiError, Arguments, CacheControl, DroppedFields, List, Loose, LooseContent, redacted, signed,
};

/// A message as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a message (an object)")]
pub(super) struct ChatMessage {
    role: String,
    #[serde(default)]
    content: Loose<LooseContent<WirePart>>,
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    tool_calls: Loose<List<Loose<WireToolCall>, MOST_PARTS>>,
    #[serde(default)]
    function_call: Loose<CalledFunction>,
    tool_call_id: Option<String>,
    #[serde(default)]
    thinking_blocks: Loose<List<Loose<WireThinkingBlock>, MOST_PARTS>>,
    cache_control: Option<CacheControl>,
}

impl Form for ChatMessage {
    const EXPECTED: &'static str = "a message (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// A block of thinking as this gateway sent it; what else a client makes of it is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireThinkingBlock {
    thinking: Loose<String>,
    signature: Loose<String>,
    data: Loose<String>,
}

impl Form for WireThinkingBlock {
    const EXPECTED: &'static str = "a block of thinking (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl WireThinkingBlock {
    fn into_part(self) -> Option<Part> {
        match self.data.given() {
            Some(data) => redacted(&data),
            None => signed(self.thinking.given(), self.signature.given()),
        }
    }
}

impl ChatMessage {
    /// The parts that are pictures at an address of the web, each with its place in `content`.
    pub(super) fn remote_images(&mut self) -> impl Iterator<Item = (usize, &mut WirePart)> {
        let content = self.content.as_given_mut().into_iter();
        content
            .filter_map(LooseContent::as_content_mut)
            .flat_map(|content| content.remote())
    }

    /// The turn that this message is. `path` names the message in errors.
    pub(super) fn into_turn(
        self,
        path: &str,
        arguments: &mut Arguments,
        dropped: &mut DroppedFields,
    ) -> Result<Turn, ApiError> {
        let mark = self
            .cache_control
            .as_ref()
            .map(|control| Part::CacheMark(control.ttl()));
        let content = self
            .content
            .optional(path, "content")?
            .unwrap_or_default()
            .into_content();
        let mut parts = content.into_parts(&format!("{path}.content"), dropped)?;
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
                    let blocks = self.thinking_blocks.given().unwrap_or_default();
                    let blocks = blocks.0.into_iter().filter_map(Loose::given);
                    let thinking: Vec<Part> =
                        blocks.filter_map(WireThinkingBlock::into_part).collect();
                    parts.splice(0..0, thinking);
                }
                parts.extend(all_calls(self.tool_calls, path, arguments, dropped)?);
                // OpenAI's old form, as old histories have it; its result names the function too.
                if let Some(called) = self.function_call.optional(path, "function_call")? {
                    let path = format!("{path}.function_call");
                    let name = called.name.filled(&path, "name")?;
                    let inputs = arguments.read(called.arguments, &format!("{path}.arguments"))?;
                    parts.extend(calls(&name, &name, inputs));
                }
                Role::Assistant
            }
            "tool" | "function" => {
                let Some(id) = self.tool_call_id.or(self.name.given()) else {
                    let param = format!("{path}.tool_call_id");
                    return Err(ApiError::missing(param));
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
        Ok(Turn::new(role, parts))
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
        native: None,
    });
    std::iter::once(result)
        .chain(marks.into_iter().last())
        .collect()
}
