//! Message content: a string, a list of parts, or nothing.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::conversation::Part;
use crate::wire::{
    ApiError, CacheControl, Content, ContentPart, WireSource, media, redacted, signed,
};

use super::files::WireFile;

/// One content part, of whatever kind.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a content part (an object)")]
pub(crate) struct WirePart {
    r#type: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<ImageUrl>,
    file: Option<WireFile>,
    file_id: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    source: Option<WireSource>,
    title: Option<String>,
    /// `{"enabled": true}` on a document; on replayed text a list of what was cited.
    citations: Option<Value>,
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

impl ContentPart for WirePart {
    fn cache_control(&self) -> Option<&CacheControl> {
        self.cache_control.as_ref()
    }

    fn convert(self, path: &str) -> Result<Vec<Part>, ApiError> {
        Ok(self.into_part(path)?.into_iter().collect())
    }
}

impl WirePart {
    /// The web address of the picture that this part is, until it was fetched.
    pub(crate) fn address(&self) -> Option<&str> {
        let (ImageUrl::Address(url) | ImageUrl::Object { url }) = self.image_url.as_ref()?;
        let scheme = url.split_once("://")?.0;
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        (web && self.fetched.is_none()).then_some(url)
    }

    /// Puts what was found at the address.
    pub(crate) fn put(&mut self, picture: Bytes) {
        self.fetched = Some(picture);
    }

    fn into_part(self, path: &str) -> Result<Option<Part>, ApiError> {
        let missing = |field: &str| {
            let param = format!("{path}.{field}");
            ApiError::bad_request(format!("Missing required parameter: '{param}'."), param)
        };
        let citations = self
            .citations
            .as_ref()
            .and_then(|value| value.get("enabled"));
        let cited = citations.is_some_and(|enabled| enabled == true);
        match self.r#type.as_deref() {
            Some("text" | "input_text" | "output_text") | None => self
                .text
                .map(|text| Some(Part::Text(text)))
                .ok_or_else(|| missing("text")),
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
                let file = self.file.unwrap_or(WireFile {
                    file_id: self.file_id,
                    file_data: self.file_data,
                    filename: self.filename,
                    format: None,
                });
                file.into_part(cited, path).map(Some)
            }
            // Anthropic's blocks.
            Some(kind @ ("document" | "image")) => match self.source {
                Some(source) => source
                    .into_part(kind, self.title, cited, &format!("{path}.source"))
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
