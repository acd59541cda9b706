//! What Bedrock says, as its JSON has it
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
//!
//! Whatever can be missing may be, and what is not known yet is passed over.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStart {
    #[serde(default)]
    pub content_block_index: i32,
    pub start: Option<Start>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    pub tool_use: Option<ToolUseStart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseStart {
    #[serde(default)]
    pub tool_use_id: String,
    #[serde(default)]
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStop {
    #[serde(default)]
    pub content_block_index: i32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseDelta {
    #[serde(default)]
    pub content_block_index: i32,
    pub delta: Option<PieceDelta>,
}

/// One of these, or something new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PieceDelta {
    pub text: Option<String>,
    pub tool_use: Option<ToolUseDelta>,
    pub reasoning_content: Option<ReasoningDelta>,
    pub citation: Option<ConverseCitation>,
}

#[derive(Debug, Deserialize)]
pub struct ToolUseDelta {
    #[serde(default)]
    pub input: String,
}

/// One of these, or something new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningDelta {
    pub text: Option<String>,
    pub signature: Option<String>,
    #[serde(default, deserialize_with = "blob")]
    pub redacted_content: Option<Bytes>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStop {
    #[serde(default)]
    pub stop_reason: String,
    pub additional_model_response_fields: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamMetadata {
    pub usage: Option<TokenUsage>,
    /// These two are read with care: a form that is not known yet must not cost the usage beside it.
    pub service_tier: Option<Value>,
    pub performance_config: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    pub input_tokens: Option<i32>,
    pub output_tokens: Option<i32>,
    pub cache_read_input_tokens: Option<i32>,
    pub cache_write_input_tokens: Option<i32>,
    pub cache_details: Option<Vec<CacheDetail>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheDetail {
    pub input_tokens: Option<i32>,
    pub ttl: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseCitation {
    pub title: Option<String>,
    pub source: Option<String>,
    pub source_content: Option<Vec<Quote>>,
    pub location: Option<Location>,
}

#[derive(Debug, Deserialize)]
pub struct Quote {
    pub text: Option<String>,
}

/// One of these, or something new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub web: Option<WebLocation>,
    pub document_char: Option<LocationSpan>,
    pub document_page: Option<LocationSpan>,
    pub document_chunk: Option<LocationSpan>,
}

#[derive(Debug, Deserialize)]
pub struct WebLocation {
    pub url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationSpan {
    pub document_index: Option<i32>,
    pub start: Option<i32>,
    pub end: Option<i32>,
}

/// A whole answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseReply<'a> {
    #[serde(borrow)]
    pub output: Option<Output<'a>>,
    #[serde(default)]
    pub stop_reason: String,
    pub additional_model_response_fields: Option<Value>,
    pub usage: Option<TokenUsage>,
    pub service_tier: Option<Value>,
    pub performance_config: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub struct Output<'a> {
    #[serde(borrow)]
    pub message: Option<ConverseReplyMessage<'a>>,
}

#[derive(Debug, Deserialize)]
pub struct ConverseReplyMessage<'a> {
    #[serde(borrow)]
    pub content: Option<Vec<ConverseBlock<'a>>>,
}

/// One of these, or something new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseBlock<'a> {
    pub text: Option<String>,
    pub citations_content: Option<CitationsContent>,
    pub reasoning_content: Option<ReplyReasoning>,
    #[serde(borrow)]
    pub tool_use: Option<ConverseToolUse<'a>>,
}

#[derive(Debug, Deserialize)]
pub struct CitationsContent {
    pub content: Option<Vec<Quote>>,
    pub citations: Option<Vec<ConverseCitation>>,
}

/// One of these, or something new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyReasoning {
    pub reasoning_text: Option<ReasoningText>,
    #[serde(default, deserialize_with = "blob")]
    pub redacted_content: Option<Bytes>,
}

#[derive(Debug, Deserialize)]
pub struct ReasoningText {
    #[serde(default)]
    pub text: String,
    pub signature: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseToolUse<'a> {
    #[serde(default)]
    pub tool_use_id: String,
    #[serde(default)]
    pub name: String,
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
}

/// Bytes as JSON has them.
fn blob<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Bytes>, D::Error> {
    let text = Option::<String>::deserialize(json)?;
    let bytes = text.map(|text| BASE64_STANDARD.decode(text).map(Bytes::from));
    bytes.transpose().map_err(de::Error::custom)
}
