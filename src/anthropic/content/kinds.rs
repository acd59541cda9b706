//! What the kinds of blocks are in the domain.

use std::iter::once;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::conversation::{NativeBlock, Part, ToolCall, ToolResult};
use crate::web_search::{decoded, fenced};
use crate::wire::{
    ApiError, Content, DroppedFields, Loose, LooseContent, is_sound_or_video, media, redacted,
    signed, tool_reference,
};

use super::super::inner::{self, lines};
use super::super::source::{WireSourceKind, text_of};
use super::{BlockFields, native, refuse};

impl BlockFields {
    /// `None`: this kind is unknown here.
    pub(super) fn into_parts(
        mut self,
        kind: &str,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<Option<Vec<Part>>, ApiError> {
        let parts = match kind {
            "text" => {
                let mut fields = std::mem::take(&mut self.unknown);
                let citations = self.citations.filter(|citations| !citations.is_null());
                fields.extend(citations.map(|citations| ("citations".to_owned(), citations)));
                let text = self.text.optional(path, "text")?;
                let text = text.map(|text| native::with_fields(kind, Part::Text(text), fields));
                text.into_iter().collect()
            }
            "image" | "document" if self.source.as_given().is_some_and(|it| it.is_unknown()) => {
                return Ok(None);
            }
            "image" => {
                let fields = std::mem::take(&mut self.unknown);
                vec![native::with_fields(kind, self.into_image(path)?, fields)]
            }
            "document" => self.into_document(path, dropped)?,
            "search_result" => vec![self.into_search_result(path, dropped)?],
            "tool_use" => vec![self.into_call(path)?],
            "tool_result" => self.into_result(path, dropped)?,
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
                inner::beside(dropped.note(kind), inner::told(self.content))
            }
            // What the model itself wrote to go on from.
            "compaction" => match self.content.given() {
                Some(LooseContent::Parts(Content::Text(summary))) => {
                    dropped.add(kind);
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

    fn into_search_result(self, path: &str, dropped: &mut DroppedFields) -> Result<Part, ApiError> {
        let source = dropped.field(self.source, path, "source")?;
        let from = match source.as_deref() {
            Some(WireSourceKind::Address(address)) => address.as_str(),
            _ => "",
        };
        let title = dropped.field(self.title, path, "title")?;
        let title = title.unwrap_or_default();
        let text = text_of(self.content, path, dropped)?;
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
            native: native::native(self.unknown),
        }))
    }

    fn into_result(self, path: &str, dropped: &mut DroppedFields) -> Result<Vec<Part>, ApiError> {
        let id = self.tool_use_id.required(path, "tool_use_id")?;
        let content = dropped.field(self.content, path, "content")?;
        let content = content.unwrap_or_default().into_content();
        let (content, mark) = inner::of_result(content, &format!("{path}.content"), dropped)?;
        let is_error = self.is_error.or_dropped("is_error", dropped);
        let result = Part::ToolResult(ToolResult {
            id,
            content,
            is_error: is_error.unwrap_or(false),
            native: native::native(self.unknown),
        });
        Ok(once(result).chain(mark).collect())
    }

    /// What a result of the service's tools says that is none of the blocks which clients write.
    pub(in crate::anthropic) fn into_words(self) -> Vec<Part> {
        let found = lines([self.title.given(), self.url.given()]);
        // A block of a kind that only Claude's own format has is kept whole.
        let fields = self.whole.as_ref().unwrap_or(&self.unknown);
        let carried = fields.get("encrypted_content");
        let carried = carried.and_then(Value::as_str).and_then(decoded);
        let carried = carried.map(|extract| fenced("page", &extract));
        let said = lines([
            carried,
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

    fn into_document(self, path: &str, dropped: &mut DroppedFields) -> Result<Vec<Part>, ApiError> {
        let title = dropped.field(self.title, path, "title")?;
        let source = self.source.required(path, "source")?;
        let mut fields = self.unknown;
        let citations = self.citations.unwrap_or_default();
        let is_cited = citations.get("enabled").is_some_and(|on| *on == true);
        // A document of chunks is one text elsewhere, and what it is cited by are its chunks.
        let chunks = source.chunks();
        let document = source.into_document(title.clone(), is_cited, path, dropped)?;
        let context = dropped.field(self.context, path, "context")?;
        let context = context.filter(|context| !context.is_empty());
        let instead: Vec<Part> = (context.clone().map(Part::Text).into_iter())
            .chain([document.clone()])
            .collect();
        fields.extend(context.map(|context| ("context".to_owned(), context.into())));
        let Some(chunks) = chunks else {
            return Ok(match native::with_fields("document", document, fields) {
                Part::Native(block) => vec![native::with_words(&block, instead)],
                document => vec![document],
            });
        };
        fields.insert("type".to_owned(), "document".into());
        fields.insert(
            "source".to_owned(),
            json!({"type": "content", "content": chunks}),
        );
        fields.extend(title.map(|title| ("title".to_owned(), title.into())));
        if is_cited {
            fields.insert("citations".to_owned(), citations);
        }
        Ok(vec![Part::Native(Arc::new(NativeBlock {
            kind: "document".to_owned(),
            part: None,
            fields,
            instead,
            lost_elsewhere: Vec::new(),
        }))])
    }
}
