//! Why a team, a member, a user or a customer could not be made, read or changed.

use std::fmt;

use crate::store::StoreError;

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{param}' {wanted}")]
pub struct InvalidSetting {
    /// The setting.
    pub param: &'static str,
    /// What would be right.
    pub wanted: Requirement,
}

impl InvalidSetting {
    pub(crate) fn new(param: &'static str, wanted: Requirement) -> Self {
        Self { param, wanted }
    }
}

/// What a setting has to be. Its words go on where the setting's name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A text that is not empty.
    Text {
        /// Its most bytes.
        longest: usize,
    },
    /// Dollars.
    Amount,
    /// It means nothing without another setting.
    TogetherWith(&'static str),
    /// A list or a map of names that are not empty.
    Names {
        /// How many there may be.
        most: usize,
        /// The most bytes of each.
        longest: usize,
    },
    /// A list of tags.
    Tags {
        /// How many there may be.
        most: usize,
        /// The most bytes of each.
        longest: usize,
    },
    /// Free notes.
    Metadata {
        /// The most bytes of their JSON.
        most: usize,
    },
    /// A key that somebody has chosen.
    Key {
        /// Its fewest characters.
        shortest: usize,
        /// Its most characters.
        longest: usize,
    },
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { longest } => write!(f, "must be a text of 1 to {longest} bytes."),
            Self::Amount => f.write_str("must be an amount of dollars, 0 or more."),
            Self::TogetherWith(other) => write!(f, "must be given together with '{other}'."),
            Self::Names { most, longest } => write!(
                f,
                "may hold {most} names at most, each of 1 to {longest} bytes."
            ),
            Self::Tags { most, longest } => write!(
                f,
                "may hold {most} tags at most, each of {longest} bytes at most."
            ),
            Self::Metadata { most } => write!(f, "may take {most} bytes of JSON at most."),
            Self::Key { shortest, longest } => write!(
                f,
                "must begin with 'sk-' and have {shortest} to {longest} visible ASCII characters, without spaces."
            ),
        }
    }
}

/// What is managed here and is named by an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKind {
    /// A team.
    Team,
    /// A member of a team.
    Member,
    /// A user.
    User,
    /// A customer.
    Customer,
}

impl IdentityKind {
    /// What it is called, and the field that names it, in LiteLLM's words.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Team => ("Team", "team id"),
            Self::Member => ("Member of the team", "user"),
            Self::User => ("User", "user id"),
            Self::Customer => ("End User Id", "end_user_id"),
        }
    }
}

/// What cannot be made, for it is there already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlreadyExists {
    /// A team of this id, which may have been deleted.
    #[error(
        "Team id = {0} already exists, or belonged to a team that was deleted. Please use a different team id."
    )]
    Team(String),
    /// A user of this id.
    #[error("User with id={0} already exists")]
    User(String),
    /// A membership.
    #[error("User {user} is a member of team {team} already.")]
    Member {
        /// The user's id.
        user: String,
        /// The team's id.
        team: String,
    },
}

/// Why a team, a member, a user or a customer could not be made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is none of this id.
    #[error("{} not found, passed {}: {id}.", kind.words().0, kind.words().1)]
    NotFound {
        /// What there is none of.
        kind: IdentityKind,
        /// The id.
        id: String,
    },
    /// One of this id exists, or did.
    #[error(transparent)]
    Exists(#[from] AlreadyExists),
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
