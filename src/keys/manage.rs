//! Making, changing and listing keys: the one API behind the HTTP routes and the admin pages.
//!
//! A change holds in this process at once, and on every other instance when its copy is read again: within
//! [`KEY_COPY_FRESH`](super::KEY_COPY_FRESH).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::identity::{IdentityError, KeyOwners, Requirement};
use crate::store::{Index, Item, Key, Query, StoreError, Write, keys};

use super::alias::{claims, is_new};
use super::token_callers::KnownPrincipal;
use super::virtual_key::hash_of;
use super::{KeyChanges, KeyError, KeySettings, Keyring, VirtualKey};

/// How long a deleted key is still known by name.
const DELETED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A change that others' changes have overtaken is made anew so often.
const TRIES: usize = 4;
/// Keys that are asked for at the same time, a hundred in a call.
const READ_AT_ONCE: usize = 1_000;
/// The shortest key that may be chosen: the reference system's.
const SHORTEST: usize = 16;
const LONGEST_KEY: usize = 200;

/// A key that was just made. This is the only time that the key itself is known.
#[derive(Clone, PartialEq)]
pub struct NewKey {
    /// What its owner sends.
    pub key: String,
    /// What is kept of it.
    pub stored: Arc<VirtualKey>,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NewKey").field(&self.stored).finish()
    }
}

/// The hash of a key that is named by itself (`sk-…`) or by its hash.
///
/// # Errors
/// [`KeyError::NotFound`]: it is neither.
pub fn named(key_or_hash: &str) -> Result<String, KeyError> {
    let name = key_or_hash.trim();
    if name.starts_with("sk-") {
        return Ok(hash_of(name));
    }
    let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(KeyError::NotFound)
    }
}

impl Keyring {
    /// Makes a key with these settings, for `by`. `chosen`: the key itself, instead of a random one.
    ///
    /// # Errors
    /// When a setting makes no sense, the alias or the chosen key is taken, or the table fails.
    pub async fn generate(
        &self,
        settings: &KeyChanges,
        chosen: Option<&str>,
        by: &str,
    ) -> Result<NewKey, KeyError> {
        let key = new_key(chosen)?;
        let now = self.clock.now();
        let hash = hash_of(&key);
        let blank = VirtualKey {
            name: short(&key),
            version: 0,
            account: hash.clone(),
            hash,
            created_at: now,
            created_by: by.to_owned(),
            updated_at: now,
            expires: None,
            deleted_at: None,
            settings: KeySettings::default(),
        };
        let stored = blank.changed(settings, now)?;
        self.check_team(None, &stored).await?;
        self.check_alias(&stored, &stored.hash).await?;
        let written = vec![Write::Create(item(&stored)?)];
        let claims = claims(None, &stored, now)?;
        match self.write(written, claims).await {
            Ok(()) => {}
            Err(KeyError::Store(StoreError::ConditionFailed { .. })) => {
                return Err(KeyError::Exists);
            }
            Err(error) => return Err(error),
        }
        let stored = self.keep_written(stored).await;
        Ok(NewKey { key, stored })
    }

    /// The key of this hash as the table has it now.
    ///
    /// # Errors
    /// When there is none, or the table fails.
    pub async fn get(&self, hash: &str) -> Result<Arc<VirtualKey>, KeyError> {
        let found: Option<VirtualKey> = self.table.get(&keys::virtual_key(hash)).await?;
        let living = found.filter(|key| key.deleted_at.is_none());
        living.map(Arc::new).ok_or(KeyError::NotFound)
    }

    /// The team, the member and the user of a key, as they are now.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn owners_of(&self, key: &VirtualKey) -> Result<KeyOwners, StoreError> {
        let [team, user] = key.belongs_to();
        self.directory.refresh(team, user).await?;
        Ok(self.directory.known(team, user).unwrap_or_default())
    }

    /// Every key that was not deleted, the newest first. One that was made within the last second may be missing.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn list(&self) -> Result<Vec<VirtualKey>, KeyError> {
        Ok(living(self.every().await?))
    }

    /// The keys as [`Keyring::list`] has them, and the labels as [`Keyring::labels`] has them, in one reading.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn list_with_labels(
        &self,
    ) -> Result<(Vec<VirtualKey>, HashMap<String, String>), StoreError> {
        let (keys, principals) = tokio::try_join!(self.every(), self.known_principals())?;
        let principals = principals.into_iter().map(KnownPrincipal::labelled);
        let labels = keys.iter().map(labelled).chain(principals).collect();
        Ok((living(keys), labels))
    }

    /// What people call each key, and each who asks with tokens, by the hash: for reports, which name deleted keys too.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn labels(&self) -> Result<HashMap<String, String>, StoreError> {
        Ok(self.list_with_labels().await?.1)
    }

    /// The labels of these keys, and of the persons who ask with tokens; what is not known any more is left out.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn labels_of(&self, hashes: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        let mut labels = HashMap::with_capacity(hashes.len());
        for some in hashes.chunks(READ_AT_ONCE) {
            let places: Vec<Key> = some.iter().map(|hash| keys::virtual_key(hash)).collect();
            let found: Vec<VirtualKey> = self.table.get_many(&places).await?;
            labels.extend(found.iter().map(labelled));
            let others = some.iter().filter(|hash| !labels.contains_key(**hash));
            let others: Vec<Key> = others.map(|hash| keys::principal(hash)).collect();
            let found: Vec<KnownPrincipal> = self.table.get_many(&others).await?;
            labels.extend(found.into_iter().map(KnownPrincipal::labelled));
        }
        Ok(labels)
    }

    pub(super) async fn every(&self) -> Result<Vec<VirtualKey>, StoreError> {
        let all = Query {
            index: Some(Index::ByKey),
            ..Query::all(keys::VIRTUAL_KEYS.to_owned())
        };
        let places: Vec<Key> = self.table.run(&all, usize::MAX).await?;
        self.table.get_many(&places).await
    }

    /// Changes a key.
    ///
    /// # Errors
    /// When there is no such key, a setting makes no sense, the alias is taken, or the table fails.
    pub async fn update(
        &self,
        hash: &str,
        changes: &KeyChanges,
    ) -> Result<Arc<VirtualKey>, KeyError> {
        let now = self.clock.now();
        let changed = self.change(hash, |key| key.changed(changes, now)).await?;
        Ok(changed)
    }

    /// Blocks a key, or lets it in again.
    ///
    /// # Errors
    /// As [`Keyring::update`].
    pub async fn block(&self, hash: &str, blocked: bool) -> Result<Arc<VirtualKey>, KeyError> {
        let changes = KeyChanges {
            blocked: Some(Some(blocked)),
            ..KeyChanges::default()
        };
        self.update(hash, &changes).await
    }

    /// Deletes a key for good.
    ///
    /// # Errors
    /// When there is no such key, or the table fails.
    pub async fn delete(&self, hash: &str) -> Result<Arc<VirtualKey>, KeyError> {
        let now = self.clock.now();
        self.change(hash, |key| Ok(deleted(key, now))).await
    }

    /// Deletes a key for good, with what it says of its owner.
    ///
    /// # Errors
    /// As [`Keyring::delete`].
    pub async fn erase(&self, hash: &str) -> Result<Arc<VirtualKey>, KeyError> {
        let now = self.clock.now();
        let erase = |key: &VirtualKey| {
            let mut erased = deleted(key, now);
            erased.settings = KeySettings {
                user_id: None,
                key_alias: None,
                metadata: serde_json::Map::new(),
                ..erased.settings
            };
            Ok(erased)
        };
        self.change(hash, erase).await
    }

    /// Replaces a key by another with the same settings, these changes, and the same budget. The old one is good no
    /// longer.
    ///
    /// # Errors
    /// As [`Keyring::generate`] and [`Keyring::update`].
    pub async fn regenerate(
        &self,
        hash: &str,
        changes: &KeyChanges,
        chosen: Option<&str>,
    ) -> Result<NewKey, KeyError> {
        let key = new_key(chosen)?;
        let new_hash = hash_of(&key);
        if new_hash == hash {
            return Err(KeyError::Exists);
        }
        let now = self.clock.now();
        for _ in 0..TRIES {
            let old = self.get(hash).await?;
            let mut new = old.changed(changes, now)?;
            new.hash.clone_from(&new_hash);
            new.name = short(&key);
            new.version = 1;
            self.check_team(Some(&*old), &new).await?;
            self.check_alias(&new, hash).await?;
            let gone = deleted(&old, now);
            let written = vec![
                Write::Create(item(&new)?),
                Write::Replace(item(&gone)?, old.version),
            ];
            match self.write(written, claims(Some(&*old), &new, now)?).await {
                Ok(()) => {
                    self.keep_written(gone).await;
                    let stored = self.keep_written(new).await;
                    return Ok(NewKey { key, stored });
                }
                Err(KeyError::Store(StoreError::ConditionFailed { write: 0 })) => {
                    return Err(KeyError::Exists);
                }
                Err(KeyError::Store(StoreError::ConditionFailed { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(KeyError::Contended)
    }

    async fn change(
        &self,
        hash: &str,
        change: impl Fn(&VirtualKey) -> Result<VirtualKey, KeyError>,
    ) -> Result<Arc<VirtualKey>, KeyError> {
        for _ in 0..TRIES {
            let old = self.get(hash).await?;
            let new = change(&old)?;
            self.check_team(Some(&*old), &new).await?;
            let now = self.clock.now();
            if is_new(Some(&*old), &new, now) {
                self.check_alias(&new, &new.hash).await?;
            }
            let written = vec![Write::Replace(item(&new)?, old.version)];
            match self.write(written, claims(Some(&*old), &new, now)?).await {
                Ok(()) => return Ok(self.keep_written(new).await),
                Err(KeyError::Store(StoreError::ConditionFailed { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(KeyError::Contended)
    }

    /// Refuses a key of a team that there is none of: nothing would bind it. One that names such a team already, as a
    /// label of version 0.1, keeps it.
    async fn check_team(&self, old: Option<&VirtualKey>, new: &VirtualKey) -> Result<(), KeyError> {
        let had = old.and_then(|old| old.settings.team_id.as_ref());
        let Some(team) = &new.settings.team_id else {
            return Ok(());
        };
        if had == Some(team) {
            return Ok(());
        }
        match self.directory.team(team).await {
            Ok(_) => Ok(()),
            Err(IdentityError::NotFound { .. }) => Err(KeyError::NoTeam(team.clone())),
            Err(IdentityError::Invalid(invalid)) => Err(invalid.into()),
            Err(IdentityError::Store(error)) => Err(error.into()),
            Err(_) => Err(KeyError::Contended),
        }
    }

    /// The keys of a team, or of a user, that were not deleted.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn keys_of(
        &self,
        team: Option<&str>,
        user: Option<&str>,
    ) -> Result<Vec<VirtualKey>, KeyError> {
        let mut keys = self.list().await?;
        keys.retain(|key| {
            let [of_team, of_user] = key.belongs_to();
            team.is_none_or(|team| of_team == Some(team))
                && user.is_none_or(|user| of_user == Some(user))
        });
        Ok(keys)
    }

    /// Keeps a key that was written here, with whom it belongs to now. Where that cannot be read, the key's next
    /// request reads it.
    async fn keep_written(&self, key: VirtualKey) -> Arc<VirtualKey> {
        let key = Arc::new(key);
        let [team, user] = key.belongs_to();
        if let Err(error) = self.directory.refresh(team, user).await {
            tracing::warn!(%error, "the team and the user of a key could not be read");
        }
        self.keep(key.hash.clone(), Ok(Some(Arc::clone(&key))));
        key
    }
}

fn labelled(key: &VirtualKey) -> (String, String) {
    (key.hash.clone(), key.label().to_owned())
}

/// Those that were not deleted, the newest first.
fn living(mut keys: Vec<VirtualKey>) -> Vec<VirtualKey> {
    keys.retain(|key| key.deleted_at.is_none());
    keys.sort_by(|a, b| (b.created_at, &b.hash).cmp(&(a.created_at, &a.hash)));
    keys
}

fn deleted(key: &VirtualKey, now: jiff::Timestamp) -> VirtualKey {
    VirtualKey {
        deleted_at: Some(now),
        updated_at: now,
        version: key.version + 1,
        ..key.clone()
    }
}

pub(super) fn item(key: &VirtualKey) -> Result<Item, StoreError> {
    let item = Item::new(&keys::virtual_key(&key.hash), key)?;
    let item = item.by_key(keys::VIRTUAL_KEYS.to_owned());
    Ok(match key.deleted_at {
        Some(at) => item.expires(at + DELETED),
        None => item,
    })
}

/// 244 random bits, or what was chosen.
fn new_key(chosen: Option<&str>) -> Result<String, KeyError> {
    let Some(chosen) = chosen else {
        let (a, b) = (Uuid::new_v4(), Uuid::new_v4());
        return Ok(format!("sk-{}{}", a.simple(), b.simple()));
    };
    let fits = (SHORTEST..=LONGEST_KEY).contains(&chosen.len());
    let is_plain = chosen.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && is_plain && chosen.starts_with("sk-") {
        return Ok(chosen.to_owned());
    }
    Err(KeyError::Invalid {
        param: "key",
        wanted: Requirement::Key {
            shortest: SHORTEST,
            longest: LONGEST_KEY,
        },
    })
}

/// By what a person recognises a key.
fn short(key: &str) -> String {
    let end: String = key
        .chars()
        .skip(key.chars().count().saturating_sub(4))
        .collect();
    format!("sk-...{end}")
}
