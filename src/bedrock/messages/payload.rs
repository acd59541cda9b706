//! The JSON of a stream's frames and of the events in them
//! (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A frame's payload. What else stands in it is padding.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    /// The event's JSON in base64. As bytes: what is no base64 is found while it is decoded.
    #[serde(borrow)]
    pub(super) bytes: Cow<'a, [u8]>,
}

/// By far the most frequent event, as far as nothing else stands in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockDelta {
    #[serde(rename = "type")]
    pub(super) _type: DeltaEvent,
    #[serde(rename = "index")]
    pub(super) _index: usize,
    pub(super) delta: KnownDelta,
}

#[derive(Debug, Deserialize)]
pub(super) enum DeltaEvent {
    #[serde(rename = "content_block_delta")]
    ContentBlockDelta,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "DeltaFields")]
pub(super) enum KnownDelta {
    Text { text: String },
    Thinking { thinking: String },
    Signature { signature: String },
    InputJson { partial_json: String },
}

/// A delta as it is written. It is no enum with a tag: serde would copy each field before it knows the type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeltaFields {
    r#type: DeltaKind,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
}

#[derive(Debug, Deserialize)]
enum DeltaKind {
    #[serde(rename = "text_delta")]
    Text,
    #[serde(rename = "thinking_delta")]
    Thinking,
    #[serde(rename = "signature_delta")]
    Signature,
    #[serde(rename = "input_json_delta")]
    InputJson,
}

impl TryFrom<DeltaFields> for KnownDelta {
    type Error = &'static str;

    fn try_from(fields: DeltaFields) -> Result<Self, Self::Error> {
        let DeltaFields {
            r#type,
            text,
            thinking,
            signature,
            partial_json,
        } = fields;
        match (r#type, text, thinking, signature, partial_json) {
            (DeltaKind::Text, Some(text), None, None, None) => Ok(Self::Text { text }),
            (DeltaKind::Thinking, None, Some(thinking), None, None) => {
                Ok(Self::Thinking { thinking })
            }
            (DeltaKind::Signature, None, None, Some(signature), None) => {
                Ok(Self::Signature { signature })
            }
            (DeltaKind::InputJson, None, None, None, Some(partial_json)) => {
                Ok(Self::InputJson { partial_json })
            }
            _ => Err("a delta has the field of its type, and no other"),
        }
    }
}

impl KnownDelta {
    pub(super) fn into_fields(self) -> Map<String, Value> {
        let (kind, name, text) = match self {
            Self::Text { text } => ("text_delta", "text", text),
            Self::Thinking { thinking } => ("thinking_delta", "thinking", thinking),
            Self::Signature { signature } => ("signature_delta", "signature", signature),
            Self::InputJson { partial_json } => ("input_json_delta", "partial_json", partial_json),
        };
        let mut fields = Map::new();
        fields.insert("type".to_owned(), kind.into());
        fields.insert(name.to_owned(), text.into());
        fields
    }
}

/// An error in the place of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventError {
    pub(super) r#type: String,
    pub(super) message: String,
}

/// The fields that are none of these.
pub(super) fn without(mut fields: Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    fields.retain(|name, value| !known.contains(&name.as_str()) && !value.is_null());
    fields
}
