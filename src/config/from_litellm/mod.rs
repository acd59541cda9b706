//! `models from-litellm`: a configuration from what a LiteLLM proxy answers of its models, for a proxy that keeps them
//! in its database.
//!
//! `GET /model/info` shows an entry after LiteLLM has filled it: with its own price list, without credentials, once more
//! for every alias, and once for every model that a pattern stands for. What is written here is the entry as its owner
//! wrote it, as far as that can be told.

mod entry;
mod masked;
mod routing;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod yaml;

use serde_json::Value;

use entry::ListedModel;
pub use routing::ListedSettings;
use routing::WrittenRouting;
use rows::LitellmRows;

/// An answer of LiteLLM's from which no configuration can be made.
#[derive(Debug, thiserror::Error)]
pub enum FromLitellmError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Another JSON than the models'.
    #[error("the field `data` is missing: expected what LiteLLM's GET /model/info answers")]
    NoData,
    /// One page of several.
    #[error("only page {page} of {pages}: ask LiteLLM for GET /model/info, which has no pages")]
    OnePage {
        /// This page.
        page: u64,
        /// How many there are.
        pages: u64,
    },
    /// An entry that is none.
    #[error("data[{0}]: {1}")]
    Entry(usize, &'static str),
    /// No entry can be served here.
    #[error("none of the {0} entries can be served here: {1}")]
    NothingServed(usize, String),
    /// Another JSON than the settings'.
    #[error(
        "the field `router_settings` or `current_values` is missing: expected what LiteLLM's GET /get/config/callbacks \
         or GET /router/settings answers"
    )]
    NoSettings,
}

/// The configuration of these models, as YAML: `models` is what `GET /model/info` answered. The same answer makes the
/// same text.
///
/// # Errors
/// When it is no such answer, or nothing of it can be served.
pub fn from_litellm(
    models: &str,
    settings: Option<&ListedSettings>,
) -> Result<String, FromLitellmError> {
    let listed = read(models)?;
    let rows = LitellmRows::of(listed);
    let served = rows.entries.iter().filter(|entry| entry.left_out.is_none());
    let served = served.count();
    if served == 0 {
        let reasons = rows
            .entries
            .iter()
            .filter_map(|entry| entry.left_out.as_deref());
        let reason = reasons.map(text::printable).next().unwrap_or_default();
        return Err(FromLitellmError::NothingServed(rows.entries.len(), reason));
    }
    let mut text = text::header(served, rows.entries.len());
    text.push_str("\nmodel_list:\n");
    for entry in &rows.entries {
        text.push_str(&entry.yaml());
    }
    let routing = WrittenRouting::new(&text, rows.aliases, settings);
    text.push_str(&routing.yaml());
    Ok(text)
}

fn read(models: &str) -> Result<Vec<ListedModel>, FromLitellmError> {
    let answer: Value = serde_json::from_str(models)?;
    let data = answer.get("data").and_then(Value::as_array);
    let data = data.ok_or(FromLitellmError::NoData)?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64);
    if let (Some(page), Some(pages)) = (number("current_page"), number("total_pages"))
        && pages > 1
    {
        return Err(FromLitellmError::OnePage { page, pages });
    }
    let entries = data.iter().enumerate();
    let entries = entries.map(|(n, entry)| {
        ListedModel::read(entry).map_err(|wrong| FromLitellmError::Entry(n, wrong))
    });
    entries.collect()
}
