//! A key that the gateway has made: what it may do, as the table keeps it. Never the key itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::identity::KeyOwners;

use super::{Caller, KeyChanges, KeyError, KeySettings};

/// A key as the table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VirtualKey {
    /// The SHA-256 of the key, in hex: the reference system's `token`.
    pub hash: String,
    /// What a person recognises it by: `sk-...abcd`.
    pub name: String,
    /// Counts up by one with every change.
    pub version: u64,
    /// The hash whose budget it spends from: its own, or that of the key it has replaced.
    pub account: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The alias of the key that made it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it ends; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was deleted. The item stays for a while, so that reports know its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// What may be changed.
    pub settings: KeySettings,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    /// It is good.
    Active,
    /// It was blocked.
    Blocked,
    /// Its time is over.
    Expired,
    /// It was deleted, or replaced by another.
    Deleted,
}

/// The SHA-256 of a key in hex: how the table knows it.
pub fn hash_of(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

impl VirtualKey {
    /// How it stands at an instant.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        if self.deleted_at.is_some() {
            KeyStatus::Deleted
        } else if self.settings.blocked {
            KeyStatus::Blocked
        } else if self.is_over(now) {
            KeyStatus::Expired
        } else {
            KeyStatus::Active
        }
    }

    /// Whether its time has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Its team and its user.
    pub(super) fn belongs_to(&self) -> [Option<&str>; 2] {
        let settings = &self.settings;
        [settings.team_id.as_deref(), settings.user_id.as_deref()]
    }

    /// Whether it is a token of an identity provider, of which the table keeps no item.
    pub fn is_token(&self) -> bool {
        self.version == 0
    }

    /// Its alias, or else its name.
    pub fn label(&self) -> &str {
        self.settings.key_alias.as_deref().unwrap_or(&self.name)
    }

    /// The key with these changes, one version on.
    pub(super) fn changed(
        &self,
        changes: &KeyChanges,
        now: Timestamp,
    ) -> Result<VirtualKey, KeyError> {
        let mut changed = self.clone();
        changed.settings.apply(changes);
        changed.settings.check()?;
        if let Some(duration) = changes.duration {
            changed.expires = duration.map(|duration| duration.after(now));
        }
        changed.version += 1;
        changed.updated_at = now;
        Ok(changed)
    }
}

impl Caller {
    /// How long the prompt and the reply of a request of this instant are kept, where the key says it.
    pub fn content_retention(&self, at: Timestamp) -> Option<Duration> {
        let key = self.virtual_key.as_deref()?;
        let kept = key.settings.maximum_spend_logs_content_retention_period?;
        kept.after(at).duration_since(at).try_into().ok()
    }

    /// The caller with this key, which belongs to these.
    pub(super) fn with_key(key: Arc<VirtualKey>, owners: KeyOwners) -> Caller {
        Caller {
            key_hash: key.hash.clone(),
            alias: key.label().to_owned(),
            store_prompts: key.settings.store_prompts_in_spend_logs,
            virtual_key: Some(key),
            owners,
        }
    }
}
