//! `source` of blocks that are pictures, documents or search results.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Value, json};

use crate::conversation::{Document, DocumentFormat, Part};
use crate::wire::loose::{Form, object};
use crate::wire::{ApiError, Content, DroppedFields, Loose, LooseContent, WireSource, media};

use super::content::{WireBlock, kind_of, refuse};
use super::inner::spoken;

/// The source of a picture or document, or the bare address of a search result.
#[derive(Debug)]
pub(super) enum WireSourceKind {
    Address(String),
    Fields(SourceFields),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SourceFields {
    r#type: Loose<String>,
    media_type: Loose<String>,
    data: Loose<String>,
    url: Loose<String>,
    content: Loose<LooseContent<WireBlock>>,
}

impl Form for Box<WireSourceKind> {
    const EXPECTED: &'static str = "a source (an object)";

    fn of_text(address: String) -> Option<Self> {
        Some(Box::new(WireSourceKind::Address(address)))
    }

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let fields: Option<SourceFields> = object(fields)?;
        Ok(fields.map(|fields| Box::new(WireSourceKind::Fields(fields))))
    }
}

impl WireSourceKind {
    /// The web address that it names.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Fields(source) => source.url.as_given().map(String::as_str),
            Self::Address(_) => None,
        }
    }

    /// The chunks of a document that is made of them, as far as they are text; `None`: it is of another kind.
    pub(super) fn chunks(&self) -> Option<Vec<Value>> {
        let Self::Fields(source) = self else {
            return None;
        };
        let content = source.content.as_given().filter(|_| source.is("content"))?;
        let LooseContent::Parts(content) = content else {
            return None;
        };
        match content {
            Content::Text(text) => Some(vec![json!({"type": "text", "text": text})]),
            Content::Parts(blocks) => blocks
                .iter()
                .map(|block| Some(json!({"type": "text", "text": block.text()?})))
                .collect(),
            Content::Empty => None,
        }
    }

    /// Whether it is of an unknown kind, or holds something of one.
    pub(super) fn is_unknown(&self) -> bool {
        const KNOWN: [&str; 5] = ["base64", "text", "content", "url", "file"];
        let Self::Fields(source) = self else {
            return false;
        };
        let media_type = source.media_type.as_given();
        let is_odd = media_type.is_some_and(|named| !named.is_empty() && !media::is_read(named));
        let form = source.r#type.as_given();
        form.is_some_and(|form| !KNOWN.contains(&form.as_str())) || source.is("base64") && is_odd
    }

    /// The picture in the source of the block at `path`.
    pub(super) fn into_image(self, path: &str) -> Result<Part, ApiError> {
        let source = self.into_fields(path)?.inline();
        source.into_part("image", None, false, &format!("{path}.source"))
    }

    /// The document in the source of the block at `path`.
    pub(super) fn into_document(
        self,
        title: Option<String>,
        citations: bool,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<Part, ApiError> {
        let source = self.into_fields(path)?;
        let path_of_source = format!("{path}.source");
        if source.is("content") {
            let text = text_of(source.content, &path_of_source, dropped)?;
            return Ok(Part::Document(Document {
                format: DocumentFormat::Txt,
                name: title.unwrap_or_default(),
                bytes: Bytes::from(text),
                citations,
            }));
        }
        if source.url.as_given().is_some() {
            let what =
                "is 'url'; this gateway fetches no documents: send it as 'base64' or 'text'.";
            return refuse(path, "source.type", what);
        }
        let source = source.inline();
        source.into_part("document", title, citations, &path_of_source)
    }

    fn into_fields(self, path: &str) -> Result<SourceFields, ApiError> {
        match self {
            Self::Fields(source) => Ok(source),
            Self::Address(_) => refuse(path, "source", "must be an object."),
        }
    }
}

impl SourceFields {
    fn is(&self, form: &str) -> bool {
        self.r#type
            .as_given()
            .is_some_and(|written| written == form)
    }

    fn inline(self) -> WireSource {
        WireSource {
            r#type: self.r#type,
            media_type: self.media_type,
            data: self.data,
        }
    }
}

/// The texts in `content` of what stands at `path`, a line each.
pub(super) fn text_of(
    content: Loose<LooseContent<WireBlock>>,
    path: &str,
    dropped: &mut DroppedFields,
) -> Result<String, ApiError> {
    let content = dropped.field(content, path, "content")?;
    let content = content.unwrap_or_default().into_content();
    let parts = content.into_parts(&format!("{path}.content"), dropped)?;
    let texts = parts
        .into_iter()
        .flat_map(spoken)
        .filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::CacheMark(_) => None,
            other => match dropped.note(kind_of(&other)) {
                Part::Text(note) => Some(note),
                _ => None,
            },
        });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}
