//! Message content: a string, a list of parts, or nothing.

use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};

use crate::conversation::Part;
use crate::wire::loose::{Form, object};
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, DroppedFields, Loose, WireSource, citations,
    is_sound_or_video, media, redacted, signed, tool_reference, with_mark,
};

use super::files::WireFile;

/// One content part.
#[derive(Debug)]
pub(crate) enum WirePart {
    /// Text. It is by far the most frequent kind, and has a tenth of the size of all fields.
    Text(String, Loose<CacheControl>),
    Other(Box<PartFields>),
    /// Neither a text nor an object: it says nothing.
    Misread,
}

/// The fields of a part of whatever kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PartFields {
    r#type: Loose<String>,
    text: Loose<String>,
    refusal: Loose<String>,
    image_url: Loose<ImageUrl>,
    file: Loose<Box<WireFile>>,
    file_id: Loose<String>,
    file_data: Loose<String>,
    filename: Loose<String>,
    source: Loose<Box<WireSource>>,
    title: Loose<String>,
    tool_name: Loose<String>,
    #[serde(rename = "citations", deserialize_with = "citations")]
    is_cited: bool,
    thinking: Loose<String>,
    signature: Loose<String>,
    data: Loose<String>,
    cache_control: Loose<CacheControl>,
    /// What was found at a picture's address.
    #[serde(skip)]
    fetched: Option<Bytes>,
}

/// `{"url": …}` or the address itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImageUrl {
    url: Loose<String>,
}

impl Form for PartFields {
    const EXPECTED: &'static str = "a content part (an object)";

    fn of_text(text: String) -> Option<Self> {
        let text = Loose::Given(text);
        Some(Self {
            text,
            ..Self::default()
        })
    }

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl Form for ImageUrl {
    const EXPECTED: &'static str = "an address or an object with `url`";

    fn of_text(address: String) -> Option<Self> {
        let url = Loose::Given(address);
        Some(Self { url })
    }

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl Content<WirePart> {
    /// The parts that are pictures at an address of the web, each with its place in the list.
    pub(crate) fn remote(&mut self) -> impl Iterator<Item = (usize, &mut WirePart)> {
        let parts = match self {
            Content::Parts(parts) => parts.as_mut_slice(),
            _ => &mut [],
        };
        let parts = parts.iter_mut().enumerate();
        parts.filter(|(_, part)| part.address().is_some())
    }
}

impl<'de> Deserialize<'de> for WirePart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Loose::deserialize(deserializer)? {
            Loose::Given(fields) => Self::of(fields),
            Loose::Missing | Loose::Other(_) => Self::Misread,
        })
    }
}

impl ContentPart for WirePart {
    fn convert(self, path: &str, dropped: &mut DroppedFields) -> Result<Vec<Part>, ApiError> {
        let fields = match self {
            Self::Text(text, mark) => {
                let mark = mark.optional(path, "cache_control")?;
                return Ok(with_mark(vec![Part::Text(text)], mark));
            }
            Self::Other(fields) => *fields,
            Self::Misread => {
                dropped.add("content");
                return Ok(Vec::new());
            }
        };
        fields.into_marked(path, dropped)
    }
}

impl WirePart {
    fn of(mut fields: PartFields) -> Self {
        if !fields.is_text() {
            return Self::Other(Box::new(fields));
        }
        match std::mem::take(&mut fields.text) {
            Loose::Given(text) => Self::Text(text, fields.cache_control),
            text => Self::Other(Box::new(PartFields { text, ..fields })),
        }
    }

    /// The web address of the picture that this part is, until it was fetched.
    pub(crate) fn address(&self) -> Option<&str> {
        match self {
            Self::Other(fields) => fields.address(),
            Self::Text(..) | Self::Misread => None,
        }
    }

    /// Puts what was found at the address.
    pub(crate) fn put(&mut self, picture: Bytes) {
        if let Self::Other(fields) = self {
            fields.fetched = Some(picture);
        }
    }
}

impl PartFields {
    fn kind(&self) -> Option<&str> {
        self.r#type.as_given().map(String::as_str)
    }

    fn is_text(&self) -> bool {
        match &self.r#type {
            Loose::Missing => true,
            Loose::Given(kind) => matches!(kind.as_str(), "text" | "input_text" | "output_text"),
            Loose::Other(_) => false,
        }
    }

    fn address(&self) -> Option<&str> {
        if !matches!(self.kind(), Some("image_url" | "input_image")) || self.fetched.is_some() {
            return None;
        }
        let url = self.image_url.as_given()?.url.as_given()?;
        let scheme = url.split_once("://")?.0;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        web.then_some(url)
    }

    /// The parts with their mark for the cache; for an unknown kind, a note.
    fn into_marked(
        mut self,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<Vec<Part>, ApiError> {
        let kind = std::mem::take(&mut self.r#type).optional(path, "type")?;
        let kind = kind.unwrap_or_else(|| "text".to_owned());
        let control = std::mem::take(&mut self.cache_control);
        match self.into_parts(&kind, path)? {
            Some(parts) => Ok(with_mark(parts, control.optional(path, "cache_control")?)),
            None => Ok(with_mark(vec![dropped.note(&kind)], control.given())),
        }
    }

    /// `None`: this kind is unknown here.
    fn into_parts(self, kind: &str, path: &str) -> Result<Option<Vec<Part>>, ApiError> {
        let part = match kind {
            "text" | "input_text" | "output_text" => {
                Some(Part::Text(self.text.required(path, "text")?))
            }
            "refusal" => self.refusal.optional(path, "refusal")?.map(Part::Text),
            "image_url" | "input_image" => Some(self.into_picture(path)?),
            "file" | "input_file" => {
                let file = self.file.optional(path, "file")?.unwrap_or_else(|| {
                    Box::new(WireFile {
                        file_id: self.file_id,
                        file_data: self.file_data,
                        filename: self.filename,
                        format: Loose::Missing,
                    })
                });
                Some(file.into_part(self.is_cited, path)?)
            }
            // Anthropic's blocks.
            "document" | "image" => {
                let source = self.source.required(path, "source")?;
                let title = self.title.optional(path, "title")?;
                let path = format!("{path}.source");
                Some(source.into_part(kind, title, self.is_cited, &path)?)
            }
            "tool_reference" => match self.tool_name.given() {
                Some(name) => Some(tool_reference(&name)),
                None => return Ok(None),
            },
            // Unsigned thinking cannot be sent back: Bedrock verifies what it gets.
            "thinking" => signed(
                self.thinking.optional(path, "thinking")?,
                self.signature.optional(path, "signature")?,
            ),
            "redacted_thinking" => {
                let data = self.data.optional(path, "data")?;
                data.as_deref().and_then(redacted)
            }
            kind if is_sound_or_video(kind) => {
                let message = format!(
                    "'{path}.type' is '{kind}'; this gateway takes 'text', 'image_url' and 'file'."
                );
                return Err(ApiError::bad_request(message, format!("{path}.type")));
            }
            _ => return Ok(None),
        };
        Ok(Some(part.into_iter().collect()))
    }

    fn into_picture(self, path: &str) -> Result<Part, ApiError> {
        let param = format!("{path}.image_url");
        let image = self.image_url.required(path, "image_url")?;
        if let Some(bytes) = self.fetched {
            return media::picture(bytes, &param);
        }
        media::inline(&image.url.required(&param, "url")?, &param)
    }
}
