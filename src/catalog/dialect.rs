//! The languages in which Bedrock is asked.

/// A language in which Bedrock is asked for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Bedrock's own, for every model
    /// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).
    #[default]
    Converse,
    /// Claude's own, by InvokeModel: it has what Converse has no words for
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).
    Messages,
}

impl Dialect {
    /// A short, stable word for configurations, headers and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::Messages => "messages",
        }
    }
}
