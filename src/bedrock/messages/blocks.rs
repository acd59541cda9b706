//! Content blocks in Claude's own format (<https://platform.claude.com/docs/en/api/messages>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::conversation::{
    CacheTtl, Document, DocumentFormat, Image, ImageFormat, Part, ThinkingBlock,
};

/// Content blocks, each with the mark that stands behind it.
pub(super) struct MessagesBlocks<'a>(pub(super) &'a [Part]);

impl Serialize for MessagesBlocks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = self.0.iter().enumerate();
        let parts = parts.filter(|(_, part)| !matches!(part, Part::CacheMark(_)));
        serializer.collect_seq(parts.map(|(at, part)| MarkedBlock {
            part,
            mark: match self.0.get(at + 1) {
                Some(Part::CacheMark(ttl)) => Some(*ttl),
                _ => None,
            },
        }))
    }
}

#[derive(Serialize)]
pub(super) struct CacheMark {
    r#type: &'static str,
    /// Left out for five minutes, the default: some models know no `ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheTtl> for CacheMark {
    fn from(ttl: CacheTtl) -> Self {
        Self {
            r#type: "ephemeral",
            ttl: (ttl == CacheTtl::OneHour).then_some("1h"),
        }
    }
}

struct MarkedBlock<'a> {
    part: &'a Part,
    mark: Option<CacheTtl>,
}

impl Serialize for MarkedBlock<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write(self.part, &mut map)?;
        if let Some(ttl) = self.mark {
            map.serialize_entry("cache_control", &CacheMark::from(ttl))?;
        }
        map.end()
    }
}

fn write<M: SerializeMap>(part: &Part, map: &mut M) -> Result<(), M::Error> {
    match part {
        Part::Text(text) => {
            map.serialize_entry("type", "text")?;
            map.serialize_entry("text", text)?;
        }
        Part::Image(image) => {
            map.serialize_entry("type", "image")?;
            map.serialize_entry("source", &picture(image))?;
        }
        Part::Document(document) => {
            map.serialize_entry("type", "document")?;
            map.serialize_entry("source", &file(document))?;
            if !document.name.is_empty() {
                map.serialize_entry("title", &document.name)?;
            }
            if document.citations {
                map.serialize_entry("citations", &json!({"enabled": true}))?;
            }
        }
        Part::ToolCall(call) => {
            map.serialize_entry("type", "tool_use")?;
            map.serialize_entry("id", &call.id)?;
            map.serialize_entry("name", &call.name)?;
            map.serialize_entry("input", &call.input)?;
            for (name, value) in call.native.iter().flat_map(|fields| fields.iter()) {
                map.serialize_entry(name, value)?;
            }
        }
        Part::ToolResult(result) => {
            map.serialize_entry("type", "tool_result")?;
            map.serialize_entry("tool_use_id", &result.id)?;
            map.serialize_entry("content", &MessagesBlocks(&result.content))?;
            if result.is_error {
                map.serialize_entry("is_error", &true)?;
            }
            for (name, value) in result.native.iter().flat_map(|fields| fields.iter()) {
                map.serialize_entry(name, value)?;
            }
        }
        Part::Thinking(ThinkingBlock::Signed { text, signature }) => {
            map.serialize_entry("type", "thinking")?;
            map.serialize_entry("thinking", text)?;
            map.serialize_entry("signature", signature)?;
        }
        Part::Thinking(ThinkingBlock::Redacted(data)) => {
            map.serialize_entry("type", "redacted_thinking")?;
            map.serialize_entry("data", &STANDARD.encode(data))?;
        }
        Part::Native(block) => {
            if let Some(part) = &block.part {
                write(part, map)?;
            }
            for (name, value) in &block.fields {
                map.serialize_entry(name, value)?;
            }
        }
        // It stands in the block before it.
        Part::CacheMark(_) => {}
    }
    Ok(())
}

fn picture(image: &Image) -> Value {
    let media_type = match image.format {
        ImageFormat::Png => "image/png",
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Gif => "image/gif",
        ImageFormat::Webp => "image/webp",
    };
    json!({"type": "base64", "media_type": media_type, "data": STANDARD.encode(&image.bytes)})
}

/// Claude's own format has PDFs and plain text. Office files are asked for by Converse: see `plan/dialect.rs`.
fn file(document: &Document) -> Value {
    match (document.format, document.text()) {
        (DocumentFormat::Pdf, _) | (_, None) => json!({
            "type": "base64",
            "media_type": "application/pdf",
            "data": STANDARD.encode(&document.bytes),
        }),
        (_, Some(text)) => json!({"type": "text", "media_type": "text/plain", "data": text}),
    }
}
