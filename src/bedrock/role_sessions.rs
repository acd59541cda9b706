//! Sessions of an assumed role for each team or key, so that AWS's bill tells them apart: by the session's name
//! (`line_item_iam_principal`) and by its tags (`iamPrincipal/team`).
//!
//! A session is a client with credentials of its own. They are fetched once however many requests wait for them, and
//! anew before they end.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{Builder, IdentityCache, Region};
use tokio::time::Instant;

/// The most sessions that have a client at a time: the least recently used one goes.
const MOST_SESSIONS: usize = 50;

/// Credentials are fetched anew so long before they end. A session of a function's role lasts an hour at most.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(5 * 60);

/// The longest session name that STS takes, and what stands for a caller without a team or a key.
const LONGEST_NAME: usize = 64;
const NONE: &str = "none";

/// Who calls, as far as sessions are told apart by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SessionCaller {
    /// The team's id; empty: none.
    pub team: String,
    /// The key's alias.
    pub key: String,
}

/// The sessions of one role.
#[derive(Clone)]
pub(super) struct RoleSessions(Arc<RoleSessionsInner>);

struct RoleSessionsInner {
    role: SessionRole,
    clients: Mutex<HashMap<SessionCaller, (Client, Instant)>>,
}

/// The role whose sessions these are, and how they are called.
pub(super) struct SessionRole {
    pub(super) arn: String,
    /// With `{team}` or `{key}` in it.
    pub(super) name_template: String,
    pub(super) external_id: Option<String>,
    pub(super) region: Region,
    /// The identity that assumes the role.
    pub(super) source: SdkConfig,
    /// A client's configuration but for its credentials.
    pub(super) client: Builder,
}

impl fmt::Debug for RoleSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoleSessions")
            .field(&self.0.role.arn)
            .finish()
    }
}

/// Whether a session's name says who calls.
pub(super) fn is_template(name: &str) -> bool {
    ["{team}", "{key}"].iter().any(|place| name.contains(place))
}

impl RoleSessions {
    pub(super) fn new(role: SessionRole) -> Self {
        Self(Arc::new(RoleSessionsInner {
            role,
            clients: Mutex::default(),
        }))
    }

    /// The client with the caller's session.
    pub(super) async fn client(&self, caller: &SessionCaller) -> Client {
        let session = self.0.role.told_apart(caller);
        if let Some(client) = self.known(&session) {
            return client;
        }
        let client = self.0.role.client_of(&session).await;
        let now = Instant::now();
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Another request may have made it meanwhile: both fetch their credentials from the same one.
        let (client, _) = clients.entry(session).or_insert((client, now)).clone();
        if clients.len() > MOST_SESSIONS {
            let oldest = clients.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(session, _)| session.clone()) {
                clients.remove(&oldest);
            }
        }
        client
    }

    fn known(&self, session: &SessionCaller) -> Option<Client> {
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (client, used) = clients.get_mut(session)?;
        *used = Instant::now();
        Some(client.clone())
    }
}

impl SessionRole {
    /// The caller without what the name does not say: those who share a session share its client.
    fn told_apart(&self, caller: &SessionCaller) -> SessionCaller {
        let kept = |place: &str, value: &str| {
            let is_told = self.name_template.contains(place);
            let value = if value.is_empty() { NONE } else { value };
            if is_told {
                value.to_owned()
            } else {
                String::new()
            }
        };
        SessionCaller {
            team: kept("{team}", &caller.team),
            key: kept("{key}", &caller.key),
        }
    }

    async fn client_of(&self, session: &SessionCaller) -> Client {
        let mut role = aws_config::sts::AssumeRoleProvider::builder(&self.arn)
            .session_name(session_name(&self.name_template, session))
            .tags(tags(session))
            .region(self.region.clone());
        if let Some(id) = &self.external_id {
            role = role.external_id(id);
        }
        let role = role.configure(&self.source).build().await;
        // Of its own: what goes with a client goes from memory.
        let cache = IdentityCache::lazy()
            .buffer_time(RENEWED_BEFORE_END)
            .build();
        let config = self.client.clone().identity_cache(cache);
        Client::from_conf(config.credentials_provider(role).build())
    }
}

/// The name as STS takes it: what it does not take is a dash
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
fn session_name(template: &str, session: &SessionCaller) -> String {
    // Piece by piece: what a caller is called is no template.
    let by_team = template
        .split("{team}")
        .map(|piece| piece.replace("{key}", &session.key));
    let name = by_team.collect::<Vec<_>>().join(&session.team);
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name = name.chars().map(|c| if is_taken(c) { c } else { '-' });
    let mut name: String = name.take(LONGEST_NAME).collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

/// The tags of a session, in what characters AWS takes.
fn tags(session: &SessionCaller) -> Vec<(&'static str, String)> {
    /// The longest value of a tag.
    const LONGEST_VALUE: usize = 256;
    let value = |text: &str| {
        let is_taken = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
        let taken = text.chars().map(|c| if is_taken(c) { c } else { '-' });
        taken.take(LONGEST_VALUE).collect::<String>()
    };
    let all = [("team", &session.team), ("key", &session.key)];
    let told = all.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| (name, value(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_sts_takes() {
        let session = |team: &str, key: &str| SessionCaller {
            team: team.to_owned(),
            key: key.to_owned(),
        };
        for (template, session, expected) in [
            ("gw-{team}", session("apps", ""), "gw-apps"),
            ("{key}@{team}", session("a b/c", "maria's"), "maria-s@a-b-c"),
            ("{team}", session("é", ""), "--"),
            (
                "gw-{team}",
                session(&"x".repeat(200), ""),
                &format!("gw-{}", "x".repeat(61)),
            ),
            // What a caller is called is no template.
            ("{team}-{key}", session("{key}", "k"), "-key--k"),
        ] {
            let name = session_name(template, &session);
            assert_eq!(name, expected);
            assert!((2..=64).contains(&name.len()), "{name}");
        }
    }

    #[test]
    fn a_tag_has_what_the_name_says_and_no_more() {
        let session = SessionCaller {
            team: "a\"b".to_owned(),
            key: String::new(),
        };
        assert_eq!(tags(&session), [("team", "a-b".to_owned())]);
    }
}
