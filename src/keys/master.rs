//! The master key: known by its SHA-256 alone, compared in constant time.

use subtle::ConstantTimeEq;

use super::Caller;
use super::digest::digest;
use super::published::is_published;
use crate::identity::KeyOwners;

/// The alias of the master key in logs and records, as in the reference system.
const MASTER_KEY_ALIAS: &str = "litellm_proxy_master_key";

/// The alias of every caller where no key is configured.
const NO_KEY_ALIAS: &str = "no_key";

/// The key that may do everything.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    sha256: Option<[u8; 32]>,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why a process has no usable master key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Neither a key nor a hash, and no permission to go without.
    #[error(
        "no master key: set LITELLM_MASTER_KEY (in .env, or `make run` makes one), or MASTER_KEY_SHA256 to the key's \
         SHA-256 in hex; ALLOW_NO_MASTER_KEY=1 starts without one, on a loopback address only"
    )]
    Missing,
    /// The hash is not 64 hex digits.
    #[error(
        "MASTER_KEY_SHA256 must be the 64 hex digits of a SHA-256 (`printf %s \"$KEY\" | sha256sum`)"
    )]
    NotAHash,
    /// A key and a hash that do not belong together.
    #[error(
        "LITELLM_MASTER_KEY and MASTER_KEY_SHA256 are both set, but not for the same key: keep one of them"
    )]
    Different,
}

impl MasterKey {
    /// From the key itself, from its hash in hex, or both. `allow_none`: a process without a key takes every request.
    pub fn new(
        key: Option<&str>,
        sha256: Option<&str>,
        allow_none: bool,
    ) -> Result<Self, MasterKeyError> {
        let key = key.filter(|key| !key.is_empty()).map(digest);
        let given = sha256
            .filter(|hash| !hash.is_empty())
            .map(parse)
            .transpose()?;
        match (key, given) {
            (Some(key), Some(given)) if key != given => Err(MasterKeyError::Different),
            (None, None) if !allow_none => Err(MasterKeyError::Missing),
            (key, given) => Ok(Self {
                sha256: key.or(given),
            }),
        }
    }

    /// Whether it is one of the test credentials of `.env.example`.
    pub fn is_published(&self) -> bool {
        self.sha256.as_ref().is_some_and(is_published)
    }

    /// Whether no key is needed.
    pub fn is_open(&self) -> bool {
        self.sha256.is_none()
    }

    /// The caller, if `presented` is the master key.
    pub fn authenticate(&self, presented: &str) -> Option<Caller> {
        let digest = digest(presented);
        let known = self.sha256?;
        // Equal lengths and a comparison that takes as long wherever the difference is.
        bool::from(digest.ct_eq(&known)).then(|| Caller {
            key_hash: hex::encode(known),
            alias: MASTER_KEY_ALIAS.to_owned(),
            store_prompts: None,
            virtual_key: None,
            owners: KeyOwners::default(),
        })
    }

    /// Its SHA-256; `None`: no key is needed.
    pub(super) fn sha256(&self) -> Option<&[u8; 32]> {
        self.sha256.as_ref()
    }

    /// Whether this is the key's SHA-256 in hex: to name it in a report, never to admit a request.
    pub fn has_hash(&self, sha256: &str) -> bool {
        self.sha256
            .is_some_and(|known| hex::encode(known) == sha256)
    }

    /// The alias that records have for a key of this hash, if it is no key that the gateway has made.
    pub fn alias_of(&self, sha256: &str) -> Option<&'static str> {
        match sha256 {
            "" => Some(NO_KEY_ALIAS),
            own if self.has_hash(own) => Some(MASTER_KEY_ALIAS),
            _ => None,
        }
    }

    /// The caller of every request where no key is needed.
    pub fn anonymous_caller(&self) -> Option<Caller> {
        self.is_open().then(|| Caller {
            key_hash: String::new(),
            alias: NO_KEY_ALIAS.to_owned(),
            store_prompts: None,
            virtual_key: None,
            owners: KeyOwners::default(),
        })
    }
}

fn parse(sha256: &str) -> Result<[u8; 32], MasterKeyError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(sha256.trim(), &mut bytes).map_err(|_| MasterKeyError::NotAHash)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_KEY: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";

    #[test]
    fn a_key_and_its_hash_admit_the_same() {
        let by_hash = MasterKey::new(None, Some(HASH_OF_KEY), false).unwrap();
        let by_key = MasterKey::new(Some("key"), None, false).unwrap();
        assert_eq!(by_hash, by_key);
        assert!(by_hash.authenticate("key").is_some());
        assert!(by_hash.authenticate("Key").is_none());
        assert!(by_hash.authenticate("").is_none());
        assert!(by_hash.anonymous_caller().is_none());
    }

    #[test]
    fn a_process_without_a_key_does_not_start() {
        assert_eq!(
            MasterKey::new(None, None, false),
            Err(MasterKeyError::Missing)
        );
        assert_eq!(
            MasterKey::new(Some(""), Some(""), false),
            Err(MasterKeyError::Missing)
        );
        assert!(MasterKey::new(None, None, true).unwrap().is_open());
    }

    #[test]
    fn a_wrong_hash_is_told() {
        assert_eq!(
            MasterKey::new(None, Some("abc"), false),
            Err(MasterKeyError::NotAHash)
        );
        assert_eq!(
            MasterKey::new(Some("other"), Some(HASH_OF_KEY), false),
            Err(MasterKeyError::Different)
        );
    }
}
