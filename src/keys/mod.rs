//! Keys and what they may do: the master key, the keys that the gateway makes, their limits and budgets, and the login
//! of the admin pages.
//!
//! No HTTP here: a key comes in as text and goes out as a [`Caller`] or not at all. [`Keyring`] is the interface: for
//! requests `present`, `present_token`, `check_known_limits`, `admit`, `holds`, `release_slot` and `release_limits`,
//! and `admit_count` and `count_rejected` for requests that no model answers; for managing keys `generate`, `get`,
//! `list`, `update`, `block`, `delete` and `regenerate`, and `budget_usage` for what they have spent. `from_litellm`
//! takes over keys that a LiteLLM proxy has made.

mod access;
mod account_locks;
mod admission;
mod alias;
mod bound;
mod budget;
mod claimant;
mod cost_bound;
mod counted_prompts;
mod digest;
mod error;
#[cfg(feature = "local")]
pub mod from_litellm;
mod holds;
#[cfg(feature = "local")]
mod import;
mod keyring;
mod limit;
mod limits;
mod login;
mod manage;
mod master;
mod published;
mod reached;
mod refused_keys;
mod settings;
mod slots;
mod token_callers;
mod virtual_key;

use std::sync::Arc;

pub use crate::config::Period;
use crate::identity::KeyOwners;
pub use crate::identity::{Change, Directory};
pub use access::lists;
pub use admission::{Admission, Denied, KeyUsage, OverBudget};
pub use budget::{BudgetUsage, CommonBudget};
pub use error::{KeyError, KeyRefusal};
pub use holds::Holds;
pub use keyring::{KEY_COPY_FRESH, KeyOptions, Keyring, PresentedKey};
pub use limit::LimitScope;
pub use limits::{KeyRates, LimitsTaken, Remaining};
pub use login::Login;
pub use manage::{NewKey, named};
pub use master::{MasterKey, MasterKeyError};
pub use refused_keys::{RefusedKeys, RefusedOfDay};
pub use settings::{KeyChanges, KeySettings};
pub use token_callers::Person;
pub(crate) use virtual_key::hash_of;
pub use virtual_key::{KeyStatus, VirtualKey};

/// The caller of a request, once its key was found good.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// SHA-256 of the key, in hex; empty where no key is configured.
    pub key_hash: String,
    /// The key's name in logs and reports.
    pub alias: String,
    /// Whether this key's prompts and replies are stored; `None`: as configured.
    pub store_prompts: Option<bool>,
    /// The key that the gateway has made; `None`: the master key, which may do everything.
    pub virtual_key: Option<Arc<VirtualKey>>,
    /// The key's team, member and user.
    pub owners: KeyOwners,
}

impl Caller {
    /// Whether this is the master key, or a gateway without one.
    pub fn is_admin(&self) -> bool {
        self.virtual_key.is_none()
    }
}
