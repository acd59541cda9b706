//! Sessions: a random id in a cookie, its hash in the table. Each page looks its session up there, so that one that
//! was ended is dead on every instance at once.
//!
//! A session is bound to the login that made it: where the user, the password or the master key has changed, it is none.
//! Those that version 0.1 made are not bound, and so are none here.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::PageError;
use super::origin;
use super::texts::texts;
use crate::app::AppState;
use crate::keys::{Login, MasterKey};
use crate::store::{Item, StoreError, Table, Write, WriteLimits, keys};

const COOKIE_NAME: &str = "sidecar_session";
const PATH: &str = "/ui";
/// The way back to the login.
pub(super) const LOGIN: &str = "/ui/login";
/// A working day with its evening.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// A handler that takes a session is closed to everybody without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// What its forms carry.
    pub(super) csrf: String,
    sha256: String,
}

/// As the table keeps it.
#[derive(Serialize, Deserialize)]
struct StoredSession {
    csrf: String,
    until: Timestamp,
    /// [`Login::fingerprint`]; empty in sessions of version 0.1.
    #[serde(default)]
    login: String,
    /// How often all sessions had been ended when it began.
    #[serde(default)]
    generation: u64,
}

/// How often all sessions have been ended at once.
#[derive(Default, Deserialize)]
struct Generation {
    generation: u64,
}

/// The sessions of a gateway: where they are kept, and the login that they are bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sessions<'a> {
    table: &'a Table,
    login: &'a Login,
    master_key: &'a MasterKey,
}

impl<'a> Sessions<'a> {
    pub(super) fn of(app: &'a AppState) -> Self {
        Self {
            table: &app.table,
            login: &app.login,
            master_key: &app.master_key,
        }
    }

    /// Begins one and gives back its cookie's value.
    pub(super) async fn begin(self, now: Timestamp) -> Result<String, PageError> {
        let id = random()?;
        let until = now.checked_add(LIFE).unwrap_or(now);
        let stored = StoredSession {
            csrf: random()?,
            until,
            login: self.login.fingerprint(self.master_key, &id),
            // Read before the session is there: one that begins while all are ended is ended too.
            generation: self.generation().await?,
        };
        let item = Item::new(&keys::session(&hash(&id)), &stored)?;
        self.table.put(item.expires(until)).await?;
        Ok(id)
    }

    /// The session with this cookie's value.
    async fn find(self, id: &str) -> Result<Option<Session>, StoreError> {
        let sha256 = hash(id);
        let key = keys::session(&sha256);
        let (stored, generation) =
            tokio::try_join!(self.table.get::<StoredSession>(&key), self.generation())?;
        let fingerprint = self.login.fingerprint(self.master_key, id);
        let alive = stored.filter(|stored| {
            let is_bound = stored.login.as_bytes().ct_eq(fingerprint.as_bytes());
            bool::from(is_bound) && stored.generation == generation
        });
        Ok(alive.map(|stored| Session {
            csrf: stored.csrf,
            sha256,
        }))
    }

    /// Ends one, everywhere at once.
    pub(super) async fn end(self, session: &Session) -> Result<(), StoreError> {
        // What has expired is not there for any reader, and DynamoDB deletes it.
        let ended = StoredSession {
            csrf: String::new(),
            until: Timestamp::UNIX_EPOCH,
            login: String::new(),
            generation: 0,
        };
        let item = Item::new(&keys::session(&session.sha256), &ended)?;
        self.table.put(item.expires(ended.until)).await
    }

    /// Ends all, everywhere at once.
    pub(super) async fn end_all(self) -> Result<(), StoreError> {
        let next = Write::Add {
            key: keys::session_generation(),
            amounts: vec![("generation".to_owned(), Decimal::ONE)],
        };
        self.table.transact(&[next], WriteLimits::default()).await
    }

    async fn generation(self) -> Result<u64, StoreError> {
        let stored: Option<Generation> = self.table.get(&keys::session_generation()).await?;
        Ok(stored.unwrap_or_default().generation)
    }
}

impl FromRequestParts<AppState> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let login = || Redirect::to(LOGIN).into_response();
        let id = presented(&parts.headers).ok_or_else(login)?;
        match Sessions::of(app).find(&id).await {
            Ok(session) => session.ok_or_else(login),
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

/// The cookie that carries a session, or that takes it away again.
pub(super) fn cookie(id: Option<String>, headers: &HeaderMap) -> String {
    let seconds = id.as_ref().map_or(0, |_| LIFE.as_secs());
    let id = id.unwrap_or_default();
    let secure = if origin::is_plain_loopback(headers) {
        ""
    } else {
        "; Secure"
    };
    format!("{COOKIE_NAME}={id}; HttpOnly; SameSite=Strict{secure}; Path={PATH}; Max-Age={seconds}")
}

/// A browser sends `name=value; name=value`, in one line or several.
fn presented(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.to_owned())
}

/// 32 random bytes in hex.
fn random() -> Result<String, PageError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system has no random numbers");
        PageError::new(StatusCode::INTERNAL_SERVER_ERROR, texts().error.fault)
    })?;
    Ok(hex::encode(bytes))
}

fn hash(id: &str) -> String {
    hex::encode(Sha256::digest(id))
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use super::*;
    use crate::store::Embedded;

    #[tokio::test]
    async fn a_session_lives_for_twelve_hours_or_until_it_is_ended() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let master_key = MasterKey::new(Some("sk-1"), None, false).unwrap();
        let sessions = Sessions {
            table: &table,
            login: &Login::default(),
            master_key: &master_key,
        };
        let now = Timestamp::now();
        let minute = Duration::from_secs(60);

        let fresh = sessions.begin(now).await.unwrap();
        let session = sessions.find(&fresh).await.unwrap().unwrap();
        sessions.end(&session).await.unwrap();
        assert_eq!(sessions.find(&fresh).await.unwrap(), None);

        let old = sessions.begin(now - LIFE + minute).await.unwrap();
        assert!(sessions.find(&old).await.unwrap().is_some());
        let expired = sessions.begin(now - LIFE - minute).await.unwrap();
        assert_eq!(sessions.find(&expired).await.unwrap(), None);

        sessions.end_all().await.unwrap();
        assert_eq!(sessions.find(&old).await.unwrap(), None);
        let next = sessions.begin(now).await.unwrap();
        assert!(sessions.find(&next).await.unwrap().is_some());
    }

    #[test]
    fn the_cookie_is_for_the_pages_alone_and_for_encrypted_connections_but_on_loopback() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "abc.lambda-url.us-east-1.on.aws".parse().unwrap());
        let line = cookie(Some("id".to_owned()), &headers);
        for part in [
            "sidecar_session=id",
            "HttpOnly",
            "SameSite=Strict",
            "Secure",
            "Path=/ui",
            "Max-Age=43200",
        ] {
            assert!(
                line.split("; ").any(|found| found == part),
                "{part}: {line}"
            );
        }
        headers.insert("host", "127.0.0.1:4000".parse().unwrap());
        assert!(!cookie(None, &headers).contains("Secure"));
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        assert!(cookie(None, &headers).contains("Secure"));
    }
}
