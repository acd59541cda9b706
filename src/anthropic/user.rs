//! `metadata.user_id`: the user, and with some clients the session.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::wire::loose::{Form, object};
use crate::wire::{ClaudeCodeUser, DroppedFields, Loose};

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MessagesMetadata {
    user_id: Loose<String>,
}

impl Form for MessagesMetadata {
    const EXPECTED: &'static str = "an object";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// What a user id says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MetadataUser {
    pub(super) user: Option<String>,
    pub(super) session: Option<String>,
}

impl MessagesMetadata {
    /// Claude Code packs three ids into one: as JSON today (`{"device_id", "account_uuid", "session_id"}`), as
    /// `user_…_account_…_session_…` before. Every other id is a user.
    pub(super) fn into_user(self, dropped: &mut DroppedFields) -> MetadataUser {
        let id = self.user_id.or_dropped("metadata.user_id", dropped);
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return MetadataUser::default();
        };
        if let Some(ids) = ClaudeCodeUser::read(&id) {
            return MetadataUser {
                user: ids.account_uuid.or(ids.device_id),
                session: ids.session_id,
            };
        }
        match id.rsplit_once("_session_") {
            Some((user, session)) => MetadataUser {
                user: Some(user.trim_end_matches("_account_").to_owned()),
                session: Some(session.to_owned()),
            },
            None => MetadataUser {
                user: Some(id),
                session: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_names_a_user_and_with_claude_code_a_session() {
        let cases = [
            (
                r#"{"device_id":"d","account_uuid":"","session_id":"s"}"#,
                (Some("d"), Some("s")),
            ),
            (
                r#"{"device_id":"d","account_uuid":"a","session_id":"s"}"#,
                (Some("a"), Some("s")),
            ),
            ("user_d_account__session_s", (Some("user_d"), Some("s"))),
            (
                "user_d_account_a_session_s",
                (Some("user_d_account_a"), Some("s")),
            ),
            ("somebody", (Some("somebody"), None)),
            ("", (None, None)),
        ];
        for (id, (user, session)) in cases {
            let metadata = MessagesMetadata {
                user_id: Loose::Given(id.to_owned()),
            };
            let expected = MetadataUser {
                user: user.map(str::to_owned),
                session: session.map(str::to_owned),
            };
            assert_eq!(
                metadata.into_user(&mut DroppedFields::default()),
                expected,
                "{id}"
            );
        }
    }
}
