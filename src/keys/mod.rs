//! Who may call, and how much: the master key, the keys that the gateway makes, who may open the admin pages, and what
//! is known of a caller.
//!
//! No HTTP here: a key comes in as text and goes out as a [`Caller`] or not at all. [`Keyring`] is the room's face: for
//! requests `present`, `admit`, `holds` and `settle`; for managing keys `generate`, `get`, `list`, `update`, `block`,
//! `delete` and `regenerate`, and `standing` for what they have spent.

mod access;
mod account_locks;
mod admission;
mod alias;
mod bound;
mod budget;
mod cost_bound;
mod counted_prompts;
mod error;
mod holds;
mod keyring;
mod limit;
mod limits;
mod login;
mod manage;
mod master;
mod published;
mod reached;
mod settings;
mod slots;
mod virtual_key;

use std::sync::Arc;

pub use crate::config::Period;
pub use admission::{Admitted, Denied, KeyUsage, OverBudget};
pub use budget::{BudgetStanding, CommonBudget};
pub use error::{KeyError, KeyRefusal};
pub use holds::Holds;
pub use keyring::{FRESH, KeyOptions, Keyring, Presented};
pub use limits::{KeyRates, RateReservation, Remaining, Scope};
pub use login::Login;
pub use manage::{NewKey, named};
pub use master::{MasterKey, MasterKeyError};
pub use settings::{Change, KeyChanges, KeySettings};
pub use virtual_key::{KeyStatus, VirtualKey};

/// Who sent a request, once its key was found good.
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
}

impl Caller {
    /// Whether this is the master key, or a gateway without one.
    pub fn is_admin(&self) -> bool {
        self.virtual_key.is_none()
    }
}
