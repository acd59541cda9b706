//! Keys that members make for themselves: they may do no more than the member's own tokens, and end.

use jiff::Timestamp;

use super::super::form::FormFields;
use super::super::session::SignedInPerson;
use super::super::texts::{Told, texts};
use crate::app::AppState;
use crate::config::Period;
use crate::keys::{KeyChanges, KeyError, NewKey};

/// How many keys a person may have at a time.
const MOST_KEYS: usize = 20;
/// How long a key lives where the configuration does not say.
const USUAL_LIFE: &str = "30d";

/// What a member wants of a key.
#[derive(Debug, Default)]
pub(super) struct KeyWish {
    pub(super) alias: String,
    pub(super) duration: String,
}

/// Why a key was not made.
#[derive(Debug)]
pub(super) enum NotMade {
    /// What the form says.
    Said(String),
    Failed(KeyError),
}

/// The longest life of a key that a member makes.
pub(super) fn longest_life(app: &AppState) -> Option<Period> {
    let configured = app.config.general.identity.key_max_duration;
    configured.or_else(|| USUAL_LIFE.parse().ok())
}

impl KeyWish {
    pub(super) fn read(fields: &FormFields) -> Self {
        Self {
            alias: fields.get("alias").trim().to_owned(),
            duration: fields.get("duration").trim().to_owned(),
        }
    }

    /// The settings of the key.
    pub(super) fn changes(
        &self,
        person: &SignedInPerson,
        longest: Option<Period>,
        now: Timestamp,
    ) -> Result<KeyChanges, NotMade> {
        let t = &texts().me;
        let wanted = if self.duration.is_empty() {
            longest
        } else {
            let wanted: Option<Period> = self.duration.parse().ok();
            Some(wanted.ok_or_else(|| NotMade::Said(t.wants_duration.to_owned()))?)
        };
        let is_too_long = match (wanted, longest) {
            (Some(wanted), Some(longest)) => wanted.after(now) > longest.after(now),
            // No end is longer than any.
            _ => true,
        };
        if is_too_long {
            let longest = longest
                .map(|longest| longest.to_string())
                .unwrap_or_default();
            return Err(NotMade::Said(format!("{} {longest}.", t.too_long)));
        }
        let alias = Some(self.alias.clone()).filter(|alias| !alias.is_empty());
        Ok(KeyChanges {
            key_alias: alias.map(Some),
            user_id: Some(Some(person.user_id.clone())),
            team_id: person.team.clone().map(Some),
            models: person.models.clone().map(Some),
            duration: wanted.map(Some),
            ..KeyChanges::default()
        })
    }
}

/// Makes the key.
pub(super) async fn make(
    app: &AppState,
    person: &SignedInPerson,
    changes: &KeyChanges,
) -> Result<NewKey, NotMade> {
    let t = &texts().me;
    // An empty list would be all models.
    if person.models.as_ref().is_some_and(Vec::is_empty) {
        return Err(NotMade::Said(t.no_models.to_owned()));
    }
    let now = app.keys.now();
    let own = app.keys.keys_of(None, Some(&person.user_id)).await;
    let own = own.map_err(NotMade::Failed)?;
    if own.iter().filter(|key| !key.is_over(now)).count() >= MOST_KEYS {
        return Err(NotMade::Said(format!("{} {MOST_KEYS}.", t.too_many)));
    }
    let made = app.keys.generate(changes, None, &person.label).await;
    made.map_err(|error| match error {
        KeyError::Invalid { .. } | KeyError::AliasTaken(_) | KeyError::NoTeam(_) => {
            NotMade::Said(error.told())
        }
        other => NotMade::Failed(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> SignedInPerson {
        SignedInPerson {
            principal: "p".to_owned(),
            issuer: "i".to_owned(),
            user_id: "maria".to_owned(),
            label: "maria@example.com".to_owned(),
            team: Some("tools".to_owned()),
            models: Some(vec!["primary".to_owned()]),
        }
    }

    #[test]
    fn a_key_of_one_s_own_ends_and_may_do_no_more_than_its_owner() {
        let now = Timestamp::now();
        let longest: Period = "30d".parse().unwrap();
        for (duration, expected) in [
            ("", Some("30d")),
            ("30d", Some("30d")),
            ("12h", Some("12h")),
            ("31d", None),
            ("1y", None),
            ("for ever", None),
            ("-1d", None),
        ] {
            let wish = KeyWish {
                alias: String::new(),
                duration: duration.to_owned(),
            };
            let changes = wish.changes(&person(), Some(longest), now).ok();
            let life = changes
                .as_ref()
                .and_then(|changes| changes.duration.flatten());
            let life = life.map(|life| life.to_string());
            assert_eq!(life.as_deref(), expected, "{duration}");
            if let Some(changes) = changes {
                assert_eq!(changes.user_id, Some(Some("maria".to_owned())));
                assert_eq!(changes.team_id, Some(Some("tools".to_owned())));
                assert_eq!(changes.models, Some(Some(vec!["primary".to_owned()])));
                assert_eq!(changes.key_alias, None);
            }
        }
    }
}
