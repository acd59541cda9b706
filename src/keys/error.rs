//! Why a key is refused, and why one could not be managed.

use jiff::Timestamp;

use crate::identity::{InvalidSetting, Requirement, TokenRefusal};
use crate::store::{StoreError, TableFault};

/// Why a caller is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRefusal {
    /// It does not look like a key at all.
    NoKey,
    /// It is a token of an identity provider that is refused.
    Token(TokenRefusal),
    /// This key was never made, or it was deleted.
    Unknown,
    /// It is blocked.
    Blocked,
    /// The team of this id is blocked.
    TeamBlocked(String),
    /// The team of this id was deleted.
    TeamDeleted(String),
    /// The user of this id is blocked.
    UserBlocked(String),
    /// Its time was over at this instant.
    Expired(Timestamp),
    /// Whether it is good cannot be known just now: something is wrong with the table.
    Table(TableFault),
}

/// Why a key could not be made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("there is no such key")]
    NotFound,
    /// A setting makes no sense.
    #[error("'{param}' {wanted}")]
    Invalid {
        /// The setting.
        param: &'static str,
        /// What would be right.
        wanted: Requirement,
    },
    /// Another key has this alias.
    #[error("a key with the alias {0:?} exists already: aliases are unique")]
    AliasTaken(String),
    /// This very key exists, or did.
    #[error("this key exists already, or was deleted within 90 days")]
    Exists,
    /// There is no team of this id.
    #[error("Team doesn't exist in db. Team={0}. Create team via `/team/new` call.")]
    NoTeam(String),
    /// Others have changed the key at the same time, again and again.
    #[error("the key is being changed by another request just now")]
    Contended,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidSetting> for KeyError {
    fn from(InvalidSetting { param, wanted }: InvalidSetting) -> Self {
        Self::Invalid { param, wanted }
    }
}
