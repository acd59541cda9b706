//! Content blocks of requests.

use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::conversation::Part;
use crate::wire::loose::{Form, object};
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, LeftOut, Loose, LooseContent, citations,
    with_mark,
};

use super::source::WireSourceKind;

mod kinds;

/// One content block.
#[derive(Debug)]
pub(super) enum WireBlock {
    /// Text. It is by far the most frequent kind, and has a tenth of the size of all fields.
    Text(String, Loose<CacheControl>),
    Other(Box<BlockFields>),
    /// Neither a text nor an object: it says nothing.
    Misread,
}

/// The fields of a block of whatever kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BlockFields {
    r#type: Loose<String>,
    text: Loose<String>,
    source: Loose<Box<WireSourceKind>>,
    title: Loose<String>,
    context: Loose<String>,
    #[serde(rename = "citations", deserialize_with = "citations")]
    is_cited: bool,
    id: Loose<String>,
    name: Loose<String>,
    tool_name: Loose<String>,
    input: Option<Value>,
    tool_use_id: Loose<String>,
    content: Loose<LooseContent<WireBlock>>,
    is_error: Loose<bool>,
    thinking: Loose<String>,
    signature: Loose<String>,
    data: Loose<String>,
    // What results of the service's tools say.
    url: Loose<String>,
    stdout: Loose<String>,
    stderr: Loose<String>,
    return_code: Option<Value>,
    error_code: Loose<String>,
    tool_references: Loose<LooseContent<WireBlock>>,
    cache_control: Loose<CacheControl>,
    /// What was found at a picture's address.
    #[serde(skip)]
    fetched: Option<Bytes>,
}

impl Form for BlockFields {
    const EXPECTED: &'static str = "a content block (an object)";

    /// A text that stands in a list of blocks.
    fn of_text(text: String) -> Option<Self> {
        Some(Self {
            r#type: Loose::Given("text".to_owned()),
            text: Loose::Given(text),
            ..Self::default()
        })
    }

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl<'de> Deserialize<'de> for WireBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Loose::deserialize(deserializer)? {
            Loose::Given(fields) => Self::of(fields),
            Loose::Missing | Loose::Other(_) => Self::Misread,
        })
    }
}

impl ContentPart for WireBlock {
    fn convert(self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        match self {
            Self::Text(text, mark) => {
                let mark = marked(mark, path, left_out)?;
                Ok(with_mark(vec![Part::Text(text)], mark))
            }
            Self::Other(fields) => fields.into_marked(path, left_out),
            Self::Misread => {
                left_out.add("content");
                Ok(Vec::new())
            }
        }
    }
}

/// The client's wish behind the block at `path` to cache the prompt up to here.
fn marked(
    mark: Loose<CacheControl>,
    path: &str,
    left_out: &mut LeftOut,
) -> Result<Option<CacheControl>, ApiError> {
    let mark = left_out.field(mark, path, "cache_control")?;
    if let Some(mark) = &mark {
        mark.name_unknown("cache_control", left_out);
    }
    Ok(mark)
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
            && let Loose::Given(LooseContent::Parts(content)) = &mut fields.content
        {
            remote(content, &format!("{path}.content"), found);
        }
    }
}

impl WireBlock {
    pub(super) fn of(mut fields: BlockFields) -> Self {
        if !fields.is("text") {
            return Self::Other(Box::new(fields));
        }
        match std::mem::take(&mut fields.text) {
            Loose::Given(text) => Self::Text(text, fields.cache_control),
            text => Self::Other(Box::new(BlockFields { text, ..fields })),
        }
    }

    /// Its type, if it says one.
    pub(super) fn kind(&self) -> Option<&'_ str> {
        match self {
            Self::Text(..) => Some("text"),
            Self::Other(fields) => fields.kind(),
            Self::Misread => None,
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
    /// Its type, if it says one.
    pub(super) fn kind(&self) -> Option<&str> {
        self.r#type.as_given().map(String::as_str)
    }

    fn is(&self, kind: &str) -> bool {
        self.kind() == Some(kind)
    }

    /// The parts with their mark for the cache; for an unknown kind, a note.
    fn into_marked(mut self, path: &str, left_out: &mut LeftOut) -> Result<Vec<Part>, ApiError> {
        let kind = match std::mem::take(&mut self.r#type) {
            Loose::Given(kind) => kind,
            _ if left_out.heals() => {
                let text = self.text.given().map(Part::Text);
                return Ok(vec![text.unwrap_or_else(|| left_out.note("block"))]);
            }
            other => other.required(path, "type")?,
        };
        let control = std::mem::take(&mut self.cache_control);
        match self.into_parts(&kind, path, left_out) {
            Ok(Some(parts)) => Ok(with_mark(parts, marked(control, path, left_out)?)),
            Err(error) if !left_out.heals() => Err(error),
            unreadable => {
                if let Err(error) = unreadable {
                    tracing::debug!(reason = error.message, "a block of a history was left out");
                }
                Ok(with_mark(vec![left_out.note(&kind)], control.given()))
            }
        }
    }
}

/// The type of the block that a part was.
pub(super) fn kind_of(part: &Part) -> &'static str {
    match part {
        Part::Text(_) => "text",
        Part::Image(_) => "image",
        Part::Document(_) => "document",
        Part::Thinking(_) => "thinking",
        Part::ToolCall(_) => "tool_use",
        Part::ToolResult(_) => "tool_result",
        Part::CacheMark(_) => "cache_control",
    }
}

/// Refuses a field of what stands at `path`.
pub(super) fn refuse<T>(path: &str, field: &str, what: &str) -> Result<T, ApiError> {
    let param = format!("{path}.{field}");
    Err(ApiError::bad_request(format!("'{param}' {what}"), param))
}
