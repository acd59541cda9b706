//! Takes over keys that another gateway has made: of each, the hash, the settings and what it has spent.

use std::collections::HashMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::store::{Account, StoreError, Write};

use super::alias::claims;
use super::budget::Budget;
use super::manage::item;
use super::{KeyError, KeySettings, Keyring, VirtualKey};

/// A key that another gateway has made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ImportedKey {
    /// The SHA-256 of the key, in hex.
    pub hash: String,
    /// What a person recognises it by: `sk-...abcd`.
    pub name: String,
    /// When it was made; `None`: that is not known.
    pub created_at: Option<Timestamp>,
    /// When it ends; `None`: never.
    pub expires: Option<Timestamp>,
    /// What it may do.
    pub settings: KeySettings,
    /// US dollars that it has spent of its budget so far: the opening balance of the budget here.
    pub spent: Decimal,
}

/// Writes imported keys. It has listed the keys of the table once, so that a thousand imports do not list them each.
pub(super) struct Importer<'k> {
    keyring: &'k Keyring,
    /// Every key of the table by its hash, deleted ones among them.
    known: HashMap<String, VirtualKey>,
    now: Timestamp,
    /// Who imports, as the keys say later.
    by: &'static str,
    /// Nothing is written.
    dry_run: bool,
}

impl Keyring {
    /// Begins an import by `by`. In a dry run nothing is written, only found out.
    ///
    /// # Errors
    /// When the table fails.
    pub(super) async fn importer(
        &self,
        by: &'static str,
        dry_run: bool,
    ) -> Result<Importer<'_>, StoreError> {
        let every = self.every().await?.into_iter();
        Ok(Importer {
            keyring: self,
            known: every.map(|key| (key.hash.clone(), key)).collect(),
            now: self.clock.now(),
            by,
            dry_run,
        })
    }
}

impl Importer<'_> {
    /// The key of this hash, if the table has it, deleted or not.
    pub(super) fn existing(&self, hash: &str) -> Option<&VirtualKey> {
        self.known.get(hash)
    }

    fn checked(&self, imported: &ImportedKey) -> Result<VirtualKey, KeyError> {
        if self.known.contains_key(&imported.hash) {
            return Err(KeyError::Exists);
        }
        imported.settings.check()?;
        if let Some(alias) = &imported.settings.key_alias {
            let has_it = |key: &VirtualKey| {
                let is_alive = key.deleted_at.is_none() && !key.is_over(self.now);
                is_alive && key.settings.key_alias.as_ref() == Some(alias)
            };
            if self.known.values().any(has_it) {
                return Err(KeyError::AliasTaken(alias.clone()));
            }
        }
        Ok(VirtualKey {
            hash: imported.hash.clone(),
            name: imported.name.clone(),
            version: 1,
            account: imported.hash.clone(),
            created_at: imported.created_at.unwrap_or(self.now),
            created_by: self.by.to_owned(),
            updated_at: self.now,
            expires: imported.expires,
            deleted_at: None,
            settings: imported.settings.clone(),
        })
    }

    /// Writes the key and, in the same transaction, the opening balance of its budget.
    ///
    /// # Errors
    /// When a setting makes no sense here, the key exists, its alias is another key's, or the table fails.
    pub(super) async fn import(&mut self, imported: &ImportedKey) -> Result<(), KeyError> {
        let key = self.checked(imported)?;
        if !self.dry_run {
            self.write(&key, imported.spent).await?;
        }
        self.known.insert(key.hash.clone(), key);
        Ok(())
    }

    async fn write(&self, key: &VirtualKey, spent: Decimal) -> Result<(), KeyError> {
        let mut written = vec![Write::Create(item(key)?)];
        if !spent.is_zero() {
            let budget = Budget::of_window(key, self.now);
            let account = Account::new_item(&budget.key, spent, budget.expires());
            written.push(Write::Create(account));
        }
        let claims = claims(None, key, self.now)?;
        match self.keyring.write(written, claims).await {
            Err(KeyError::Store(StoreError::ConditionFailed { .. })) => Err(KeyError::Exists),
            outcome => outcome,
        }
    }
}
