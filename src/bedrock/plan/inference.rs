//! Length, randomness and stop sequences, within what the target takes.

use serde_json::{Map, Value, json};

use crate::catalog::{Family, Model};
use crate::config::Defaults;
use crate::conversation::{Request, Sampling};

use super::UnsupportedFeatures;
use super::thinking::ThinkingPlan;

/// The answer's length when the client sets none. Bedrock reserves quota for `maxTokens`, so the model's limit would
/// be a poor default.
pub const DEFAULT_MAX_TOKENS: u32 = 16_384;

/// Below this the window is taken for full: Bedrock's own error says so better than a clamped answer.
pub const LEAST_LEFT: u32 = 1_024;

/// Converse's `inferenceConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// Upper bound of the answer in tokens, thinking included.
    pub max_tokens: u32,
    /// Randomness, 0 to 1.
    pub temperature: Option<f32>,
    /// Nucleus sampling, 0 to 1.
    pub top_p: Option<f32>,
    /// Strings that end the answer, none of them empty.
    pub stop: Vec<String>,
}

/// The prompt's length in tokens, judged at four bytes each.
pub(super) fn prompt_estimate(request: &Request) -> u32 {
    u32::try_from(request.estimated_prompt_tokens()).unwrap_or(u32::MAX)
}

/// What the client says, else what the deployment's configuration does.
pub(super) fn with_defaults(sampling: &Sampling, defaults: &Defaults) -> Sampling {
    Sampling {
        max_tokens: sampling.max_tokens.or(defaults.max_tokens),
        temperature: sampling.temperature.or(defaults.temperature),
        top_p: sampling.top_p.or(defaults.top_p),
        top_k: sampling.top_k.or(defaults.top_k),
        stop: if sampling.stop.is_empty() {
            defaults.stop.clone()
        } else {
            sampling.stop.clone()
        },
    }
}

/// Without what the target refused.
pub(super) fn without_unsupported(
    sampling: Sampling,
    unsupported: UnsupportedFeatures,
) -> Sampling {
    Sampling {
        temperature: sampling.temperature.filter(|_| !unsupported.temperature),
        top_p: sampling.top_p.filter(|_| !unsupported.top_p),
        top_k: sampling.top_k.filter(|_| !unsupported.top_k),
        ..sampling
    }
}

/// The longest answer that the model and what is left of its window allow.
pub(super) fn ceiling(model: &Model, prompt: u32) -> u32 {
    let left = model
        .limits
        .input
        .map(|window| window.saturating_sub(prompt))
        .filter(|left| *left >= LEAST_LEFT);
    let output = model.limits.output.unwrap_or(u32::MAX);
    output.min(left.unwrap_or(u32::MAX))
}

/// `ceiling` is the longest answer that is possible, the same that the thinking was planned by.
pub(super) fn plan(
    sampling: &Sampling,
    model: &Model,
    thinking_plan: &ThinkingPlan,
    ceiling: u32,
) -> Inference {
    let wanted = match (sampling.max_tokens, thinking_plan.budget) {
        (None, budget) => DEFAULT_MAX_TOKENS.saturating_add(budget),
        // The budget must be smaller than `maxTokens`, and the client's number is what it expects to read.
        (Some(max), budget) if max <= budget => max.saturating_add(budget),
        (Some(max), _) => max,
    };
    let free = model.abilities.sampling && !thinking_plan.on;
    let temperature = sampling
        .temperature
        .filter(|_| free)
        .map(|value| value.clamp(0.0, 1.0));
    // Claude from 4.1 on refuses `temperature` and `top_p` together; OpenAI's advice is to use one of them.
    let top_p = sampling
        .top_p
        .filter(|_| free && !(model.family == Family::Claude && temperature.is_some()));
    Inference {
        max_tokens: wanted
            .min(ceiling)
            .max(model.limits.least_output.unwrap_or(1)),
        temperature,
        top_p: top_p.map(|value| value.clamp(0.0, 1.0)),
        stop: sampling
            .stop
            .iter()
            .filter(|stop| model.abilities.stop_sequences && !stop.is_empty())
            // "each stop sequence must contain non-whitespace"
            .filter(|stop| model.family != Family::Claude || !stop.trim().is_empty())
            .cloned()
            .collect(),
    }
}

/// Sampling that Converse has no field for.
pub(super) fn model_fields(
    sampling: &Sampling,
    model: &Model,
    thinking_plan: &ThinkingPlan,
    fields: &mut Map<String, Value>,
) {
    let Some(top_k) = sampling
        .top_k
        .filter(|_| model.abilities.sampling && !thinking_plan.on)
    else {
        return;
    };
    match model.family {
        Family::Claude => {
            fields.insert("top_k".into(), json!(top_k));
        }
        Family::Nova => {
            fields.insert("inferenceConfig".into(), json!({"topK": top_k}));
        }
        _ => {}
    }
}
