//! What the bodies of `/key/…` say: which key, and what is to change.

use serde::Deserialize;

use crate::http::fields::refuse_unknown;
use crate::keys::KeyChanges;
use crate::wire::{ApiError, read};

/// Which key, in the body of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyNames {
    pub(super) key: Option<String>,
    pub(super) keys: Vec<String>,
    pub(super) key_aliases: Vec<String>,
}

/// `new_key`: what a key is to be replaced by.
pub(super) fn new_key(body: &[u8]) -> Result<Option<String>, ApiError> {
    #[derive(Deserialize)]
    struct RegenerateBody {
        new_key: Option<String>,
    }
    Ok(read::<RegenerateBody>(body)?.new_key)
}

/// Fields of these bodies beside a key's settings.
const OTHERS: [&str; 4] = ["key", "keys", "key_aliases", "new_key"];
/// What the answers add; a client may send one back as it came.
const SHOWN: [&str; 12] = [
    "key_name",
    "token",
    "token_id",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "expires",
    "status",
    "spend",
    "budget_reset_at",
    "litellm_budget_table",
];

/// The settings in a body.
pub(super) fn changes(body: &[u8]) -> Result<(KeyNames, KeyChanges), ApiError> {
    let shown = [&OTHERS[..], &SHOWN[..]].concat();
    refuse_unknown(body, &[&KeyChanges::FIELDS], &shown, "A key")?;
    Ok((read(body)?, read(body)?))
}
