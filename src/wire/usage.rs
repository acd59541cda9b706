//! What the usage of every wire says alike.

use serde::Serialize;

use crate::conversation::Usage;

/// Tokens written to the cache, by how long they are kept there: an hour costs more than five minutes.
#[derive(Debug, Serialize)]
pub(crate) struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl CacheCreation {
    /// `None`: nothing was written.
    pub(crate) fn some(usage: &Usage) -> Option<Self> {
        (usage.cache_write() > 0).then(|| Self::from(usage))
    }
}

impl From<&Usage> for CacheCreation {
    fn from(usage: &Usage) -> Self {
        Self {
            ephemeral_5m_input_tokens: usage.cache_write_5m,
            ephemeral_1h_input_tokens: usage.cache_write_1h,
        }
    }
}
