//! Sessions: a random id in a cookie, its hash in the table. Each page looks its session up there, so that one that
//! was ended is dead on every instance at once.
//!
//! Who has a session has signed in with the password, at an identity provider, or with a key; what may be done in it is its
//! [`Access`]. A handler that takes a [`Session`] is closed to members, one that takes a
//! [`SubmittedForm`](super::form::SubmittedForm) to all but admins, and one that takes an [`AnySession`] or an
//! [`OwnForm`](super::form::OwnForm) is for everybody's own.

mod cookie;
mod stored;

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use sha2::{Digest, Sha256};

use super::error::PageError;
use super::links;
use super::texts::texts;
use crate::app::AppState;
use crate::identity::Access;

pub(super) use cookie::CookieKind;
pub(super) use stored::{Sessions, SignedIn, SignedInPerson};

/// The way back to the login.
pub(super) const LOGIN: &str = "/ui/login";
/// What the addresses of all pages but the first begin with.
const PAGES: &str = "/ui/";
/// What a member has.
pub(super) const OWN_PAGE: &str = "/ui/me";

const COOKIE: CookieKind = CookieKind::new("sidecar_session", "Strict", stored::LIFE.as_secs());

/// A session of somebody who sees everything: an admin or a viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// What its forms carry.
    pub(super) csrf: String,
    /// What may be done in it.
    pub(super) access: Access,
    /// Who has signed in.
    pub(super) who: SignedIn,
    sha256: String,
}

impl Session {
    /// Whether stored prompts and replies are shown, and anything may be changed.
    pub(super) fn is_admin(&self) -> bool {
        self.access == Access::Admin
    }

    /// Whether the records of all requests are shown.
    pub(super) fn sees_records(&self) -> bool {
        self.access != Access::Member
    }
}

/// Where the session of a request is kept once it was found, for an error that is told in its layout.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundSession(Arc<OnceLock<Session>>);

impl FoundSession {
    pub(super) fn get(&self) -> Option<&Session> {
        self.0.get()
    }
}

/// A session of anybody.
#[derive(Debug)]
pub(super) struct AnySession(pub(super) Session);

impl FromRequestParts<AppState> for AnySession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let login = || Redirect::to(&login_before(parts)).into_response();
        let id = COOKIE.presented(app, &parts.headers).ok_or_else(login)?;
        match Sessions::of(app).find(&id).await {
            Ok(session) => {
                let session = session.ok_or_else(login)?;
                if let Some(found) = parts.extensions.get::<FoundSession>() {
                    // A handler may take its session twice: both are the same.
                    let _ = found.0.set(session.clone());
                }
                Ok(Self(session))
            }
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

/// The login, which leads on to the page that was asked for.
fn login_before(parts: &Parts) -> String {
    let asked = parts
        .uri
        .path_and_query()
        .map_or("", |asked| asked.as_str());
    match asked.strip_prefix(PAGES) {
        Some(page) if parts.method == Method::GET && !page.is_empty() => {
            links::to(LOGIN, &[("next", page)])
        }
        _ => LOGIN.to_owned(),
    }
}

/// The address of a page that was asked for before the login: `next` is what follows [`PAGES`]. `None`: it names none.
pub(super) fn page_after_login(next: &str) -> Option<String> {
    let is_address = !next.is_empty() && next.chars().all(|c| c.is_ascii_graphic());
    is_address.then(|| format!("{PAGES}{next}"))
}

impl FromRequestParts<AppState> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let AnySession(session) = AnySession::from_request_parts(parts, app).await?;
        match session.access {
            Access::Admin | Access::Viewer => Ok(session),
            Access::Member => Err(Redirect::to(OWN_PAGE).into_response()),
        }
    }
}

/// The cookie that carries a session, or that takes it away again.
pub(super) fn cookie(id: Option<String>, app: &AppState, headers: &HeaderMap) -> String {
    COOKIE.line(id, app, headers)
}

/// 32 random bytes in hex.
pub(super) fn random() -> Result<String, PageError> {
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
