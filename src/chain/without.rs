//! What targets turned out to lack, learned from their refusals and remembered for the life of the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::bedrock::Feature;
use crate::bedrock::plan::Without;

/// Facts about deployments that the catalog did not know.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<HashMap<String, Without>>);

impl Learned {
    /// What is known of this deployment.
    pub(super) fn of(&self, deployment: &str) -> Without {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(deployment)
            .copied()
            .unwrap_or_default()
    }

    /// Remembers a refusal, where it speaks of the target and not of this one conversation.
    pub(super) fn remember(&self, deployment: &str, feature: Feature) {
        if !matches!(feature, Feature::Thinking) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            add(known.entry(deployment.to_owned()).or_default(), feature);
        }
    }
}

/// Adds a feature to what is left out.
pub(super) fn add(without: &mut Without, feature: Feature) {
    match feature {
        // The replayed blocks are the usual reason; refused without them as well, it is thinking itself.
        Feature::Thinking if !without.thinking_blocks => without.thinking_blocks = true,
        Feature::Thinking => without.thinking = true,
        Feature::Caching => without.caching = true,
        Feature::ToolsWhileStreaming => without.tools_while_streaming = true,
        Feature::Prefill => without.prefill = true,
        Feature::Sampling => without.sampling = true,
        Feature::StopSequences => without.stop_sequences = true,
        Feature::ForcedToolChoice => without.forced_tool_choice = true,
        Feature::JsonSchema => without.json_schema = true,
        Feature::Betas => without.betas = true,
    }
}
