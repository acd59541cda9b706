//! Errors as pages, in the layout of all pages.

use std::panic::AssertUnwindSafe;

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::layout::{Layout, render};
use super::period::WrongPeriod;
use super::session::{AnySession, FoundSession, Session};
use super::texts::{Told, filled, texts};
use crate::app::AppState;
use crate::keys::KeyError;
use crate::panics;
use crate::spend::ReadError;
use crate::store::StoreError;

/// What went wrong, as a page says it.
#[derive(Debug, Clone)]
pub(super) struct PageError {
    status: StatusCode,
    message: String,
}

#[derive(Template)]
#[template(path = "error.html", config = "src/admin/askama.toml")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    message: String,
}

impl PageError {
    /// With these words.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// 404: there is no such page.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, texts().error.not_found)
    }
}

/// Something is wrong with the table. Its own words go to the log.
impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "an admin page could not use the table");
        let again = texts().error.table;
        let message = match error.fault() {
            Some(fault) => format!(
                "{} {again}",
                filled(texts().error.fault_of_table, [&fault.told()])
            ),
            None => again.to_owned(),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

impl From<ReadError> for PageError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Period(first, last) if last < first => WrongPeriod::Backwards.into(),
            ReadError::Period(..) => WrongPeriod::TooLong.into(),
        }
    }
}

impl From<KeyError> for PageError {
    fn from(error: KeyError) -> Self {
        let status = match error {
            KeyError::Store(error) => return error.into(),
            KeyError::NotFound => return Self::new(StatusCode::NOT_FOUND, texts().keys.no_such),
            KeyError::Contended => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.told())
    }
}

impl PageError {
    fn page(&self, session: Option<&Session>) -> Response {
        let title = texts().error.title;
        let page = ErrorPage {
            layout: match session {
                Some(session) => Layout::beside(title, session),
                None => Layout::outside(title),
            },
            status: self.status.as_u16(),
            message: self.message.clone(),
        };
        render(self.status, &page)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.page(None);
        // For `with_navigation`, which knows who asked.
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives an error the navigation of the pages where somebody has signed in, so that nobody is led into a dead end; and
/// makes a page of what an address lacks, which the framework says as a bare text.
pub(super) async fn with_navigation(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = FoundSession::default();
    request.extensions_mut().insert(found.clone());
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let error = match response.extensions().get::<PageError>() {
        Some(error) => error.clone(),
        None if is_bare_refusal(&response) => {
            PageError::new(response.status(), texts().error.address)
        }
        None => return response,
    };
    if let Some(session) = found.get() {
        return error.page(Some(session));
    }
    // The page asked for no session, or was not there.
    let mut parts = Request::new(()).into_parts().0;
    parts.headers = headers;
    match AnySession::from_request_parts(&mut parts, &app).await {
        Ok(AnySession(session)) => error.page(Some(&session)),
        Err(_) => error.page(None),
    }
}

/// Whether an extractor of the framework has refused the address.
fn is_bare_refusal(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_text = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    response.status() == StatusCode::BAD_REQUEST && is_text
}

/// No page has this address.
pub(super) async fn not_found() -> PageError {
    PageError::not_found()
}

/// The page exists, but not with this method.
pub(super) async fn method_not_allowed() -> PageError {
    PageError::new(StatusCode::METHOD_NOT_ALLOWED, texts().error.method)
}

/// Answers for a page that panicked.
pub(super) async fn caught(request: Request, next: Next) -> Response {
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    response.unwrap_or_else(|panic| {
        tracing::error!(panic = panics::text(&panic), "an admin page panicked");
        PageError::new(StatusCode::INTERNAL_SERVER_ERROR, texts().error.fault).into_response()
    })
}
