//! Content blocks as Converse reads them
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::conversation::{
    CacheTtl, Document, Image, ImageFormat, Part, ThinkingBlock, ToolCall, ToolResult,
};

/// Content blocks, written without a list of them in between.
pub(super) struct Blocks<'a>(pub(super) &'a [Part]);

impl Blocks<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Blocks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ContentBlock))
    }
}

/// Content blocks with every text inside `guardContent`.
pub(super) struct GuardedBlocks<'a>(pub(super) &'a [Part]);

impl Serialize for GuardedBlocks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|part| match part {
            Part::Text(text) => Guarded::Guard {
                guard_content: GuardContent {
                    text: GuardText { text },
                },
            },
            other => Guarded::Plain(ContentBlock(other)),
        }))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Guarded<'a> {
    #[serde(rename_all = "camelCase")]
    Guard {
        guard_content: GuardContent<'a>,
    },
    Plain(ContentBlock<'a>),
}

#[derive(Serialize)]
struct GuardContent<'a> {
    text: GuardText<'a>,
}

#[derive(Serialize)]
struct GuardText<'a> {
    text: &'a str,
}

/// A content block: an object with one key that names its kind.
struct ContentBlock<'a>(&'a Part);

impl Serialize for ContentBlock<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.0 {
            Part::Text(text) => map.serialize_entry("text", text)?,
            Part::Image(image) => map.serialize_entry("image", &ImageBlock::from(image))?,
            Part::Document(document) => {
                map.serialize_entry("document", &DocumentBlock::from(document))?
            }
            Part::ToolCall(call) => map.serialize_entry("toolUse", &ToolUse::from(call))?,
            Part::ToolResult(result) => {
                map.serialize_entry("toolResult", &ToolResultBlock::from(result))?
            }
            Part::Thinking(block) => {
                map.serialize_entry("reasoningContent", &ReasoningContent::from(block))?
            }
            // The plan for this dialect has put something else in its place.
            Part::Native(_) => map.serialize_entry("text", "[a block stood here]")?,
            Part::CacheMark(ttl) => map.serialize_entry("cachePoint", &CachePoint::from(*ttl))?,
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ImageBlock<'a> {
    format: &'static str,
    source: MediaSource<'a>,
}

#[derive(Serialize)]
struct MediaSource<'a> {
    #[serde(serialize_with = "base64")]
    bytes: &'a Bytes,
}

impl<'a> From<&'a Image> for ImageBlock<'a> {
    fn from(image: &'a Image) -> Self {
        let format = match image.format {
            ImageFormat::Png => "png",
            ImageFormat::Jpeg => "jpeg",
            ImageFormat::Gif => "gif",
            ImageFormat::Webp => "webp",
        };
        Self {
            format,
            source: MediaSource {
                bytes: &image.bytes,
            },
        }
    }
}

#[derive(Serialize)]
struct DocumentBlock<'a> {
    format: &'static str,
    name: &'a str,
    source: MediaSource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<CitationsConfig>,
}

#[derive(Serialize)]
struct CitationsConfig {
    enabled: bool,
}

impl<'a> From<&'a Document> for DocumentBlock<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            format: document.format.as_str(),
            name: &document.name,
            source: MediaSource {
                bytes: &document.bytes,
            },
            citations: document
                .citations
                .then_some(CitationsConfig { enabled: true }),
        }
    }
}

fn base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: &'a str,
    name: &'a str,
    input: &'a Value,
}

impl<'a> From<&'a ToolCall> for ToolUse<'a> {
    fn from(call: &'a ToolCall) -> Self {
        Self {
            tool_use_id: &call.id,
            name: &call.name,
            input: &call.input,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResultBlock<'a> {
    tool_use_id: &'a str,
    content: Blocks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl<'a> From<&'a ToolResult> for ToolResultBlock<'a> {
    fn from(result: &'a ToolResult) -> Self {
        Self {
            tool_use_id: &result.id,
            content: Blocks(&result.content),
            status: result.is_error.then_some("error"),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ReasoningContent<'a> {
    ReasoningText {
        text: &'a str,
        signature: &'a str,
    },
    #[serde(serialize_with = "base64")]
    RedactedContent(&'a Bytes),
}

impl<'a> From<&'a ThinkingBlock> for ReasoningContent<'a> {
    fn from(block: &'a ThinkingBlock) -> Self {
        match block {
            ThinkingBlock::Signed { text, signature } => Self::ReasoningText { text, signature },
            ThinkingBlock::Redacted(data) => Self::RedactedContent(data),
        }
    }
}

#[derive(Serialize)]
pub(super) struct CachePoint {
    r#type: &'static str,
    /// Left out for five minutes, the default: some models know no `ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheTtl> for CachePoint {
    fn from(ttl: CacheTtl) -> Self {
        Self {
            r#type: "default",
            ttl: (ttl == CacheTtl::OneHour).then_some("1h"),
        }
    }
}
