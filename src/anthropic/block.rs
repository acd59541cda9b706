//! Content blocks of requests.

use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::conversation::{Part, ToolCall, ToolResult};
use crate::wire::loose::{Form, misread, object};
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, LeftOut, Loose, citations, is_sound_or_video,
    media, redacted, signed, tool_reference, with_mark,
};

use super::source::{Source, text_of};

/// One content block.
#[derive(Debug)]
pub(super) enum WireBlock {
    /// Text. It is by far the most frequent kind, and has a tenth of the size of all fields.
    Text(String, Loose<CacheControl>),
    Other(Box<BlockFields>),
    /// What is no object, by what it is.
    Misread(&'static str),
}

/// The fields of a block of whatever kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BlockFields {
    r#type: Loose<String>,
    text: Loose<String>,
    source: Loose<Box<Source>>,
    title: Loose<String>,
    context: Loose<String>,
    #[serde(rename = "citations", deserialize_with = "citations")]
    is_cited: bool,
    id: Loose<String>,
    name: Loose<String>,
    tool_name: Loose<String>,
    input: Option<Value>,
    tool_use_id: Loose<String>,
    content: Loose<Content<WireBlock>>,
    is_error: Loose<bool>,
    thinking: Loose<String>,
    signature: Loose<String>,
    data: Loose<String>,
    cache_control: Loose<CacheControl>,
    /// What was found at a picture's address.
    #[serde(skip)]
    fetched: Option<Bytes>,
}

impl Form for BlockFields {
    const EXPECTED: &'static str = "a content block (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl<'de> Deserialize<'de> for WireBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Loose::deserialize(deserializer)? {
            Loose::Given(fields) => Self::of(fields),
            Loose::Missing => Self::Misread("null"),
            Loose::Other(found) => Self::Misread(found),
        })
    }
}

impl ContentPart for WireBlock {
    fn convert(self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let fields = match self {
            Self::Text(text, mark) => {
                let mark = mark.optional(path, "cache_control")?;
                return Ok(with_mark(vec![Part::Text(text)], mark));
            }
            Self::Other(fields) => *fields,
            Self::Misread(found) => return Err(misread::<BlockFields>(found, path.to_owned())),
        };
        fields.into_marked(path, left_out)
    }
}

/// The pictures that stand elsewhere on the web, each with its place.
pub(super) fn remote<'a>(
    content: &'a mut Content<WireBlock>,
    path: &str,
    found: &mut Vec<(String, &'a mut WireBlock)>,
) {
    let Content::Parts(blocks) = content else {
        return;
    };
    let blocks = blocks.iter_mut().enumerate();
    for (at, block) in blocks.filter(|(_, block)| matches!(block, WireBlock::Other(_))) {
        let path = format!("{path}[{at}]");
        if block.address().is_some() {
            found.push((format!("{path}.source.url"), block));
        } else if let WireBlock::Other(fields) = block
            && fields.is("tool_result")
            && let Loose::Given(content) = &mut fields.content
        {
            remote(content, &format!("{path}.content"), found);
        }
    }
}

impl WireBlock {
    fn of(mut fields: BlockFields) -> Self {
        if !fields.is("text") {
            return Self::Other(Box::new(fields));
        }
        match std::mem::take(&mut fields.text) {
            Loose::Given(text) => Self::Text(text, fields.cache_control),
            text => Self::Other(Box::new(BlockFields { text, ..fields })),
        }
    }

    /// Whether it is text that begins so.
    pub(super) fn begins_with(&self, words: &str) -> bool {
        matches!(self, Self::Text(text, _) if text.starts_with(words))
    }

    /// The web address of the picture that this block is, until it was fetched.
    pub(super) fn address(&self) -> Option<&str> {
        let Self::Other(fields) = self else {
            return None;
        };
        let is_open = fields.is("image") && fields.fetched.is_none();
        fields.source.as_given().filter(|_| is_open)?.url()
    }

    /// Puts what was found at the address.
    pub(super) fn put(&mut self, picture: Bytes) {
        if let Self::Other(fields) = self {
            fields.fetched = Some(picture);
        }
    }
}

impl BlockFields {
    fn is(&self, kind: &str) -> bool {
        self.r#type
            .as_given()
            .is_some_and(|written| written == kind)
    }

    /// The parts with their mark for the cache; for a kind that nobody here knows, a note.
    fn into_marked(mut self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let kind = std::mem::take(&mut self.r#type).required(path, "type")?;
        let control = std::mem::take(&mut self.cache_control);
        match self.into_parts(&kind, path, left_out)? {
            Some(parts) => Ok(with_mark(parts, control.optional(path, "cache_control")?)),
            None => Ok(with_mark(vec![left_out.note(&kind)], control.given())),
        }
    }

    /// `None`: nobody here knows this kind.
    fn into_parts(
        self,
        kind: &str,
        path: &str,
        left_out: &mut LeftOut,
    ) -> Result<Option<Vec<Part>>, ApiError> {
        let parts = match kind {
            "text" => vec![Part::Text(self.text.required(path, "text")?)],
            "image" => vec![self.into_image(path)?],
            "document" => self.into_document(path, left_out)?,
            "search_result" => vec![self.into_search_result(path, left_out)?],
            "tool_use" => vec![self.into_call(path)?],
            "tool_result" => self.into_result(path, left_out)?,
            // Unsigned thinking cannot be sent back: Bedrock verifies what it gets.
            "thinking" => {
                let thinking = self.thinking.optional(path, "thinking")?;
                let signature = self.signature.optional(path, "signature")?;
                signed(thinking, signature).into_iter().collect()
            }
            "redacted_thinking" => {
                let data = self.data.required(path, "data")?;
                redacted(&data).into_iter().collect()
            }
            "tool_reference" => match self.tool_name.given() {
                Some(name) => vec![tool_reference(&name)],
                None => return Ok(None),
            },
            "server_tool_use" | "mcp_tool_use" => {
                let name = self.name.optional(path, "name")?.unwrap_or_default();
                let input = self.input.unwrap_or_default();
                vec![Part::Text(format!("[{name} was called with {input}]"))]
            }
            // What the model itself wrote to go on from.
            "compaction" => match self.content.given() {
                Some(Content::Text(summary)) => {
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
        let source = self.source.optional(path, "source")?;
        let from = match source.as_deref() {
            Some(Source::Address(address)) => address.as_str(),
            _ => "",
        };
        let title = self.title.optional(path, "title")?.unwrap_or_default();
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
        let content = self.content.optional(path, "content")?.unwrap_or_default();
        let parts = content.into_parts(&format!("{path}.content"), left_out)?;
        // Bedrock takes no mark inside a result, so the last one goes behind it.
        let (marks, content): (Vec<Part>, Vec<Part>) = parts
            .into_iter()
            .partition(|part| matches!(part, Part::CacheMark(_)));
        let result = Part::ToolResult(ToolResult {
            id,
            content,
            is_error: self.is_error.optional(path, "is_error")?.unwrap_or(false),
        });
        Ok(std::iter::once(result)
            .chain(marks.into_iter().last())
            .collect())
    }

    fn into_document(self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let title = self.title.optional(path, "title")?;
        let source = self.source.required(path, "source")?;
        let document = source.into_document(title, self.is_cited, path, left_out)?;
        let context = self.context.optional(path, "context")?;
        let context = context.filter(|context| !context.is_empty());
        let context = context.map(Part::Text).into_iter();
        Ok(context.chain([document]).collect())
    }
}

/// Refuses a field of what stands at `path`.
pub(super) fn refuse<T>(path: &str, field: &str, what: &str) -> Result<T, ApiError> {
    let param = format!("{path}.{field}");
    Err(ApiError::bad_request(format!("'{param}' {what}"), param))
}
