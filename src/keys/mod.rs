//! Who may call: the master key, who may open the admin pages, and what is known of a caller.
//!
//! No HTTP here: a key comes in as text and goes out as a [`Caller`] or not at all.

mod login;
mod master;

pub use login::Login;
pub use master::{MasterKey, MasterKeyError};

/// Who sent a request, once its key was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// SHA-256 of the key, in hex; empty where no key is configured.
    pub key_hash: String,
    /// The key's name in logs and reports.
    pub alias: String,
}
