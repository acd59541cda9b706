//! Why a team, a member, a user or a customer could not be made, read or changed.

use crate::store::StoreError;

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{param}' {wanted}")]
pub struct InvalidSetting {
    /// The setting.
    pub param: &'static str,
    /// What would be right.
    pub wanted: String,
}

impl InvalidSetting {
    pub(crate) fn new(param: &'static str, wanted: impl Into<String>) -> Self {
        Self {
            param,
            wanted: wanted.into(),
        }
    }
}

/// Why a team, a member, a user or a customer could not be made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is none of this id.
    #[error("{what} not found, passed {param}: {id}.")]
    NotFound {
        /// What: `Team`.
        what: &'static str,
        /// The field that names it.
        param: &'static str,
        /// The id.
        id: String,
    },
    /// One of this id exists, or did.
    #[error("{0}")]
    Exists(String),
    /// The configuration's file has it, and the API cannot change it.
    #[error(
        "Team {0} is in the configuration's file (general_settings.teams) and is changed there: the API reads it only."
    )]
    InFile(String),
    /// A setting makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidSetting),
    /// Others have changed it at the same time, again and again.
    #[error("it is being changed by another request just now")]
    Contended,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
