//! One entry of the audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::time;

/// Longest text of an entry, in bytes: what somebody sends is not kept whole.
const LONGEST_TEXT: usize = 2_000;

/// Who has done something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditActor {
    /// What people call them: a key's name, a person's address, or the password of the pages.
    pub name: String,
    /// The hash of the key or of the person; empty: the password of the pages.
    pub hash: String,
    /// The client's address, where the shell knows it.
    #[serde(default)]
    pub from: Option<String>,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place in the log: its time, and what makes it unique.
    pub id: String,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What: the path of the API or of the page, or `read`.
    pub action: String,
    /// To what: a key's hash, a team, a user, a request.
    pub target: String,
    /// The fields that were given, secrets left out.
    pub changes: String,
}

impl AuditEntry {
    pub(super) fn new(
        time: Timestamp,
        actor: AuditActor,
        action: &str,
        target: String,
        changes: String,
    ) -> Self {
        Self {
            id: format!("{}#{}", time::sortable(time), Uuid::new_v4().simple()),
            time,
            actor,
            action: action.to_owned(),
            target: shortened(target),
            changes: shortened(changes),
        }
    }

    /// The time of the entry of this id; `None`: it is no entry's.
    pub(super) fn time_of(id: &str) -> Option<Timestamp> {
        let (time, unique) = id.split_once('#')?;
        let is_plain = unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
        time.parse().ok().filter(|_| is_plain)
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
