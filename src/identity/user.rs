//! A user: what all of a person's keys may do together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::change::set;
use super::row::Row;
use super::{
    Allowance, AllowanceChanges, Change, InvalidSetting, as_text, check_metadata, check_text, given,
};
use crate::store::{Key, keys};

/// A user as the table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What keys name the user by.
    pub user_id: String,
    /// Counts up by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What may be changed.
    #[serde(default)]
    pub settings: UserSettings,
}

/// What may be set of a user. The reference system's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserSettings {
    /// The address; nothing is sent to it.
    pub user_email: Option<String>,
    /// A name for people.
    pub user_alias: Option<String>,
    /// What the user's keys may use together.
    pub allowance: Allowance,
    /// Free notes.
    #[serde(with = "as_text")]
    pub metadata: Map<String, Value>,
    /// The user's keys are refused until this is unset.
    pub blocked: bool,
}

/// Changes of a user's settings beside the [`Allowance`]. A field that is missing changes nothing, `null` unsets.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // The fields of `UserSettings`.
pub struct UserChanges {
    #[serde(skip)]
    pub allowance: AllowanceChanges,
    #[serde(deserialize_with = "given")]
    pub user_email: Change<String>,
    #[serde(deserialize_with = "given")]
    pub user_alias: Change<String>,
    #[serde(deserialize_with = "given")]
    pub metadata: Change<Map<String, Value>>,
    #[serde(deserialize_with = "given")]
    pub blocked: Change<bool>,
}

impl UserChanges {
    /// The fields' names in JSON, beside those of [`AllowanceChanges`].
    pub const FIELDS: [&'static str; 4] = ["user_email", "user_alias", "metadata", "blocked"];
}

impl User {
    pub(super) fn new(user_id: String, now: Timestamp) -> User {
        User {
            user_id,
            // A later user of this id has a later version.
            version: now.as_second().unsigned_abs(),
            created_at: now,
            updated_at: now,
            settings: UserSettings::default(),
        }
    }

    pub(super) fn changed(
        &self,
        changes: &UserChanges,
        now: Timestamp,
    ) -> Result<User, InvalidSetting> {
        let mut changed = self.clone();
        let settings = &mut changed.settings;
        settings.allowance.apply(&changes.allowance);
        if let Some(email) = &changes.user_email {
            settings.user_email.clone_from(email);
        }
        if let Some(alias) = &changes.user_alias {
            settings.user_alias.clone_from(alias);
        }
        set(&mut settings.metadata, &changes.metadata);
        set(&mut settings.blocked, &changes.blocked);
        settings.allowance.check()?;
        check_text("user_email", settings.user_email.as_deref())?;
        check_text("user_alias", settings.user_alias.as_deref())?;
        check_metadata(&settings.metadata)?;
        check_text("user_id", Some(&changed.user_id))?;
        changed.version += 1;
        changed.updated_at = now;
        Ok(changed)
    }
}

impl Row for User {
    fn key(&self) -> Key {
        keys::user(&self.user_id)
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn listed_under(&self) -> String {
        keys::USERS.to_owned()
    }
}
