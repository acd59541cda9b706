//! The options of the service around the model: the request's, else the deployment's. A guardrail alone is the
//! deployment's first.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::catalog::{Family, ServiceTerms};
use crate::config::Defaults;
use crate::conversation::Service;

/// Bedrock takes no more
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
const MOST_TAGS: usize = 16;

/// The request's wishes over the deployment's; the tags are [`tags`].
pub(super) fn plan(wish: &Service, defaults: &Defaults, streaming: bool) -> Service {
    let mut guardrail = if is_guarded(defaults) {
        defaults.guardrail.clone()
    } else {
        wish.guardrail
            .clone()
            .or_else(|| defaults.guardrail.clone())
    };
    // Converse's own `guardrailConfig` does not have it.
    if let Some(config) = guardrail
        .as_mut()
        .and_then(Value::as_object_mut)
        .filter(|_| !streaming)
    {
        config.shift_remove("streamProcessingMode");
    }
    let ServiceTerms { tier, latency } = terms(wish, defaults);
    Service {
        guardrail,
        latency,
        // Left out where it says nothing: not every model knows the field.
        tier: tier.filter(|tier| tier != "default"),
        ..Service::default()
    }
}

/// The tags of a request for Bedrock's invocation log.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tags {
    /// As many as Bedrock takes: the gateway's own first, then the deployment's, then the client's.
    pub(super) sent: BTreeMap<String, String>,
    /// The client's for which there was no room, by name.
    pub(super) dropped: Vec<String>,
}

/// Tags of the gateway's own are never another's. A client may give one of the deployment's another value.
pub(super) fn tags(wish: &Service, defaults: &Defaults) -> Tags {
    let mut tags = Tags::default();
    for (name, value) in wish.own_metadata.iter().chain(&defaults.request_metadata) {
        if tags.sent.len() < MOST_TAGS && !tags.sent.contains_key(name) {
            tags.sent.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in &wish.metadata {
        if wish.own_metadata.contains_key(name) {
            continue;
        }
        if tags.sent.len() < MOST_TAGS || tags.sent.contains_key(name) {
            tags.sent.insert(name.clone(), value.clone());
        } else {
            tags.dropped.push(name.clone());
        }
    }
    tags
}

/// The terms that are asked for.
pub(super) fn terms(wish: &Service, defaults: &Defaults) -> ServiceTerms {
    ServiceTerms {
        tier: wish.tier.clone().or_else(|| defaults.service_tier.clone()),
        latency: wish.latency.clone().or_else(|| defaults.latency.clone()),
    }
}

/// Whether the deployment has a guardrail that no request may replace.
fn is_guarded(defaults: &Defaults) -> bool {
    defaults.guardrail.is_some() && !defaults.client_guardrails
}

/// Whether a field for the model is none, but speaks to Bedrock: of a guardrail, or by the names of InvokeModel's body
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-input-tagging-base-inference.html>).
fn speaks_to_bedrock(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    field.contains("guardrail") || field.starts_with("amazon-bedrock-")
}

/// What Claude alone knows of the fields for the model.
pub(super) const BETAS: &str = "anthropic_beta";
/// Without it Claude holds the arguments of a tool call back until they are whole and checked: minutes, for a long file
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming>). With it they may be cut
/// or be no JSON where the answer reached its longest.
pub(super) const EAGER_TOOL_INPUT: &str = "fine-grained-tool-streaming-2025-05-14";
const OF_CLAUDE: [&str; 3] = [BETAS, "context_management", TOOLS];
/// Definitions that Claude has learned. Some came with a beta and have outgrown it, so they stay where one is refused.
const TOOLS: &str = "tools";

/// The client's fields for the model over the deployment's, without those that would change a guardrail which is not
/// the client's to change; lists of betas are joined. Only Claude knows betas and what
/// they switch on: on another target of the chain they mean nothing. `without_betas`: this target refused some.
pub(super) fn model_fields(
    wish: &Map<String, Value>,
    defaults: &Defaults,
    family: Family,
    without_betas: bool,
) -> Map<String, Value> {
    let mut fields = defaults.model_fields.clone();
    let configured = fields.get(BETAS).and_then(Value::as_array).cloned();
    let mut wish = wish.clone();
    if is_guarded(defaults) {
        wish.retain(|field, _| !speaks_to_bedrock(field));
    }
    fields.extend(wish);
    if let Some(betas) = fields.get_mut(BETAS).and_then(Value::as_array_mut) {
        for beta in configured.unwrap_or_default() {
            if !betas.contains(&beta) {
                betas.push(beta);
            }
        }
    }
    let knows = matches!(family, Family::Claude | Family::Other);
    for field in OF_CLAUDE {
        if !knows || without_betas && field != TOOLS {
            fields.shift_remove(field);
        }
    }
    fields
}

/// Asks for a beta, once.
pub(super) fn ask_for_beta(name: &str, fields: &mut Map<String, Value>) {
    let betas = fields.entry(BETAS).or_insert_with(|| json!([]));
    if let Some(betas) = betas.as_array_mut()
        && !betas.iter().any(|beta| beta == name)
    {
        betas.push(json!(name));
    }
}

/// Leaves out betas, whether the client or the configuration asks for them.
pub(super) fn leave_out_betas(is_meant: impl Fn(&str) -> bool, fields: &mut Map<String, Value>) {
    if let Some(betas) = fields.get_mut(BETAS).and_then(Value::as_array_mut) {
        betas.retain(|beta| !beta.as_str().is_some_and(&is_meant));
        if betas.is_empty() {
            fields.shift_remove(BETAS);
        }
    }
}
