//! Sessions: a random id in a cookie, its hash in the table. Each page looks its session up there, so that one that
//! was ended is dead on every instance at once.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::PageError;
use super::origin;
use super::texts::texts;
use crate::app::AppState;
use crate::store::{Item, StoreError, Table, keys};

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
struct Stored {
    csrf: String,
    until: Timestamp,
}

impl Session {
    /// Begins one and gives back its cookie's value.
    pub(super) async fn begin(table: &Table, now: Timestamp) -> Result<String, PageError> {
        let id = random()?;
        let until = now.checked_add(LIFE).unwrap_or(now);
        let stored = Stored {
            csrf: random()?,
            until,
        };
        let item = Item::new(&keys::session(&hash(&id)), &stored)?;
        table.put(item.expires(until)).await?;
        Ok(id)
    }

    /// The session with this cookie's value.
    async fn find(table: &Table, id: &str) -> Result<Option<Self>, StoreError> {
        let sha256 = hash(id);
        let stored: Option<Stored> = table.get(&keys::session(&sha256)).await?;
        Ok(stored.map(|stored| Self {
            csrf: stored.csrf,
            sha256,
        }))
    }

    /// Ends it, everywhere at once.
    pub(super) async fn end(&self, table: &Table) -> Result<(), StoreError> {
        // What has expired is not there for any reader, and DynamoDB deletes it.
        let ended = Stored {
            csrf: String::new(),
            until: Timestamp::UNIX_EPOCH,
        };
        let item = Item::new(&keys::session(&self.sha256), &ended)?;
        table.put(item.expires(ended.until)).await
    }
}

impl FromRequestParts<AppState> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let login = || Redirect::to(LOGIN).into_response();
        let id = presented(&parts.headers).ok_or_else(login)?;
        match Self::find(app.ledger.table(), &id).await {
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
        let now = Timestamp::now();
        let minute = Duration::from_secs(60);

        let fresh = Session::begin(&table, now).await.unwrap();
        let session = Session::find(&table, &fresh).await.unwrap().unwrap();
        session.end(&table).await.unwrap();
        assert_eq!(Session::find(&table, &fresh).await.unwrap(), None);

        let old = Session::begin(&table, now - LIFE + minute).await.unwrap();
        assert!(Session::find(&table, &old).await.unwrap().is_some());
        let expired = Session::begin(&table, now - LIFE - minute).await.unwrap();
        assert_eq!(Session::find(&table, &expired).await.unwrap(), None);
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
