//! Tokens, counted the way Bedrock bills them.

/// Tokens of one answer. The four kinds do not overlap: `input` excludes what was read from or written to the cache
/// (Bedrock's `inputTokens`; `totalTokens` is the sum of the four).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Prompt tokens that touched no cache.
    pub input: u64,
    /// Tokens of the answer, thinking included.
    pub output: u64,
    /// Prompt tokens read from the cache.
    pub cache_read: u64,
    /// Prompt tokens written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Prompt tokens written to the one-hour cache.
    pub cache_write_1h: u64,
    /// How many of `output` were thinking, where the provider says.
    pub reasoning: Option<u64>,
    /// Bedrock sent no usage: the figures are this program's estimate.
    pub estimated: bool,
}

impl Usage {
    /// Tokens written to either cache.
    pub fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }

    /// The whole prompt, cached or not: OpenAI's `prompt_tokens`.
    pub fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write())
    }

    /// Prompt and answer.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}
