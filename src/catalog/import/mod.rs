//! Makes `config/models.yml` from LiteLLM's public price list.
//!
//! For maintainers: the list is a snapshot of what LiteLLM's contributors found on the vendors' pages. What it gets
//! wrong is corrected above the marker of the file, by hand and with a source; an import keeps that part.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

mod facts;
mod write;

use facts::Facts;

/// The line of `config/models.yml` below which everything is generated.
pub const MARKER: &str =
    "# ---- generated: everything below is written by `bedrock-sidecar models import` ----";

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The price list is not JSON, or not an object of objects.
    #[error("the price list cannot be read: {0}")]
    List(#[from] serde_json::Error),
    /// A number of the list is not a price.
    #[error("{id}: {field} is not a price: {value}")]
    Price {
        /// The entry's key in the list.
        id: String,
        /// The field.
        field: String,
        /// What stands there.
        value: String,
    },
    /// The list holds nothing for Bedrock.
    #[error("the price list names no chat model of Bedrock")]
    Empty,
    /// The old file has no marker, so its hand-written part cannot be told from the rest.
    #[error("the old file lacks the line {MARKER:?}")]
    NoMarker,
}

/// Renders the catalog for a price list (`model_prices_and_context_window.json` of LiteLLM), keeping what stands
/// above the marker in the old file: its comments and corrections.
pub fn import(list: &str, old: &str) -> Result<String, ImportError> {
    let (kept, _) = old.split_once(MARKER).ok_or(ImportError::NoMarker)?;
    let list: Map<String, Value> = serde_json::from_str(list)?;
    let mut models: BTreeMap<String, Vec<(CallPlace, Facts)>> = BTreeMap::new();
    for (key, entry) in &list {
        // An id that is listed by itself as well.
        if key
            .strip_prefix("bedrock/")
            .is_some_and(|id| list.contains_key(id))
        {
            continue;
        }
        if let Some((base, place)) = chat_model(key, entry) {
            let facts = Facts::read(key, base, entry)?;
            models
                .entry(base.to_owned())
                .or_default()
                .push((place, facts));
        }
    }
    if models.is_empty() {
        return Err(ImportError::Empty);
    }
    let mut yaml = format!("{kept}{MARKER}\nmodels:\n");
    for (base, places) in &models {
        write::model(&mut yaml, base, places);
    }
    Ok(yaml)
}

/// Where a model is called: which of its entries in the list this is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum CallPlace {
    /// By its own id.
    Base,
    /// By an inference profile, or in a region, with facts of its own.
    Named(String),
}

/// The base id and place of an entry, if it is a chat model that is paid by the token on the Bedrock runtime.
fn chat_model<'a>(key: &'a str, entry: &Value) -> Option<(&'a str, CallPlace)> {
    let provider = entry.get("litellm_provider").and_then(Value::as_str)?;
    let chat = entry.get("mode").and_then(Value::as_str) == Some("chat");
    let by_token = entry.get("input_cost_per_token").is_some();
    if !chat || !by_token || !matches!(provider, "bedrock" | "bedrock_converse") {
        return None;
    }
    let mut parts = key.split('/');
    let id = parts.next_back()?;
    let region = match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) | (Some("bedrock"), None, None) => None,
        (Some("bedrock"), Some(region), None) if region.contains('-') => Some(region),
        // Commitments, and the old invoke route of ids that are listed without it too.
        _ => return None,
    };
    // Names of other platforms (`…@20251001`), or without a vendor.
    if id.contains('@') || !id.contains('.') || id.starts_with("claude") {
        return None;
    }
    let (prefix, rest) = id.split_once('.')?;
    // A vendor's name follows a geographic prefix: `us.anthropic.…`, but `zai.glm-4.7` has none.
    let geographic = prefix.split('-').next().is_some_and(|p| p.len() == 2)
        || matches!(prefix, "apac" | "global");
    match (geographic, region) {
        (true, _) => Some((rest, CallPlace::Named(prefix.to_owned()))),
        (false, Some(region)) => Some((id, CallPlace::Named(region.to_owned()))),
        (false, None) => Some((id, CallPlace::Base)),
    }
}

#[cfg(test)]
mod tests;
