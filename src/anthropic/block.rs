//! Content blocks of requests.

use std::fmt;

use bytes::Bytes;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::conversation::{Document, DocumentFormat, Part, ToolCall, ToolResult};
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, WireSource, citations, media, redacted, signed,
};

/// One content block.
#[derive(Debug, Deserialize)]
#[serde(from = "BlockFields")]
pub(super) enum WireBlock {
    /// Text. It is by far the most frequent kind, and has a tenth of the size of all fields.
    Text(String, Option<CacheControl>),
    Other(Box<BlockFields>),
}

/// The fields of a block of whatever kind.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a content block (an object)")]
pub(super) struct BlockFields {
    r#type: String,
    text: Option<String>,
    source: Option<Box<Source>>,
    title: Option<String>,
    context: Option<String>,
    #[serde(default, rename = "citations", deserialize_with = "citations")]
    is_cited: bool,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
    tool_use_id: Option<String>,
    #[serde(default)]
    content: Content<WireBlock>,
    is_error: Option<bool>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    cache_control: Option<CacheControl>,
    /// What was found at a picture's address.
    #[serde(skip)]
    fetched: Option<Bytes>,
}

/// `source` of a picture or document, or the bare address of a search result.
#[derive(Debug)]
enum Source {
    Address(String),
    Fields(SourceFields),
}

#[derive(Debug, Deserialize)]
struct SourceFields {
    r#type: Option<String>,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    #[serde(default)]
    content: Content<WireBlock>,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SourceVisitor;
        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a source (an object)")
            }

            fn visit_str<E>(self, address: &str) -> Result<Source, E> {
                Ok(Source::Address(address.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                SourceFields::deserialize(MapAccessDeserializer::new(map)).map(Source::Fields)
            }
        }
        deserializer.deserialize_any(SourceVisitor)
    }
}

impl SourceFields {
    fn inline(self) -> WireSource {
        WireSource {
            r#type: self.r#type,
            media_type: self.media_type,
            data: self.data,
        }
    }
}

impl From<BlockFields> for WireBlock {
    fn from(mut fields: BlockFields) -> Self {
        let is_text = fields.r#type == "text";
        match fields.text.take() {
            Some(text) if is_text => Self::Text(text, fields.cache_control),
            text => Self::Other(Box::new(BlockFields { text, ..fields })),
        }
    }
}

impl ContentPart for WireBlock {
    fn cache_control(&self) -> Option<&CacheControl> {
        match self {
            Self::Text(_, control) => control.as_ref(),
            Self::Other(fields) => fields.cache_control.as_ref(),
        }
    }

    fn convert(self, path: &str) -> Result<Vec<Part>, ApiError> {
        match self {
            Self::Text(text, _) => Ok(vec![Part::Text(text)]),
            Self::Other(fields) => fields.into_parts(path),
        }
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
        } else if let WireBlock::Other(fields) = block {
            remote(&mut fields.content, &format!("{path}.content"), found);
        }
    }
}

impl WireBlock {
    /// Whether it is text that begins so.
    pub(super) fn begins_with(&self, words: &str) -> bool {
        matches!(self, Self::Text(text, _) if text.starts_with(words))
    }

    /// The web address of the picture that this block is, until it was fetched.
    pub(super) fn address(&self) -> Option<&str> {
        let Self::Other(fields) = self else {
            return None;
        };
        match fields.source.as_deref() {
            Some(Source::Fields(SourceFields { url: Some(url), .. }))
                if fields.r#type == "image" && fields.fetched.is_none() =>
            {
                Some(url)
            }
            _ => None,
        }
    }

    /// Puts what was found at the address.
    pub(super) fn put(&mut self, picture: Bytes) {
        if let Self::Other(fields) = self {
            fields.fetched = Some(picture);
        }
    }
}

impl BlockFields {
    fn into_parts(self, path: &str) -> Result<Vec<Part>, ApiError> {
        let one = |part: Part| Ok(vec![part]);
        match self.r#type.as_str() {
            // With a text it is no longer here.
            "text" => missing(path, "text"),
            "image" => match (self.source.map(|source| *source), self.fetched) {
                (_, Some(bytes)) => one(media::picture(bytes, &format!("{path}.source.url"))?),
                (Some(Source::Fields(source)), None) => {
                    let source = source.inline();
                    one(source.into_part("image", None, false, &format!("{path}.source"))?)
                }
                (Some(Source::Address(_)), None) => refuse(path, "source", "must be an object."),
                (None, None) => missing(path, "source"),
            },
            "document" => self.into_document(path),
            "search_result" => {
                let from = match self.source.as_deref() {
                    Some(Source::Address(address)) => address.as_str(),
                    _ => "",
                };
                let title = self.title.as_deref().unwrap_or_default();
                let text = text_of(&self.content.into_parts(&format!("{path}.content"))?);
                one(Part::Text(format!(
                    "[search result: {title} {from}]\n{text}"
                )))
            }
            "tool_use" => one(Part::ToolCall(ToolCall {
                id: required(self.id, path, "id")?,
                name: required(self.name, path, "name")?,
                input: match self.input {
                    Some(input @ Value::Object(_)) => input,
                    None | Some(Value::Null) => Value::Object(Map::new()),
                    Some(_) => return refuse(path, "input", "must be an object."),
                },
            })),
            "tool_result" => {
                let id = required(self.tool_use_id, path, "tool_use_id")?;
                let parts = self.content.into_parts(&format!("{path}.content"))?;
                // Bedrock takes no mark inside a result, so the last one goes behind it.
                let (marks, content): (Vec<Part>, Vec<Part>) = parts
                    .into_iter()
                    .partition(|part| matches!(part, Part::CacheMark(_)));
                let result = Part::ToolResult(ToolResult {
                    id,
                    content,
                    is_error: self.is_error.unwrap_or(false),
                });
                Ok(std::iter::once(result)
                    .chain(marks.into_iter().last())
                    .collect())
            }
            // Unsigned thinking cannot be sent back: Bedrock verifies what it gets.
            "thinking" => Ok(signed(self.thinking, self.signature).into_iter().collect()),
            "redacted_thinking" => {
                let data = required(self.data, path, "data")?;
                Ok(redacted(&data).into_iter().collect())
            }
            "server_tool_use" | "mcp_tool_use" => {
                let name = self.name.unwrap_or_default();
                let input = self.input.unwrap_or_default();
                one(Part::Text(format!("[{name} was called with {input}]")))
            }
            kind if kind.ends_with("_tool_result") => {
                one(Part::Text(format!("[a {kind} stood here]")))
            }
            other => {
                let what = format!(
                    "is '{other}'; this gateway takes 'text', 'image', 'document', 'search_result', 'tool_use', \
                     'tool_result', 'thinking' and 'redacted_thinking'."
                );
                refuse(path, "type", &what)
            }
        }
    }

    fn into_document(self, path: &str) -> Result<Vec<Part>, ApiError> {
        let cited = self.is_cited;
        let part = match self.source.map(|source| *source) {
            Some(Source::Fields(source)) if source.r#type.as_deref() == Some("content") => {
                let path = format!("{path}.source.content");
                let text = text_of(&source.content.into_parts(&path)?);
                Part::Document(Document {
                    format: DocumentFormat::Txt,
                    name: self.title.unwrap_or_default(),
                    bytes: Bytes::from(text),
                    citations: cited,
                })
            }
            Some(Source::Fields(source)) if source.url.is_some() => {
                let what =
                    "is 'url'; this gateway fetches no documents: send it as 'base64' or 'text'.";
                return refuse(path, "source.type", what);
            }
            Some(Source::Fields(source)) => {
                let source = source.inline();
                source.into_part("document", self.title, cited, &format!("{path}.source"))?
            }
            Some(Source::Address(_)) => return refuse(path, "source", "must be an object."),
            None => return missing(path, "source"),
        };
        let context = self.context.filter(|context| !context.is_empty());
        Ok(context.map(Part::Text).into_iter().chain([part]).collect())
    }
}

/// The texts among these parts, a line each.
fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn required(value: Option<String>, path: &str, field: &str) -> Result<String, ApiError> {
    value.map_or_else(|| missing(path, field), Ok)
}

fn missing<T>(path: &str, field: &str) -> Result<T, ApiError> {
    let param = format!("{path}.{field}");
    let message = format!("Missing required parameter: '{param}'.");
    Err(ApiError::bad_request(message, param))
}

fn refuse<T>(path: &str, field: &str, what: &str) -> Result<T, ApiError> {
    let param = format!("{path}.{field}");
    Err(ApiError::bad_request(format!("'{param}' {what}"), param))
}
