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
    /// What putting documents in order is billed by: one for up to 100 of them, and no tokens.
    pub search_units: u64,
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

    /// Whether there is nothing in it to be billed.
    pub fn is_nothing(&self) -> bool {
        self.total() == 0 && self.search_units == 0
    }

    /// Both together; estimated if one is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let reasoning = match (self.reasoning, other.reasoning) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            search_units: self.search_units.saturating_add(other.search_units),
            reasoning,
            estimated: self.estimated || other.estimated,
        }
    }

    /// Prompt and answer.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}
