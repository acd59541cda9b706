//! `keys from-litellm`: the keys of a LiteLLM proxy, from what its `GET /key/list?return_full_object=true` answered.
//!
//! LiteLLM knows a key by its SHA-256, as this gateway does: the same key goes on working, and what it has spent is the
//! opening balance of its budget. What a key has there and would not have here is told for each kind of it; a key that
//! would be less protected than it was is made only where that is accepted.

mod fields;
mod listed;
mod summary;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::store::StoreError;

use super::import::Importer;
use super::{KeyError, Keyring};
use listed::{ListedKey, hash_of};
pub use summary::ImportSummary;

/// What a key that was imported says of who has made it.
const MADE_BY: &str = "keys from-litellm";

/// A list that is not what `GET /key/list` answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyListError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// Another JSON.
    #[error(
        "the field `keys` is missing: expected what LiteLLM's GET /key/list?return_full_object=true answers"
    )]
    NoKeys,
    /// The list has hashes alone.
    #[error("keys[{0}] is not an object: ask LiteLLM for GET /key/list?return_full_object=true")]
    NotFull(usize),
    /// A key that names no hash.
    #[error("keys[{0}].token is not the SHA-256 of a key, in hex")]
    NoHash(usize),
}

/// The pages of a list, together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LitellmKeyList {
    /// Each key once, with its hash.
    keys: Vec<(String, Map<String, Value>)>,
    /// How many keys LiteLLM has.
    total: Option<u64>,
}

/// How to import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Nothing is written, only found out.
    pub dry_run: bool,
    /// Protections without which a key is made too, by the names that the summary gives them.
    pub accept_missing: Vec<String>,
}

impl LitellmKeyList {
    /// Adds a page: the text of one answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, page: &str) -> Result<(), KeyListError> {
        let page: Value =
            serde_json::from_str(page).map_err(|error| KeyListError::NotJson(error.to_string()))?;
        let keys = page.get("keys").and_then(Value::as_array);
        for (n, key) in keys.ok_or(KeyListError::NoKeys)?.iter().enumerate() {
            let key = key.as_object().ok_or(KeyListError::NotFull(n))?;
            let hash = hash_of(key).ok_or(KeyListError::NoHash(n))?;
            if self.keys.iter().all(|(known, _)| *known != hash) {
                self.keys.push((hash, key.clone()));
            }
        }
        let total = page.get("total_count").and_then(Value::as_u64);
        self.total = self.total.max(total);
        Ok(())
    }

    /// How many keys of LiteLLM's list are not in these pages.
    fn absent(&self) -> u64 {
        let there = self.keys.len() as u64;
        self.total.map_or(0, |total| total.saturating_sub(there))
    }
}

/// Makes the keys of a list here, as far as they are not here yet. `config` says which models there are.
///
/// # Errors
/// When the table fails; keys before that have been made.
pub async fn import(
    keyring: &Keyring,
    list: &LitellmKeyList,
    config: &Config,
    options: &ImportOptions,
) -> Result<ImportSummary, StoreError> {
    let mut importer = keyring.importer(MADE_BY, options.dry_run).await?;
    let mut summary = ImportSummary::new(options.dry_run, list.absent());
    for (hash, key) in &list.keys {
        let label = summary::label(key, hash);
        if let Some(existing) = importer.existing(hash) {
            summary.exists(label, existing.deleted_at.is_some());
            continue;
        }
        match ListedKey::read(key, hash, config, keyring.now()) {
            Ok(key) => take(&mut importer, &key, label, options, &mut summary).await?,
            Err(unreadable) => summary.refuse(label, unreadable.to_string()),
        }
    }
    Ok(summary)
}

async fn take(
    importer: &mut Importer<'_>,
    key: &ListedKey,
    label: String,
    options: &ImportOptions,
    summary: &mut ImportSummary,
) -> Result<(), StoreError> {
    summary.note_lost(&label, &key.lost);
    let is_missed = |name: &&str| !options.accept_missing.iter().any(|taken| taken == name);
    let lost = key.lost.iter().filter(|field| field.protects);
    let missed: Vec<&str> = lost.map(|field| &*field.name).filter(is_missed).collect();
    if !missed.is_empty() {
        summary.refuse(label, format!("without {}", missed.join(", ")));
        return Ok(());
    }
    match importer.import(&key.imported).await {
        Ok(()) => summary.made(label, key),
        Err(KeyError::Store(error)) => return Err(error),
        Err(error) => summary.refuse(label, error.to_string()),
    }
    Ok(())
}
