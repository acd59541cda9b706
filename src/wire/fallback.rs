//! `fallbacks` of a request, in LiteLLM's three forms.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One entry of `fallbacks`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a model, {\"model\": …} or {\"model\": [fallback, …]}"
)]
pub enum WireFallback {
    /// `"b"`.
    Model(String),
    /// `{"model": "b", "messages": […], …}`: what differs for this one.
    Changed {
        /// The model.
        model: String,
        /// Fields that replace those of the request.
        #[serde(flatten)]
        fields: Map<String, Value>,
    },
    /// `{"a": ["b"]}`: what follows `a`.
    Following(std::collections::BTreeMap<String, Vec<String>>),
}

/// The body with these fields instead of its own, as bytes: what a fallback is asked that wants something else.
/// `None`: the body is no JSON object.
pub fn changed_body(body: &[u8], model: &str, fields: &Map<String, Value>) -> Option<Vec<u8>> {
    let mut body: Map<String, Value> = serde_json::from_slice(body).ok()?;
    body.remove("fallbacks");
    body.insert("model".to_owned(), Value::from(model));
    body.extend(fields.clone());
    serde_json::to_vec(&body).ok()
}
