//! How many tokens a prompt can have at most, judged from what is sent: what is held of a budget before Bedrock counts.
//!
//! A token of text is at least one byte. English prose has four, but Japanese, digits, base64 and the tokenizers of newer
//! models come down to one or two, and a budget must hold for them too.

use serde_json::{Map, Value};

use crate::bedrock::plan::Plan;
use crate::catalog::{Family, LONG_WINDOW, Model};
use crate::conversation::{NativeFields, Part, ThinkingBlock, Tool, Turn};

mod document;
mod inflate;
mod office;
mod pdf;
mod picture;
mod retrieval;

use document::document_tokens;
use picture::picture_tokens;
pub(super) use retrieval::retrieval_cost;

/// What surrounds a prompt, whatever it says.
const FRAME: u64 = 64;
/// What surrounds a turn or a part of one.
const PART_FRAME: u64 = 8;
/// Claude's own instructions for tools, which are billed when there are any: 346 to 600 tokens by model
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview>).
const TOOL_INSTRUCTIONS: u64 = 1_000;
/// Tools that Claude knows by their type alone (a computer, an editor) bring instructions of their own.
const BUILT_IN_TOOL: u64 = 1_500;
/// The most tokens that the prompt of this plan can have. A prompt that is longer than the model's window is refused and
/// not billed.
pub(super) fn prompt_tokens(plan: &Plan, model: &Model) -> u64 {
    let turns = turns_tokens(&plan.turns, model.family);
    (fixed_tokens(plan, model.family) + turns).min(window(model))
}

/// What a plan has before its turns: system prompt, tools, fields for the model.
fn fixed_tokens(plan: &Plan, family: Family) -> u64 {
    let mut tokens = FRAME + parts_tokens(&plan.system, family) + fields_tokens(plan);
    if !plan.tools.is_empty() {
        tokens += TOOL_INSTRUCTIONS;
    }
    tokens + plan.tools.iter().map(tool_tokens).sum::<u64>()
}

/// Tokens of a plan's turns, or of some of them.
pub(super) fn turns_tokens(turns: &[Turn], family: Family) -> u64 {
    let turns = turns.iter();
    turns
        .map(|turn| PART_FRAME + parts_tokens(&turn.parts, family))
        .sum()
}

/// The most tokens that a prompt may have. Where the price rises with the prompt's length, the window may be the long one.
pub(super) fn window(model: &Model) -> u64 {
    let long = model
        .price
        .as_ref()
        .is_some_and(|price| !price.above.is_empty());
    let window = model.limits.input.map_or(u64::MAX, u64::from);
    if long {
        window.max(LONG_WINDOW.into())
    } else {
        window
    }
}

/// What the fields for the model add to its prompt: their text, and the instructions of tools that they bring.
pub(super) fn fields_tokens(plan: &Plan) -> u64 {
    let fields = &plan.model_fields;
    if fields.is_empty() && plan.shape.output_config().is_none() {
        return 0;
    }
    let tools = fields.get("tools").and_then(Value::as_array);
    let tools = tools.map_or(0, |tools| tools.len() as u64);
    let instructions = if tools > 0 { TOOL_INSTRUCTIONS } else { 0 };
    let format = plan.shape.output_config();
    let format = format.as_ref().map_or(0, json_bytes);
    fields_bytes(fields) + format + instructions + tools * BUILT_IN_TOOL
}

fn tool_tokens(tool: &Tool) -> u64 {
    let names = tool.name.len() + tool.description.len();
    let built_in = if tool.kind.is_some() {
        BUILT_IN_TOOL
    } else {
        0
    };
    PART_FRAME + names as u64 + json_bytes(&tool.schema) + native_bytes(&tool.native) + built_in
}

fn parts_tokens(parts: &[Part], family: Family) -> u64 {
    parts.iter().map(|part| part_tokens(part, family)).sum()
}

fn part_tokens(part: &Part, family: Family) -> u64 {
    let bytes = match part {
        Part::CacheMark(_) => return 0,
        Part::Text(text) => text.len() as u64,
        Part::Image(image) => picture_tokens(image, family),
        Part::Document(document) => document_tokens(document),
        Part::ToolCall(call) => {
            let names = (call.id.len() + call.name.len()) as u64;
            names + json_bytes(&call.input) + native_bytes(&call.native)
        }
        Part::ToolResult(result) => {
            let content = parts_tokens(&result.content, family);
            result.id.len() as u64 + content + native_bytes(&result.native)
        }
        // A summary may be shorter than the thinking; the signature holds all of it.
        Part::Thinking(ThinkingBlock::Signed { text, signature }) => {
            (text.len() + signature.len()) as u64
        }
        Part::Thinking(ThinkingBlock::Redacted(data)) => data.len() as u64,
        Part::Native(block) => {
            let part = (block.part.as_ref()).map_or(0, |part| part_tokens(part, family));
            part + fields_bytes(&block.fields)
        }
    };
    PART_FRAME + bytes
}

fn native_bytes(fields: &NativeFields) -> u64 {
    fields.as_ref().map_or(0, |fields| fields_bytes(fields))
}

/// The length of fields as they are sent.
fn fields_bytes(fields: &Map<String, Value>) -> u64 {
    let fields = fields.iter();
    fields
        .map(|(name, value)| name.len() as u64 + json_bytes(value))
        .sum()
}

/// The length of a value as it is sent.
fn json_bytes(value: &Value) -> u64 {
    let mut counter = ByteCounter(0);
    // Counting does not fail, and a value in memory serializes.
    serde_json::to_writer(&mut counter, value).ok();
    counter.0
}

/// Counts what is written to it.
struct ByteCounter(u64);

impl std::io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
