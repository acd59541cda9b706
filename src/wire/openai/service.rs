//! The fields that speak to Bedrock around the model: guardrail, tier, latency, tags, and fields for the model itself.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::conversation::Service;

use crate::wire::{ApiError, Betas, LONGEST_TAG, is_legal_in_tags};

/// Bedrock's limits for `requestMetadata`
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
const MOST_TAGS: usize = 16;

/// `performanceConfig`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"latency\": \"optimized\"}")]
pub(crate) struct Performance {
    latency: Option<String>,
}

/// The fields in the domain's terms.
pub(crate) fn service(
    guardrail: Option<Map<String, Value>>,
    tier: Option<String>,
    performance: Option<Performance>,
    metadata: Option<Map<String, Value>>,
) -> Result<Service, ApiError> {
    if let Some(config) = &guardrail {
        for field in ["guardrailIdentifier", "guardrailVersion"] {
            if !config.get(field).is_some_and(Value::is_string) {
                let param = format!("guardrailConfig.{field}");
                return Err(ApiError::missing_value(param, "a string"));
            }
        }
    }
    let tier = match tier.as_deref() {
        // "As the project is set up": here, as the deployment is.
        None | Some("auto") => None,
        Some("default") => Some("default"),
        Some("flex") => Some("flex"),
        Some("priority") => Some("priority"),
        Some("reserved") => Some("reserved"),
        Some(other) => {
            let message = format!(
                "'service_tier' is '{other}'; it must be one of 'auto', 'default', 'flex', 'priority' and 'reserved'."
            );
            return Err(ApiError::bad_request(message, "service_tier"));
        }
    };
    let latency = performance.and_then(|performance| performance.latency);
    if let Some(other) = latency
        .as_deref()
        .filter(|word| !["standard", "optimized"].contains(word))
    {
        let param = "performanceConfig.latency";
        let message = format!("'{param}' is '{other}'; it must be 'standard' or 'optimized'.");
        return Err(ApiError::bad_request(message, param));
    }
    Ok(Service {
        guardrail: guardrail.map(Value::Object),
        latency,
        tier: tier.map(str::to_owned),
        metadata: tags(metadata.unwrap_or_default())?,
        ..Service::default()
    })
}

fn tags(metadata: Map<String, Value>) -> Result<Vec<(String, String)>, ApiError> {
    let refuse = |param: String, what: String| {
        Err(ApiError::bad_request(format!("'{param}' {what}"), param))
    };
    if metadata.len() > MOST_TAGS {
        let what = format!(
            "has {} entries; Bedrock takes at most {MOST_TAGS}.",
            metadata.len()
        );
        return refuse("requestMetadata".into(), what);
    }
    let mut tags = Vec::with_capacity(metadata.len());
    for (key, value) in metadata {
        let param = format!("requestMetadata.{key}");
        let Value::String(value) = value else {
            return refuse(param, "must be a string.".into());
        };
        for text in [&key, &value] {
            if text.chars().count() > LONGEST_TAG || !text.chars().all(is_legal_in_tags) {
                let what = format!(
                    "must have at most {LONGEST_TAG} characters, key and value each: letters, digits, spaces and \
                     '_', ':', '@', '$', '#', '=', '/', '+', ',', '-', '.'."
                );
                return refuse(param, what);
            }
        }
        if key.is_empty() {
            return refuse(param, "has an empty key.".into());
        }
        tags.push((key, value));
    }
    Ok(tags)
}

/// Fields for the model itself.
pub(crate) fn model_fields(
    fields: Option<Map<String, Value>>,
    betas: Option<Betas>,
    headers: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let mut fields = fields.unwrap_or_default();
    // LiteLLM's clients write the header of Anthropic's API into the body.
    let header = headers.and_then(|headers| headers.get("anthropic-beta")?.as_str());
    let betas = betas.or_else(|| Some(Betas::One(header?.to_owned())));
    let betas = betas.map(Betas::list).unwrap_or_default();
    if !betas.is_empty() {
        fields.insert("anthropic_beta".into(), betas.into());
    }
    fields
}
