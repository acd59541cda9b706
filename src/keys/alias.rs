//! Aliases of keys: each is an item of its own, which says which key has it, so that no two keys get one however many
//! are made at the same time.
//!
//! The item is written in one transaction with the key, and ends when the key does: a key that has expired has its alias
//! no more. Keys of version 0.1 have no such item until they are next written; until then they are found in the list of
//! all keys.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Claimed, Item, StoreError, Write, WriteLimits, keys};

use super::{KeyError, Keyring, VirtualKey};

/// Which key has an alias.
#[derive(Serialize, Deserialize)]
struct Alias {
    /// Its hash. The field is [`Claimed::HOLDER`].
    holder: String,
}

/// What a change of a key does to an alias.
pub(super) struct AliasClaim {
    alias: String,
    write: Write,
    /// Without it the key is not written. One that only keeps its alias is written also where another has it too, as
    /// version 0.1 could not always prevent; and what another has is not given up.
    needed: bool,
}

impl AliasClaim {
    /// Takes the alias from this key too. False: that was tried.
    fn take_from(&mut self, holder: String) -> bool {
        let Write::Claim(Claimed { holders, .. }) = &mut self.write else {
            return false;
        };
        let is_new = !holders.contains(&holder);
        holders.push(holder);
        is_new
    }
}

/// What becomes of the aliases of the old key, which this one replaces. `None`: it is new.
///
/// # Errors
/// When an item cannot be written.
pub(super) fn claims(
    old: Option<&VirtualKey>,
    new: &VirtualKey,
    now: Timestamp,
) -> Result<Vec<AliasClaim>, StoreError> {
    let had = old.and_then(|old| old.settings.key_alias.as_ref());
    let has = new.settings.key_alias.as_ref();
    let has = has.filter(|_| new.deleted_at.is_none());
    let mut claims = Vec::new();
    if let Some(alias) = has {
        claims.push(AliasClaim {
            write: claim(alias, old, new, new.expires, now)?,
            alias: alias.clone(),
            needed: is_new(old, new, now),
        });
    }
    if let Some(alias) = had.filter(|_| had != has) {
        claims.push(AliasClaim {
            write: claim(alias, old, new, Some(now), now)?,
            alias: alias.clone(),
            needed: false,
        });
    }
    Ok(claims)
}

/// Whether the key has its alias only from now on: it had another, or none any more.
pub(super) fn is_new(old: Option<&VirtualKey>, new: &VirtualKey, now: Timestamp) -> bool {
    let Some(old) = old else { return true };
    let comes_back = old.is_over(now) && !new.is_over(now);
    comes_back || old.settings.key_alias != new.settings.key_alias
}

fn claim(
    alias: &str,
    old: Option<&VirtualKey>,
    new: &VirtualKey,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<Write, StoreError> {
    let holder = new.hash.clone();
    let mut holders = vec![holder.clone()];
    holders.extend(
        old.map(|old| old.hash.clone())
            .filter(|hash| *hash != holder),
    );
    let item = Item::new(&keys::alias(alias), &Alias { holder })?;
    let item = match until {
        Some(end) => item.expires(end),
        None => item,
    };
    Ok(Write::Claim(Claimed { item, holders, now }))
}

impl Keyring {
    /// Writes keys together with what becomes of their aliases.
    ///
    /// # Errors
    /// [`KeyError::AliasTaken`]; [`StoreError::ConditionFailed`] for one of `written`; and when the table fails.
    pub(super) async fn write(
        &self,
        written: Vec<Write>,
        mut claims: Vec<AliasClaim>,
    ) -> Result<(), KeyError> {
        loop {
            let claimed = claims.iter().map(|claim| claim.write.clone());
            let writes: Vec<Write> = written.iter().cloned().chain(claimed).collect();
            let outcome = self.table.transact(&writes, WriteLimits::default()).await;
            let Err(StoreError::ConditionFailed { write }) = outcome else {
                return Ok(outcome?);
            };
            let failed = write.checked_sub(written.len());
            let Some(failed) = failed.filter(|failed| *failed < claims.len()) else {
                return Ok(outcome?);
            };
            let mut claim = claims.remove(failed);
            if claim.needed {
                let former = self.former_holder(&claim.alias).await?;
                if !former.is_some_and(|holder| claim.take_from(holder)) {
                    return Err(KeyError::AliasTaken(claim.alias));
                }
                claims.insert(failed, claim);
            }
        }
    }

    /// Whose an alias is by its item, although its key has it no more: during an upgrade or after a rollback version 0.1
    /// may rename and delete keys, and leaves the item as it is.
    async fn former_holder(&self, alias: &str) -> Result<Option<String>, KeyError> {
        let found: Option<Alias> = self.table.get(&keys::alias(alias)).await?;
        let Some(Alias { holder }) = found else {
            return Ok(None);
        };
        let has_it = match self.get(&holder).await {
            Ok(key) => key.settings.key_alias.as_deref() == Some(alias),
            Err(KeyError::NotFound) => false,
            Err(error) => return Err(error),
        };
        Ok((!has_it).then_some(holder))
    }

    /// Refuses an alias that another key has without an item that says so: one of version 0.1. `but` is a key that this
    /// one replaces.
    pub(super) async fn check_alias(&self, key: &VirtualKey, but: &str) -> Result<(), KeyError> {
        let Some(alias) = &key.settings.key_alias else {
            return Ok(());
        };
        let now = self.clock.now();
        let is_taken = |other: &VirtualKey| {
            let is_another = other.hash != key.hash && other.hash != but && !other.is_over(now);
            is_another && other.settings.key_alias.as_ref() == Some(alias)
        };
        if self.list().await?.iter().any(is_taken) {
            return Err(KeyError::AliasTaken(alias.clone()));
        }
        Ok(())
    }

    /// The hash of the key that has this alias; where none has it any more, of the last one that had.
    ///
    /// # Errors
    /// When there is none, or the table fails.
    pub async fn named_by(&self, alias: &str) -> Result<String, KeyError> {
        let found: Option<Alias> = self.table.get(&keys::alias(alias)).await?;
        if let Some(Alias { holder }) = found
            && let Ok(key) = self.get(&holder).await
            && key.settings.key_alias.as_deref() == Some(alias)
        {
            return Ok(holder);
        }
        let now = self.clock.now();
        let mut all = self.list().await?;
        all.retain(|key| key.settings.key_alias.as_deref() == Some(alias));
        let living = all.iter().find(|key| !key.is_over(now));
        let found = living.or(all.first()).ok_or(KeyError::NotFound)?;
        Ok(found.hash.clone())
    }
}
