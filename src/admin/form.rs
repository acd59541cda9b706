//! Forms: sent from a page of this gateway, by the session that the page was made for.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::audit;
use super::draft;
use super::error::PageError;
use super::origin;
use super::session::{AnySession, Session};
use super::texts::texts;
use crate::app::{AppState, ClientAddress};
use crate::audit::{NotedRequest, names_target};

/// The field that proves the page.
const CSRF: &str = "csrf";

/// A form's fields, in the order in which the page has them.
#[derive(Debug, Default)]
pub(super) struct FormFields(pub(super) Vec<(String, String)>);

impl FormFields {
    /// The first field of this name, or nothing.
    pub(super) fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value)
    }

    /// What is for the audit log: fields that say what it is about, and those that are not as the page had them.
    fn noteworthy(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter().filter(|(name, _)| !draft::is_before(name));
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_str()));
        fields.filter(move |(name, value)| {
            let before = self.get(&draft::before(name));
            *value != before || (names_target(name) && !value.is_empty())
        })
    }

    /// Reads a form that needs no session.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, PageError> {
        if origin::is_foreign(headers) {
            return Err(PageError::new(StatusCode::FORBIDDEN, texts().error.foreign));
        }
        Ok(Self(form_urlencoded::parse(body).into_owned().collect()))
    }
}

/// A handler that takes a posted form knows that an admin has sent it, in which session, and from this gateway's own page.
#[derive(Debug)]
pub(super) struct SubmittedForm {
    pub(super) session: Session,
    pub(super) fields: FormFields,
}

/// The same of a form that anybody who has signed in may send, about what is that person's own.
#[derive(Debug)]
pub(super) struct OwnForm {
    pub(super) session: Session,
    pub(super) fields: FormFields,
}

impl FromRequest<AppState> for SubmittedForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let OwnForm { session, fields } = OwnForm::from_request(request, app).await?;
        if session.is_admin() {
            return Ok(Self { session, fields });
        }
        let error = PageError::new(StatusCode::FORBIDDEN, texts().error.not_admin);
        Err(error.into_response())
    }
}

impl FromRequest<AppState> for OwnForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let AnySession(session) = AnySession::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let noted = parts.extensions.get::<NotedRequest>().cloned();
        let address = parts.extensions.get::<ClientAddress>().copied();
        let body = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let body = body.map_err(|refused| {
            PageError::new(refused.status(), texts().error.form).into_response()
        })?;
        let fields = FormFields::read(&headers, &body).map_err(IntoResponse::into_response)?;
        let proven = fields.get(CSRF).as_bytes().ct_eq(session.csrf.as_bytes());
        if !bool::from(proven) {
            let error = PageError::new(StatusCode::FORBIDDEN, texts().error.stale_form);
            return Err(error.into_response());
        }
        if let Some(noted) = noted {
            audit::tell(&noted, &session, address.as_ref(), fields.noteworthy());
        }
        Ok(Self { session, fields })
    }
}
