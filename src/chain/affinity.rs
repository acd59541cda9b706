//! Which deployment of a group a session stays with, for the sake of its prompt cache.
//!
//! A prompt cache lives in one region, so each change of deployment pays for the whole prompt again. A session has a
//! *home*: rendezvous hashing by weight, on which all instances agree without asking. It leaves it for a failure, a
//! cooldown or a full limit, and then an item of the table says where it went: there it stays, on every instance, as
//! long as its cache is warm, and then comes home, where nothing is lost any more. A session that is at home, and a
//! group of one deployment, read and write nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::conversation::{Part, Request, Role};
use crate::store::{Item, keys};

use super::interface::ChainOptions;
use super::queue::QueuedTarget;
use super::routes::Routes;
use super::shared_state::SHARED_CALL_LIMIT;
use super::target::Target;

/// How long a request waits to learn where its session went; after that it goes home.
const LONGEST_LOOKUP: Duration = Duration::from_millis(100);
/// The bytes of a text that are hashed into a session's id: prompts may have megabytes.
const HASHED_BYTES: usize = 16 * 1024;
/// An item is written anew when it has lost so much of its life: agents ask every few seconds.
const RENEWED_AFTER: Duration = Duration::from_secs(60);

/// The session of a request, of one owner and group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffinitySession {
    /// A hash: clients' words stand in no key.
    id: String,
    /// The model has answered in it already, so that it may have gone elsewhere.
    has_begun: bool,
    /// Where it went, if it did and its cache is warm.
    away: Option<Away>,
}

/// Where a session went, as the table keeps it under the session's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Away {
    deployment: String,
    until: Timestamp,
}

/// What tells one session of an owner from another.
#[derive(Debug, Clone, Copy)]
pub enum SessionName<'a> {
    /// The client's own id.
    OfClient(&'a str),
    /// All requests of the owner are one.
    OfOwner,
    /// How the conversation begins: the system prompt and the user's first words.
    OfBeginning,
}

impl AffinitySession {
    /// The session of `request` to a group. `owner` is the principal that asks: sessions of different owners never
    /// match.
    pub fn new(owner: &str, group: &str, name: SessionName<'_>, request: &Request) -> Self {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.len().to_be_bytes());
            let bytes = text.as_bytes();
            hash.update(bytes.get(..HASHED_BYTES).unwrap_or(bytes));
        };
        add(owner);
        add(group);
        match name {
            SessionName::OfClient(id) => add(id),
            SessionName::OfOwner => {}
            SessionName::OfBeginning => {
                let first = request.turns.iter().find(|turn| turn.role == Role::User);
                let first = first.into_iter().flat_map(|turn| &turn.parts);
                for part in request.system.iter().chain(first) {
                    if let Part::Text(text) = part {
                        add(text);
                    }
                }
            }
        }
        Self {
            id: hex::encode(hash.finalize()),
            has_begun: request
                .turns
                .iter()
                .any(|turn| turn.role == Role::Assistant),
            away: None,
        }
    }

    /// How much a target is the session's own: the larger, the earlier it is asked. A target of twice the weight is the
    /// home of twice as many sessions, and one that comes or goes moves no others.
    pub(super) fn score(&self, deployment: &str, weight: f64) -> f64 {
        let mut hash = Sha256::new();
        hash.update(&self.id);
        hash.update(deployment);
        let digest: [u8; 32] = hash.finalize().into();
        let (first, _) = digest.split_at(8);
        let number = first
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        // Between 0 and 1, neither included.
        #[allow(clippy::cast_precision_loss)]
        let drawn = (number as f64 + 0.5) / (u64::MAX as f64 + 1.0);
        weight / -drawn.ln()
    }
}

impl Routes {
    /// Finds out where the session of a request went, if it may have gone. Waits for at most 100 ms.
    pub async fn locate_session(&self, options: &mut ChainOptions) {
        let Some(session) = &options.session else {
            return;
        };
        let Some(shared_state) = self.shared_state.as_ref().filter(|_| session.has_begun) else {
            return;
        };
        if self.targets(&options.group).len() < 2 {
            return;
        }
        let key = keys::affinity(&session.id);
        let away = match timeout(LONGEST_LOOKUP, shared_state.table.get::<Away>(&key)).await {
            Ok(Ok(away)) => away,
            Ok(Err(error)) => {
                tracing::warn!(%error, "where a session went could not be read");
                None
            }
            // Late: it goes home.
            Err(_) => None,
        };
        let now = self.clock().now();
        if let Some(session) = &mut options.session {
            session.away = away.filter(|away| away.until > now);
        }
    }

    /// Moves the deployment that a session went to before all others of its group.
    pub(super) fn move_current_deployment_first(
        targets: &mut [Arc<Target>],
        session: &AffinitySession,
    ) {
        let Some(away) = &session.away else {
            return;
        };
        let mut places = targets.iter();
        let place = places.position(|target| target.deployment_id() == away.deployment);
        if let Some(place) = place
            && let Some(before) = targets.get_mut(..=place)
        {
            before.rotate_right(1);
        }
    }

    /// Remembers which target of its group has the session's cache now, as long as `life` says that it is warm.
    pub(super) fn remember_session(
        &self,
        options: &ChainOptions,
        answering: &QueuedTarget,
        life: Duration,
    ) -> Option<JoinHandle<()>> {
        let (session, shared_state) = (options.session.as_ref()?, self.shared_state.as_ref()?);
        if answering.hop != 0 {
            return None;
        }
        let at_home = AffinitySession {
            away: None,
            ..session.clone()
        };
        let targets = self.allowed_targets(options, &at_home);
        let [home, _, ..] = targets.as_slice() else {
            return None;
        };
        let (deployment, now) = (answering.target.deployment_id(), self.clock().now());
        let key = keys::affinity(&session.id);
        if home.deployment_id() == deployment {
            session.away.as_ref()?;
            let table = shared_state.table.clone();
            return Some(tokio::spawn(async move {
                match timeout(SHARED_CALL_LIMIT, table.delete(&key)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "that a session came home could not be written");
                    }
                    Err(_) => tracing::warn!("that a session came home was not written in time"),
                }
            }));
        }
        let until = now.checked_add(life).unwrap_or(Timestamp::MAX);
        let is_fresh = |away: &Away| {
            let left = until.duration_since(away.until).unsigned_abs();
            away.deployment == deployment && left < RENEWED_AFTER
        };
        if session.away.as_ref().is_some_and(is_fresh) {
            return None;
        }
        let away = Away {
            deployment: deployment.to_owned(),
            until,
        };
        let item = Item::new(&key, &away).map(|item| item.expires(until));
        Some(shared_state.write_item(item, "where a session went"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: usize) -> AffinitySession {
        let id = id.to_string();
        let name = SessionName::OfClient(&id);
        AffinitySession::new("owner", "group", name, &Request::default())
    }

    fn home<'a>(session: &AffinitySession, targets: &[(&'a str, f64)]) -> &'a str {
        let scores = targets
            .iter()
            .map(|(name, weight)| (session.score(name, *weight), *name));
        scores
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap()
            .1
    }

    #[test]
    fn sessions_are_spread_by_weight_and_only_those_of_a_target_move_when_it_goes() {
        let all = [("a", 2.0), ("b", 1.0), ("c", 1.0), ("reserve", 0.0)];
        let mut at_a = 0;
        for id in 0..4_000 {
            let session = session(id);
            let first = home(&session, &all);
            at_a += usize::from(first == "a");
            assert_ne!(first, "reserve");
            if first != "c" {
                assert_eq!(home(&session, &all[..2]), first);
            }
        }
        assert!((1_900..2_100).contains(&at_a), "{at_a}");
    }

    #[test]
    fn a_session_is_its_owner_s_its_group_s_and_its_client_s() {
        let request = Request::default();
        let name = SessionName::OfClient("s");
        let one = AffinitySession::new("o", "g", name, &request);
        for (owner, group, name) in [
            ("p", "g", name),
            ("o", "h", name),
            ("o", "g", SessionName::OfClient("t")),
            ("o", "g", SessionName::OfOwner),
            ("og", "", name),
        ] {
            assert_ne!(
                AffinitySession::new(owner, group, name, &request).id,
                one.id
            );
        }
    }
}
