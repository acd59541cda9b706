//! What Claude's events and Bedrock's own metrics say of an answer's usage, and its sum.

use serde::Deserialize;

use crate::conversation::Usage;

/// `usage` of an event, as far as the gateway counts it. Each field may come in one event and not in the next.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventUsage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<CacheWrites>,
    output_tokens_details: Option<OutputDetails>,
    /// What was read and written in several steps. The fields beside it count the last one alone.
    pub(super) iterations: Option<Vec<EventUsage>>,
    pub(super) service_tier: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct CacheWrites {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

/// What Bedrock itself counted, in the last event of older models.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct InvocationMetrics {
    pub(super) input_token_count: Option<u64>,
    pub(super) output_token_count: Option<u64>,
    pub(super) cache_read_input_token_count: Option<u64>,
    pub(super) cache_write_input_token_count: Option<u64>,
}

impl EventUsage {
    pub(super) fn merge(&mut self, later: Self) {
        fn take<T>(field: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *field = later;
            }
        }
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        take(
            &mut self.cache_read_input_tokens,
            later.cache_read_input_tokens,
        );
        take(
            &mut self.cache_creation_input_tokens,
            later.cache_creation_input_tokens,
        );
        take(&mut self.cache_creation, later.cache_creation);
        take(&mut self.output_tokens_details, later.output_tokens_details);
        take(&mut self.iterations, later.iterations);
    }

    /// Fills what no event said with what Bedrock counted.
    pub(super) fn or_metrics(&mut self, metrics: &InvocationMetrics) {
        self.input_tokens = self.input_tokens.or(metrics.input_token_count);
        self.output_tokens = self.output_tokens.or(metrics.output_token_count);
        self.cache_read_input_tokens = self
            .cache_read_input_tokens
            .or(metrics.cache_read_input_token_count);
        self.cache_creation_input_tokens = self
            .cache_creation_input_tokens
            .or(metrics.cache_write_input_token_count);
    }

    /// `None`: nothing was counted.
    pub(super) fn tokens(&self) -> Option<Usage> {
        let steps = match &self.iterations {
            Some(steps) if !steps.is_empty() => steps.as_slice(),
            _ if self.input_tokens.is_none() && self.output_tokens.is_none() => return None,
            _ => std::slice::from_ref(self),
        };
        let mut total = Usage {
            reasoning: self.thinking_tokens(),
            ..Usage::default()
        };
        for step in steps {
            let written = step.cache_creation_input_tokens.unwrap_or(0);
            let split = step.cache_creation.clone().unwrap_or_default();
            let one_hour = split.ephemeral_1h_input_tokens;
            let written = written.max(split.ephemeral_5m_input_tokens + one_hour);
            total.input += step.input_tokens.unwrap_or(0);
            total.output += step.output_tokens.unwrap_or(0);
            total.cache_read += step.cache_read_input_tokens.unwrap_or(0);
            total.cache_write_5m += written - one_hour;
            total.cache_write_1h += one_hour;
        }
        Some(total)
    }

    pub(super) fn counts_answer(&self) -> bool {
        self.output_tokens.is_some() || self.iterations.is_some()
    }

    fn thinking_tokens(&self) -> Option<u64> {
        self.output_tokens_details.as_ref()?.thinking_tokens
    }
}
