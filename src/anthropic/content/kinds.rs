//! What the kinds of blocks are in the domain.

use std::iter::once;

use serde_json::{Map, Value, json};

use crate::conversation::{Part, ToolCall, ToolResult};
use crate::wire::{
    ApiError, Content, LeftOut, Loose, LooseContent, is_sound_or_video, media, redacted, signed,
    tool_reference,
};

use super::super::inner::{self, lines};
use super::super::source::{WireSourceKind, text_of};
use super::{BlockFields, refuse};

impl BlockFields {
    /// `None`: this kind is unknown here.
    pub(super) fn into_parts(
        self,
        kind: &str,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<Option<Vec<Part>>, ApiError> {
        let parts = match kind {
            "text" => {
                let text = self.text.optional(path, "text")?;
                text.map(Part::Text).into_iter().collect()
            }
            "image" | "document" if self.source.as_given().is_some_and(|it| it.is_unknown()) => {
                return Ok(None);
            }
            "image" => vec![self.into_image(path)?],
            "document" => self.into_document(path, left_out)?,
            "search_result" => vec![self.into_search_result(path, left_out)?],
            "tool_use" => vec![self.into_call(path)?],
            "tool_result" => self.into_result(path, left_out)?,
            // Unsigned thinking cannot be sent back: Bedrock verifies what it gets.
            "thinking" => match (self.thinking, self.signature) {
                (Loose::Other(_), _) | (_, Loose::Other(_)) => return Ok(None),
                (thinking, signature) => signed(thinking.given(), signature.given())
                    .into_iter()
                    .collect(),
            },
            "redacted_thinking" => match self.data.given().as_deref().and_then(redacted) {
                Some(thinking) => vec![thinking],
                None => return Ok(None),
            },
            "tool_reference" => match self.tool_name.given() {
                Some(name) => vec![tool_reference(&name)],
                None => return Ok(None),
            },
            "server_tool_use" | "mcp_tool_use" => match self.name.given() {
                Some(name) => {
                    let input = self.input.unwrap_or_default();
                    vec![Part::Text(format!("[{name} was called with {input}]"))]
                }
                None => return Ok(None),
            },
            // A tool that Anthropic's service ran.
            kind if kind.ends_with("_tool_result") => {
                inner::beside(left_out.note(kind), inner::told(self.content))
            }
            // What the model itself wrote to go on from.
            "compaction" => match self.content.given() {
                Some(LooseContent::Parts(Content::Text(summary))) => {
                    left_out.add(kind);
                    let summary = format!("[summary of the conversation before]\n{summary}");
                    vec![Part::Text(summary)]
                }
                _ => return Ok(None),
            },
            kind if is_sound_or_video(kind) => {
                let what = format!(
                    "is '{kind}'; this gateway takes 'text', 'image', 'document', 'search_result', 'tool_use', \
                     'tool_result', 'thinking' and 'redacted_thinking'."
                );
                return refuse(path, "type", &what);
            }
            _ => return Ok(None),
        };
        Ok(Some(parts))
    }

    fn into_image(self, path: &str) -> Result<Part, ApiError> {
        if let Some(bytes) = self.fetched {
            return media::picture(bytes, &format!("{path}.source.url"));
        }
        self.source.required(path, "source")?.into_image(path)
    }

    fn into_search_result(self, path: &str, left_out: &mut LeftOut) -> Result<Part, ApiError> {
        let source = left_out.field(self.source, path, "source")?;
        let from = match source.as_deref() {
            Some(WireSourceKind::Address(address)) => address.as_str(),
            _ => "",
        };
        let title = left_out.field(self.title, path, "title")?;
        let title = title.unwrap_or_default();
        let text = text_of(self.content, path, left_out)?;
        Ok(Part::Text(format!(
            "[search result: {title} {from}]\n{text}"
        )))
    }

    fn into_call(self, path: &str) -> Result<Part, ApiError> {
        Ok(Part::ToolCall(ToolCall {
            id: self.id.required(path, "id")?,
            name: self.name.required(path, "name")?,
            input: match self.input {
                Some(input @ Value::Object(_)) => input,
                None | Some(Value::Null) => Value::Object(Map::new()),
                // Whatever a client made of arguments that were cut. A refusal would end its conversation.
                Some(other) => json!({"INVALID_JSON": other}),
            },
        }))
    }

    fn into_result(self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let id = self.tool_use_id.required(path, "tool_use_id")?;
        let content = left_out.field(self.content, path, "content")?;
        let content = content.unwrap_or_default().into_content();
        let (content, mark) = inner::of_result(content, &format!("{path}.content"), left_out)?;
        let is_error = self.is_error.or_left_out("is_error", left_out);
        let result = Part::ToolResult(ToolResult {
            id,
            content,
            is_error: is_error.unwrap_or(false),
        });
        Ok(once(result).chain(mark).collect())
    }

    /// What a result of the service's tools says that is none of the blocks which clients write.
    pub(in crate::anthropic) fn into_words(self) -> Vec<Part> {
        let found = lines([self.title.given(), self.url.given()]);
        let said = lines([
            self.text.given(),
            self.stdout.given(),
            self.stderr.given(),
            inner::failed(self.return_code),
            self.error_code.given(),
        ]);
        let inside = inner::told(self.content);
        let references = inner::told(self.tool_references);
        let parts = found.into_iter().chain(said);
        parts.chain(inside).chain(references).collect()
    }

    fn into_document(self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let title = left_out.field(self.title, path, "title")?;
        let source = self.source.required(path, "source")?;
        let document = source.into_document(title, self.is_cited, path, left_out)?;
        let context = left_out.field(self.context, path, "context")?;
        let context = context.filter(|context| !context.is_empty());
        let context = context.map(Part::Text).into_iter();
        Ok(context.chain([document]).collect())
    }
}
