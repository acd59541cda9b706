//! Message content: a string, a list of parts, or nothing.

use bytes::Bytes;
use serde::Deserialize;

use crate::conversation::Part;
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, WireSource, citations, media, redacted, signed,
};

use super::files::WireFile;

/// One content part.
#[derive(Debug, Deserialize)]
#[serde(from = "PartFields")]
pub(crate) enum WirePart {
    /// Text. It is by far the most frequent kind, and has a tenth of the size of all fields.
    Text(String, Option<CacheControl>),
    Other(Box<PartFields>),
}

/// The fields of a part of whatever kind.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a content part (an object)")]
pub(crate) struct PartFields {
    r#type: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<ImageUrl>,
    file: Option<Box<WireFile>>,
    file_id: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    source: Option<Box<WireSource>>,
    title: Option<String>,
    #[serde(default, rename = "citations", deserialize_with = "citations")]
    is_cited: bool,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    cache_control: Option<CacheControl>,
    /// What was found at a picture's address.
    #[serde(skip)]
    fetched: Option<Bytes>,
}

/// `{"url": …}` or the address itself.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected an address or an object with `url`")]
enum ImageUrl {
    Address(String),
    Object { url: String },
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

impl From<PartFields> for WirePart {
    fn from(mut fields: PartFields) -> Self {
        let kind = fields.r#type.as_deref();
        let is_text = matches!(kind, Some("text" | "input_text" | "output_text") | None);
        match fields.text.take() {
            Some(text) if is_text => Self::Text(text, fields.cache_control),
            text => Self::Other(Box::new(PartFields { text, ..fields })),
        }
    }
}

impl ContentPart for WirePart {
    fn cache_control(&self) -> Option<&CacheControl> {
        match self {
            Self::Text(_, control) => control.as_ref(),
            Self::Other(fields) => fields.cache_control.as_ref(),
        }
    }

    fn convert(self, path: &str) -> Result<Vec<Part>, ApiError> {
        Ok(match self {
            Self::Text(text, _) => vec![Part::Text(text)],
            Self::Other(fields) => fields.into_part(path)?.into_iter().collect(),
        })
    }
}

impl WirePart {
    /// The web address of the picture that this part is, until it was fetched.
    pub(crate) fn address(&self) -> Option<&str> {
        match self {
            Self::Text(..) => None,
            Self::Other(fields) => fields.address(),
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
    fn address(&self) -> Option<&str> {
        let (ImageUrl::Address(url) | ImageUrl::Object { url }) = self.image_url.as_ref()?;
        let scheme = url.split_once("://")?.0;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        (web && self.fetched.is_none()).then_some(url)
    }

    fn into_part(self, path: &str) -> Result<Option<Part>, ApiError> {
        let missing = |field: &str| {
            let param = format!("{path}.{field}");
            ApiError::bad_request(format!("Missing required parameter: '{param}'."), param)
        };
        match self.r#type.as_deref() {
            // With a text it is no longer here.
            Some("text" | "input_text" | "output_text") | None => Err(missing("text")),
            Some("refusal") => Ok(self.refusal.map(Part::Text)),
            Some("image_url" | "input_image") => match (self.image_url, self.fetched) {
                (Some(_), Some(bytes)) => {
                    media::picture(bytes, &format!("{path}.image_url")).map(Some)
                }
                (Some(ImageUrl::Address(url) | ImageUrl::Object { url }), None) => {
                    media::inline(&url, &format!("{path}.image_url")).map(Some)
                }
                (None, _) => Err(missing("image_url")),
            },
            Some("file" | "input_file") => {
                let file = self.file.unwrap_or_else(|| {
                    Box::new(WireFile {
                        file_id: self.file_id,
                        file_data: self.file_data,
                        filename: self.filename,
                        format: None,
                    })
                });
                file.into_part(self.is_cited, path).map(Some)
            }
            // Anthropic's blocks.
            Some(kind @ ("document" | "image")) => match self.source {
                Some(source) => source
                    .into_part(kind, self.title, self.is_cited, &format!("{path}.source"))
                    .map(Some),
                None => Err(missing("source")),
            },
            // Unsigned thinking cannot be sent back: Bedrock verifies what it gets.
            Some("thinking") => Ok(signed(self.thinking, self.signature)),
            Some("redacted_thinking") => Ok(self.data.as_deref().and_then(redacted)),
            Some(other) => {
                let message = format!(
                    "'{path}.type' is '{other}'; this gateway takes 'text', 'image_url' and 'file'."
                );
                Err(ApiError::bad_request(message, format!("{path}.type")))
            }
        }
    }
}
