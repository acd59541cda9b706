//! Where an issuer's keys come from: this process, else the table, else the issuer.
//!
//! They are good for an hour, and for another one while the issuer does not answer. A token that names a key that is
//! not among them has them fetched anew, at most once a minute. All instances share a copy in the table, with the time
//! of the last try: a thousand that start at once do not each ask the issuer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::discovery::{Discovery, MOST_BYTES, named_address};
use super::jwk::KeySet;
use crate::config::TokenIssuer;
use crate::store::{Item, Key, StoreError, Table, keys};
use crate::web::WebCall;

/// An issuer's keys that are older are fetched again.
const ISSUER_KEYS_FRESH: SignedDuration = SignedDuration::from_hours(1);
/// While the issuer does not answer, its keys are used until they are this old.
const STALE: SignedDuration = SignedDuration::from_hours(2);
const BETWEEN_TRIES: SignedDuration = SignedDuration::from_secs(60);
/// How long the issuer may take for one answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);

/// An issuer's keys, wherever they are. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct KeySource(Arc<Source>);

#[derive(Debug)]
struct Source {
    issuer: String,
    jwks: Option<Url>,
    /// Its discovery document is needed for more than its keys.
    has_sign_in: bool,
    place: Key,
    table: Table,
    known: Mutex<Option<Known>>,
    /// Locked while the table or the issuer is asked.
    asking: tokio::sync::Mutex<()>,
}

/// What is known of an issuer.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) keys: Arc<KeySet>,
    pub(super) discovery: Option<Arc<Discovery>>,
    fetched_at: Timestamp,
    tried_at: Timestamp,
}

/// An issuer's keys as the table keeps them.
#[derive(Serialize, Deserialize)]
struct StoredKeys {
    version: u64,
    jwks: String,
    #[serde(default)]
    discovery: Option<Discovery>,
    fetched_at: Timestamp,
    /// When an instance last asked the issuer.
    tried_at: Timestamp,
}

impl KeySource {
    pub(super) fn new(issuer: &TokenIssuer, table: Table) -> Self {
        let from = issuer
            .jwks
            .as_ref()
            .map_or(issuer.issuer.as_str(), Url::as_str);
        Self(Arc::new(Source {
            issuer: issuer.issuer.clone(),
            jwks: issuer.jwks.clone(),
            has_sign_in: issuer.sign_in.is_some(),
            place: keys::issuer_keys(from),
            table,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }))
    }

    /// The keys. `before`: those among which a token's was not.
    pub(super) async fn get(&self, now: Timestamp, before: Option<&Known>) -> Option<Known> {
        let source = &self.0;
        if let Some(known) = source.newer(before).filter(|known| known.is_fresh(now)) {
            return Some(known);
        }
        let _asking = source.asking.lock().await;
        // Another request may have asked meanwhile.
        if let Some(known) = source.newer(before).filter(|known| known.is_fresh(now)) {
            return Some(known);
        }
        if before.is_some() && source.was_tried(now) {
            return source.usable(now);
        }
        let stored = source.read_stored().await;
        if let Some(known) = source.newer(before).filter(|known| known.is_fresh(now)) {
            return Some(known);
        }
        if source.was_tried(now) {
            return source.usable(now);
        }
        source.ask(now, stored).await;
        source.usable(now)
    }
}

impl Source {
    fn known(&self) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// What is known, if it is newer than this.
    fn newer(&self, before: Option<&Known>) -> Option<Known> {
        let is_newer =
            |known: &Known| before.is_none_or(|before| known.fetched_at > before.fetched_at);
        self.known().filter(is_newer)
    }

    /// What is known, if it may still be used.
    fn usable(&self, now: Timestamp) -> Option<Known> {
        let is_usable = |known: &Known| now.duration_since(known.fetched_at) <= STALE;
        self.known().filter(|known| is_usable(known))
    }

    fn was_tried(&self, now: Timestamp) -> bool {
        self.known()
            .is_some_and(|known| now.duration_since(known.tried_at) < BETWEEN_TRIES)
    }

    fn keep(&self, stored: &StoredKeys) {
        let Some(keys) = KeySet::read(&stored.jwks) else {
            return;
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Known {
            keys: Arc::new(keys),
            discovery: stored.discovery.clone().map(Arc::new),
            fetched_at: stored.fetched_at,
            tried_at: stored.tried_at,
        });
    }

    /// Reads the table's copy, and keeps it. A table that does not answer is as if it had none.
    async fn read_stored(&self) -> Option<StoredKeys> {
        let stored = match self.table.get::<StoredKeys>(&self.place).await {
            Ok(stored) => stored?,
            Err(error) => {
                tracing::warn!(%error, "the keys of an identity provider could not be read from the table");
                return None;
            }
        };
        let is_newer = |known: Known| known.tried_at <= stored.tried_at;
        if self.known().is_none_or(is_newer) {
            self.keep(&stored);
        }
        Some(stored)
    }

    /// Asks the issuer, and puts what it answers, or that it was asked, where all instances find it.
    async fn ask(&self, now: Timestamp, stored: Option<StoredKeys>) {
        let version = stored.as_ref().map(|stored| stored.version);
        let next_version = version.unwrap_or_default() + 1;
        let next = match self.fetch().await {
            Ok((jwks, discovery)) => {
                let fetched = StoredKeys {
                    version: next_version,
                    jwks,
                    discovery,
                    fetched_at: now,
                    tried_at: now,
                };
                self.keep(&fetched);
                fetched
            }
            Err(problem) => {
                tracing::warn!(
                    issuer = self.issuer,
                    problem,
                    "the keys of an identity provider could not be fetched"
                );
                self.keep_try(now);
                let before = stored.unwrap_or_else(|| StoredKeys {
                    version: 0,
                    jwks: r#"{"keys":[]}"#.to_owned(),
                    discovery: None,
                    fetched_at: Timestamp::UNIX_EPOCH,
                    tried_at: now,
                });
                StoredKeys {
                    version: next_version,
                    tried_at: now,
                    ..before
                }
            }
        };
        match self.write(&next, version, now).await {
            // Another instance has asked at the same time.
            Ok(()) | Err(StoreError::ConditionFailed { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "the keys of an identity provider could not be put into the table");
            }
        }
    }

    /// Notes that the issuer was asked, and keeps what was known.
    fn keep_try(&self, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || Known {
            keys: Arc::default(),
            discovery: None,
            fetched_at: Timestamp::UNIX_EPOCH,
            tried_at: now,
        };
        known.get_or_insert_with(nothing).tried_at = now;
    }

    async fn write(
        &self,
        next: &StoredKeys,
        version: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = Item::new(&self.place, next)?.expires(now + STALE);
        self.table.put_over(item, version).await
    }

    async fn fetch(&self) -> Result<(String, Option<Discovery>), String> {
        let is_local = is_loopback(&self.issuer);
        let discovery = match self.jwks.is_none() || self.has_sign_in {
            true => Some(self.discover(is_local).await?),
            false => None,
        };
        let address = match (&self.jwks, &discovery) {
            (Some(jwks), _) => jwks.clone(),
            (None, Some(discovery)) => named_address(&discovery.jwks_uri, is_local)?,
            (None, None) => return Err("it names no keys".to_owned()),
        };
        let body = self.read(&address, is_local).await?;
        let jwks = String::from_utf8(body).map_err(|_| "its keys are not JSON".to_owned())?;
        let keys = KeySet::read(&jwks).ok_or("its keys are not a set of keys in JSON")?;
        if keys.is_empty() {
            return Err("it has no key with an id that signs".to_owned());
        }
        Ok((jwks, discovery))
    }

    async fn discover(&self, is_local: bool) -> Result<Discovery, String> {
        let address = Discovery::address(&self.issuer)?;
        let body = self.read(&address, is_local).await?;
        Discovery::read(&body, &self.issuer)
    }

    async fn read(&self, address: &Url, is_local: bool) -> Result<Vec<u8>, String> {
        let call = call(WebCall::get(address, "application/json"), is_local);
        match call.read(MOST_BYTES, LONGEST_ANSWER).await? {
            (200, body) => Ok(body.to_vec()),
            (status, _) => Err(format!("it answers {status} to {address}")),
        }
    }
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.fetched_at) <= ISSUER_KEYS_FRESH
    }
}

/// The call, where an issuer on this machine may be reached on this machine.
pub(super) fn call(call: WebCall<'_>, is_local: bool) -> WebCall<'_> {
    let on_this_machine = |ip: IpAddr| ip.is_loopback();
    if is_local {
        call.reaching(on_this_machine)
    } else {
        call
    }
}

/// Whether an issuer is on this machine: a test's.
pub(super) fn is_loopback(issuer: &str) -> bool {
    let url = Url::parse(issuer).ok().filter(|url| url.scheme() == "http");
    match url.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
