//! What a request asks beside the conversation: the answer's form, and the service around the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// What the answer must look like.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AnswerFormat {
    /// As the model likes.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// JSON that matches a schema.
    Schema(AnswerSchema),
}

/// The schema of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerSchema {
    /// The client's name for it.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// JSON Schema.
    pub schema: Arc<Value>,
}

/// What is asked of the service around the model. `None` leaves it to the deployment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service {
    /// Bedrock's `guardrailConfig`, as written.
    pub guardrail: Option<Value>,
    /// `standard` or `optimized`.
    pub latency: Option<String>,
    /// `default`, `flex`, `priority` or `reserved`.
    pub tier: Option<String>,
    /// Tags for Bedrock's invocation log, as the client gave them and in its order.
    pub metadata: Vec<(String, String)>,
    /// The gateway's own tags for it, which go before the client's.
    pub own_metadata: BTreeMap<String, String>,
}
