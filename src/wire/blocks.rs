//! Pieces of Anthropic's form that clients write on every wire: cache marks, thinking, pictures and documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::conversation::{CacheTtl, Document, DocumentFormat, Part, ThinkingBlock};

use super::loose::{Form, object};
use super::{ApiError, DroppedFields, Loose, media};

/// `{"type": "ephemeral", "ttl": "1h"}`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"ephemeral\"}")]
pub(crate) struct CacheControl {
    #[serde(default)]
    ttl: Loose<String>,
}

impl CacheControl {
    /// The mark that the client set.
    pub(crate) fn ttl(&self) -> CacheTtl {
        match self.ttl.as_given().map(String::as_str) {
            Some("1h") => CacheTtl::OneHour,
            _ => CacheTtl::FiveMinutes,
        }
    }

    /// Names a lifetime that Bedrock does not have. `path` is the mark's.
    pub(crate) fn name_unknown(&self, path: &str, dropped: &mut DroppedFields) {
        let is_known = match &self.ttl {
            Loose::Missing => true,
            Loose::Given(ttl) => matches!(ttl.as_str(), "5m" | "1h"),
            Loose::Other(_) => false,
        };
        if !is_known {
            dropped.add(&format!("{path}.ttl"));
        }
    }
}

/// `citations`: `{"enabled": true}` on a document. On replayed text it is a list of what was cited, which says nothing
/// here.
pub(crate) fn citations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let written = Value::deserialize(deserializer)?;
    Ok(written
        .get("enabled")
        .is_some_and(|enabled| enabled == true))
}

/// A signed block, if it is one.
pub(crate) fn signed(text: Option<String>, signature: Option<String>) -> Option<Part> {
    let signature = signature.filter(|signature| !signature.is_empty())?;
    Some(Part::Thinking(ThinkingBlock::Signed {
        text: text.unwrap_or_default(),
        signature,
    }))
}

/// An encrypted block, if it can be read.
pub(crate) fn redacted(data: &str) -> Option<Part> {
    let data = STANDARD.decode(data).ok()?;
    Some(Part::Thinking(ThinkingBlock::Redacted(data.into())))
}

/// `source` of Anthropic's blocks.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "a source (an object)")]
pub(crate) struct WireSource {
    pub(crate) r#type: Loose<String>,
    pub(crate) media_type: Loose<String>,
    pub(crate) data: Loose<String>,
}

impl Form for Box<WireSource> {
    const EXPECTED: &'static str = "a source (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let source: Option<WireSource> = object(fields)?;
        Ok(source.map(Box::new))
    }
}

impl WireSource {
    /// The document or picture that the source holds. `param` names it in errors.
    pub(crate) fn into_part(
        self,
        kind: &str,
        title: Option<String>,
        citations: bool,
        param: &str,
    ) -> Result<Part, ApiError> {
        let data = self.data.optional(param, "data")?.unwrap_or_default();
        let form = self.r#type.optional(param, "type")?;
        let mut part = match (form.as_deref(), kind) {
            (Some("base64"), _) => {
                let media_type = self.media_type.optional(param, "media_type")?;
                let media_type = media_type.unwrap_or_default();
                media::inline(&format!("data:{media_type};base64,{data}"), param)?
            }
            (Some("text"), "document") => Part::Document(Document {
                format: DocumentFormat::Txt,
                name: String::new(),
                bytes: Bytes::from(data),
                citations: false,
            }),
            (other, _) => {
                let found = other.unwrap_or("missing");
                let param = format!("{param}.type");
                let message = format!(
                    "'{param}' is '{found}'; it must be 'base64', or 'text' in a document."
                );
                return Err(ApiError::bad_request(message, param));
            }
        };
        if let Part::Document(document) = &mut part {
            document.name = title.unwrap_or_default();
            document.citations = citations;
        }
        Ok(part)
    }
}
