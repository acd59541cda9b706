//! What the bodies of `/user/…` say.

use serde::Deserialize;

use crate::http::fields::refuse_unknown;
use crate::identity::{AllowanceChanges, UserChanges};
use crate::keys::Period;
use crate::wire::{ApiError, read};

use super::view::ROLE;

/// Which user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserName {
    pub(super) user_id: Option<String>,
    user_role: Option<String>,
}

/// What is made beside a new user.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct NewUser {
    #[serde(deserialize_with = "or_default")]
    pub(super) teams: Vec<String>,
    #[serde(deserialize_with = "or_true")]
    pub(super) auto_create_key: bool,
    pub(super) key_alias: Option<String>,
    pub(super) duration: Option<Period>,
}

impl Default for NewUser {
    fn default() -> Self {
        Self {
            teams: Vec::new(),
            auto_create_key: true,
            key_alias: None,
            duration: None,
        }
    }
}

fn or_default<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

fn or_true<'de, D: serde::Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or(true))
}

/// Fields of these bodies beside a user's settings.
const OTHERS: [&str; 2] = ["user_id", "user_role"];
const NEW: [&str; 4] = ["teams", "auto_create_key", "key_alias", "duration"];
/// What the answers add; a client may send one back as it came.
const SHOWN: [&str; 6] = [
    "spend",
    "budget_reset_at",
    "created_at",
    "updated_at",
    "key_count",
    "note",
];

/// What is made beside the user whom a body describes.
pub(super) fn new(body: &[u8]) -> Result<NewUser, ApiError> {
    read(body)
}

/// The settings in a body, and whose they are.
pub(super) fn changes(body: &[u8]) -> Result<(UserName, UserChanges), ApiError> {
    let shown = [&OTHERS[..], &NEW[..], &SHOWN[..]].concat();
    let known: [&[&str]; 2] = [&UserChanges::FIELDS, &AllowanceChanges::FIELDS];
    refuse_unknown(body, &known, &shown, "A user")?;
    let named: UserName = read(body)?;
    if named.user_role.as_deref().is_some_and(|role| role != ROLE) {
        let message = format!(
            "'user_role' may be '{ROLE}': whoever has the master key may do everything, and nobody else manages anything."
        );
        return Err(ApiError::bad_request(message, "user_role"));
    }
    let changes = UserChanges {
        allowance: read(body)?,
        ..read(body)?
    };
    Ok((named, changes))
}
