//! Content blocks of requests.

use bytes::Bytes;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::conversation::Part;
use crate::wire::loose::Form;
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, DroppedFields, Loose, LooseContent,
    SettingsObject, with_mark,
};

use super::source::WireSourceKind;

mod kinds;
mod native;

pub(super) use native::native;

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
#[serde(default, expecting = "a content block (an object)")]
pub(super) struct BlockFields {
    r#type: Loose<String>,
    text: Loose<String>,
    source: Loose<Box<WireSourceKind>>,
    title: Loose<String>,
    context: Loose<String>,
    citations: Option<Value>,
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
    /// Fields that have another name.
    #[serde(skip)]
    unknown: Map<String, Value>,
    /// All of a block that only Claude's own format has.
    #[serde(skip)]
    whole: Option<Map<String, Value>>,
}

/// The kinds of blocks that the domain has. Of any other kind a block is kept whole.
const OF_DOMAIN: [&str; 7] = [
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
];

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

    /// Clients write the type first, as a rule: then a block is read field by field. Where something else comes first, all
    /// of it is read before anything is known of it.
    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let Some(first) = fields.next_key::<String>()? else {
            return Ok(Some(Self::default()));
        };
        let mut whole = Map::new();
        if first == "type" {
            let kind: Loose<String> = fields.next_value()?;
            let is_known = |kind: &String| OF_DOMAIN.contains(&kind.as_str());
            match kind.as_given() {
                Some(kind) if !is_known(kind) => {
                    whole.insert(first, kind.clone().into());
                }
                _ => {
                    let (read, unknown) = parted(MapAccessDeserializer::new(fields))?;
                    return Ok(Some(Self {
                        r#type: kind,
                        unknown,
                        ..read
                    }));
                }
            }
        } else {
            whole.insert(first, fields.next_value()?);
        }
        while let Some((name, value)) = fields.next_entry()? {
            whole.insert(name, value);
        }
        Self::of_whole(whole).map(Some).map_err(A::Error::custom)
    }
}

/// A block's fields, and those that have another name.
fn parted<'de, D: Deserializer<'de>>(
    fields: D,
) -> Result<(BlockFields, Map<String, Value>), D::Error> {
    SettingsObject::<BlockFields>::deserialize(fields).map(SettingsObject::whole)
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
    fn convert(self, path: &str, dropped: &mut DroppedFields) -> Result<Vec<Part>, ApiError> {
        match self {
            Self::Text(text, mark) => {
                let mark = marked(mark, path, dropped)?;
                Ok(with_mark(vec![Part::Text(text)], mark))
            }
            Self::Other(fields) => fields.into_marked(path, dropped),
            Self::Misread => {
                dropped.add("content");
                Ok(Vec::new())
            }
        }
    }
}

/// The client's wish behind the block at `path` to cache the prompt up to here.
fn marked(
    mark: Loose<CacheControl>,
    path: &str,
    dropped: &mut DroppedFields,
) -> Result<Option<CacheControl>, ApiError> {
    let mark = dropped.field(mark, path, "cache_control")?;
    if let Some(mark) = &mark {
        mark.name_unknown("cache_control", dropped);
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
        if !fields.is("text") || fields.citations.is_some() || !fields.unknown.is_empty() {
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

    /// Its text, where it is nothing else.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text, _) => Some(text),
            Self::Other(_) | Self::Misread => None,
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
    fn of_whole(whole: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let (read, unknown) = parted(Value::Object(whole.clone()))?;
        let is_of_domain = read.kind().is_none_or(|kind| OF_DOMAIN.contains(&kind));
        Ok(if is_of_domain {
            Self { unknown, ..read }
        } else {
            Self {
                whole: Some(whole),
                ..read
            }
        })
    }

    /// Its type, if it says one.
    pub(super) fn kind(&self) -> Option<&str> {
        self.r#type.as_given().map(String::as_str)
    }

    fn is(&self, kind: &str) -> bool {
        self.kind() == Some(kind)
    }

    /// The parts with their mark for the cache; for an unknown kind, a note.
    fn into_marked(
        mut self,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<Vec<Part>, ApiError> {
        let kind = match std::mem::take(&mut self.r#type) {
            Loose::Given(kind) => kind,
            _ if dropped.heals() => {
                let text = self.text.given().map(Part::Text);
                return Ok(vec![text.unwrap_or_else(|| dropped.note("block"))]);
            }
            other => other.required(path, "type")?,
        };
        let control = std::mem::take(&mut self.cache_control);
        if let Some(whole) = self.whole.take() {
            let parts = native::block(kind, whole, self, path, dropped)?;
            return Ok(with_mark(parts, control.given()));
        }
        match self.into_parts(&kind, path, dropped) {
            Ok(Some(parts)) => Ok(with_mark(parts, marked(control, path, dropped)?)),
            Err(error) if !dropped.heals() => Err(error),
            unreadable => {
                if let Err(error) = unreadable {
                    tracing::debug!(reason = error.message, "a block of a history was left out");
                }
                Ok(with_mark(vec![dropped.note(&kind)], control.given()))
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
        Part::Native(block) => block.part.as_ref().map_or("block", kind_of),
        Part::CacheMark(_) => "cache_control",
    }
}

/// Refuses a field of what stands at `path`.
pub(super) fn refuse<T>(path: &str, field: &str, what: &str) -> Result<T, ApiError> {
    let param = format!("{path}.{field}");
    Err(ApiError::bad_request(format!("'{param}' {what}"), param))
}
