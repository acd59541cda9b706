//! Content inside a block: of tools' results, the client's and those of tools that Anthropic's service ran.

use serde_json::Value;

use crate::conversation::{Part, ToolResult};
use crate::wire::{ApiError, Content, ContentPart, DroppedFields, Loose, LooseContent};

use super::content::{WireBlock, kind_of};

/// What a result of the client's own tool holds, without marks: Bedrock takes none there, so the last one comes after it.
/// A client has it from its tools and sends it again and again, so nothing in it is refused that is a block.
pub(super) fn of_result(
    content: Content<WireBlock>,
    path: &str,
    dropped: &mut DroppedFields,
) -> Result<(Vec<Part>, Option<Part>), ApiError> {
    let parts = match content {
        Content::Parts(blocks) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for (at, block) in blocks.into_iter().enumerate() {
                parts.extend(in_result(block, &format!("{path}[{at}]"), dropped)?);
            }
            parts
        }
        other => other.into_parts(path, dropped)?,
    };
    let (marks, content): (Vec<Part>, Vec<Part>) = parts
        .into_iter()
        .partition(|part| matches!(part, Part::CacheMark(_)));
    Ok((content, marks.into_iter().last()))
}

fn in_result(
    block: WireBlock,
    path: &str,
    dropped: &mut DroppedFields,
) -> Result<Vec<Part>, ApiError> {
    match block.kind() {
        // Bedrock takes none inside a result, signed or not.
        Some(kind @ ("thinking" | "redacted_thinking")) => Ok(vec![dropped.note(kind)]),
        Some(kind) => {
            if matches!(kind, "tool_use" | "tool_result") {
                dropped.add(kind);
            }
            dropped.healing(|dropped| block.convert(path, dropped))
        }
        None => dropped.healing(|dropped| block.convert(path, dropped)),
    }
}

/// A note and what is known of what stood there: one text where all of that is text.
pub(super) fn beside(note: Part, told: Vec<Part>) -> Vec<Part> {
    let mut parts = vec![note];
    for part in told {
        match (part, parts.last_mut()) {
            (Part::Text(more), Some(Part::Text(text))) => {
                text.push('\n');
                text.push_str(&more);
            }
            (part, _) => parts.push(part),
        }
    }
    parts
}

/// What the result of a tool that Anthropic's service ran says, in words.
pub(super) fn told(content: Loose<LooseContent<WireBlock>>) -> Vec<Part> {
    match content.given() {
        None | Some(LooseContent::Object(_) | LooseContent::Parts(Content::Empty)) => Vec::new(),
        Some(LooseContent::Parts(Content::Text(text))) => vec![Part::Text(text)],
        Some(LooseContent::Parts(Content::Parts(blocks))) => {
            blocks.into_iter().flat_map(told_by).collect()
        }
    }
}

fn told_by(block: WireBlock) -> Vec<Part> {
    const CONTENT: [&str; 8] = [
        "document",
        "image",
        "mcp_tool_use",
        "search_result",
        "server_tool_use",
        "tool_reference",
        "tool_result",
        "tool_use",
    ];
    let is_content = block.kind().is_some_and(|kind| CONTENT.contains(&kind));
    let fields = match block {
        WireBlock::Text(text, _) => return vec![Part::Text(text)],
        WireBlock::Misread => return Vec::new(),
        WireBlock::Other(fields) => fields,
    };
    if !is_content {
        return fields.into_words();
    }
    // The block around it is named as left out already.
    let mut unnamed = DroppedFields::default();
    let parts = unnamed.healing(|unnamed| WireBlock::Other(fields).convert("content", unnamed));
    parts
        .unwrap_or_default()
        .into_iter()
        .flat_map(spoken)
        .filter_map(in_words)
        .collect()
}

/// The part as another format than Claude's own has it.
pub(super) fn spoken(part: Part) -> Vec<Part> {
    match part {
        Part::Native(block) => block.instead.clone(),
        part => vec![part],
    }
}

/// Where a part stands beside no call of the client's: calls and results there would be taken for its own.
fn in_words(part: Part) -> Option<Part> {
    match part {
        Part::CacheMark(_) => None,
        Part::ToolCall(call) => Some(Part::Text(format!(
            "[{} was called with {}]",
            call.name, call.input
        ))),
        Part::ToolResult(ToolResult { content, .. }) => {
            let texts = content.into_iter().flat_map(spoken).map(|part| match part {
                Part::Text(text) => text,
                other => format!("[a {} stood here]", kind_of(&other)),
            });
            Some(Part::Text(texts.collect::<Vec<_>>().join("\n")))
        }
        other => Some(other),
    }
}

/// The words of fields, a line each, without those that say nothing.
pub(super) fn lines(words: impl IntoIterator<Item = Option<String>>) -> Option<Part> {
    let words = words
        .into_iter()
        .flatten()
        .filter(|words| !words.trim().is_empty());
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| Part::Text(words.join("\n")))
}

/// How a program ended that did not end well.
pub(super) fn failed(return_code: Option<Value>) -> Option<String> {
    let code = return_code?.as_i64().filter(|code| *code != 0)?;
    Some(format!("[it ended with code {code}]"))
}
