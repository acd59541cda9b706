//! What the pages of a team and of a user share: which one an address names, and what becomes of a form.

use axum::Extension;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::draft::Problem;
use super::super::error::PageError;
use super::super::texts::Told;
use super::form::address;
use crate::audit::NotedRequest;
use crate::identity::IdentityError;

/// Which one, and what is said or shown beside it.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Named {
    pub(super) id: String,
    pub(super) member: Option<String>,
    pub(super) saved: Option<String>,
}

/// An id that was typed; `None`: one is made.
pub(super) fn chosen(typed: &str) -> Option<String> {
    (!typed.is_empty()).then(|| typed.to_owned())
}

/// Tells the audit log the id that was made.
pub(super) fn note_id(noted: Option<Extension<NotedRequest>>, name: &str, id: &str) {
    if let Some(Extension(noted)) = noted {
        noted.add_made(name, id);
    }
}

pub(super) fn saved(page: &str, id: &str) -> Response {
    Redirect::to(&format!("{}&saved", address(page, id))).into_response()
}

/// What the form itself can say; anything else is an error of the page.
pub(super) fn problem(id: &'static str, error: IdentityError) -> Result<Problem, PageError> {
    match error {
        IdentityError::Invalid(invalid) => Ok(Problem::new(invalid.param, invalid.wanted.told())),
        IdentityError::Exists(exists) => Ok(Problem::new(id, exists.told())),
        other => Err(other.into()),
    }
}
